internal import Host
package import Registry

/// How layers are packed. The compressor is part of what makes images equal, so its level is fixed here.
package enum LayerCompression: String, Hashable, Sendable, CaseIterable {
    case gzip, zstd, none
    /// gzip and zstd of which single files can be read.
    case estargz
    case zstdChunked = "zstd:chunked"

    var compression: Compression {
        switch self {
        case .gzip, .estargz: .gzip
        case .zstd, .zstdChunked: .zstd
        case .none: .none
        }
    }

    /// The library's level. gzip's 4 takes half as long as its usual 6, for layers that are 2 % larger.
    var level: Int32 { compression == .gzip ? 4 : 3 }

    package var mediaType: MediaType {
        switch self {
        case .gzip, .estargz: .layerGzip
        case .zstd, .zstdChunked: .layerZstd
        case .none: .layer
        }
    }
}
