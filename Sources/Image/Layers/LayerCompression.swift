internal import Host
package import Registry

/// How layers are packed. The compressor is part of what makes images equal, so its level is fixed here.
package enum LayerCompression: String, Hashable, Sendable, CaseIterable {
    case gzip, zstd, none

    var compression: Compression {
        switch self {
        case .gzip: .gzip
        case .zstd: .zstd
        case .none: .none
        }
    }

    var level: Int32 { self == .gzip ? 6 : 3 }

    package var mediaType: MediaType {
        switch self {
        case .gzip: .layerGzip
        case .zstd: .layerZstd
        case .none: .layer
        }
    }
}
