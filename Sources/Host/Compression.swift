/// How a stream of bytes is packed.
package enum Compression: String, Hashable, Sendable, CaseIterable {
    case none
    /// RFC 1952, level 6, without a name or a time.
    case gzip
    /// RFC 8878, level 3, one thread, with a checksum.
    case zstd

    /// What archives of this kind are called: `.tar`, `.tar.gz`, `.tar.zst`.
    package var archiveSuffix: String {
        switch self {
        case .none: ".tar"
        case .gzip: ".tar.gz"
        case .zstd: ".tar.zst"
        }
    }

    /// The format that `bytes`, the first of a stream, belong to.
    package init(recognizing bytes: some Collection<UInt8>) {
        if bytes.starts(with: [0x1f, 0x8b]) {
            self = .gzip
        } else if bytes.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) {
            self = .zstd
        } else {
            self = .none
        }
    }
}
