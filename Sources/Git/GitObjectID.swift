internal import Bytes

/// How a repository names its objects (git's `extensions.objectFormat`).
package enum GitObjectFormat: String, Sendable {
    case sha1, sha256

    /// The number of hexadecimal digits in a name.
    package var digitCount: Int { self == .sha1 ? 40 : 64 }

    /// The name of a blob with this content: a file's bytes, or the target of a symbolic link.
    package func blobID(of content: [UInt8]) -> GitObjectID { objectID(type: "blob", content) }

    /// The name of an object.
    func objectID(type: String, _ content: [UInt8]) -> GitObjectID {
        var hasher = GitObjectHasher(self, type: type, byteCount: content.count)
        hasher.update(content)
        return hasher.finalize()
    }
}

/// The name of a git object in lower-case hexadecimal.
package struct GitObjectID: Hashable, Sendable, CustomStringConvertible {
    package let hex: String

    /// Takes 40 or 64 lower-case hexadecimal digits; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let utf8 = text.utf8
        guard utf8.count == 40 || utf8.count == 64,
            utf8.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 })
        else { return nil }
        hex = String(text)
    }

    /// Takes the 20 or 32 bytes of a name; `nil` for any other count.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 20 || bytes.count == 32 else { return nil }
        hex = Hex.encode(bytes)
    }

    init(digest: some Collection<UInt8>) { hex = Hex.encode(digest) }

    /// The 20 or 32 bytes of the name.
    package var bytes: [UInt8] {
        func value(_ digit: UInt8) -> UInt8 { digit < 0x61 ? digit - 0x30 : digit - 0x57 }
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
    }

    package var description: String { hex }
}

/// Computes the name of a git object whose bytes arrive in pieces, so that one reading of a file can give both this
/// and its SHA-256 digest.
package struct GitObjectHasher {
    private enum State {
        case sha1(SHA1Hasher)
        case sha256(SHA256Hasher)
    }

    private var state: State

    /// - Parameter byteCount: how many bytes will follow; it is part of what is hashed.
    package init(_ format: GitObjectFormat, type: String = "blob", byteCount: Int) {
        state = format == .sha1 ? .sha1(SHA1Hasher()) : .sha256(SHA256Hasher())
        update(Array("\(type) \(byteCount)\0".utf8))
    }

    /// Adds bytes of the object.
    package mutating func update(_ bytes: [UInt8]) {
        switch state {
        case .sha1(var hasher):
            hasher.update(bytes)
            state = .sha1(hasher)
        case .sha256(var hasher):
            hasher.update(bytes)
            state = .sha256(hasher)
        }
    }

    /// Adds bytes of the object.
    package mutating func update(_ span: RawSpan) {
        switch state {
        case .sha1(var hasher):
            hasher.update(span)
            state = .sha1(hasher)
        case .sha256(var hasher):
            hasher.update(span)
            state = .sha256(hasher)
        }
    }

    /// The name of the object.
    package consuming func finalize() -> GitObjectID {
        switch state {
        case .sha1(let hasher): GitObjectID(digest: hasher.finalize())
        case .sha256(let hasher): GitObjectID(digest: hasher.finalize().bytes)
        }
    }
}
