/// Reads the presentation language of TLS (RFC 8446 section 3), in which certificate logs speak.
package struct TLSReader: Sendable {
    private let bytes: [UInt8]
    /// What is read, for messages.
    private let what: String
    private var at = 0

    package init(_ bytes: [UInt8], of what: String) {
        self.bytes = bytes
        self.what = what
    }

    package var isAtEnd: Bool { at == bytes.count }

    package mutating func take(_ count: Int) throws(SigstoreError) -> [UInt8] {
        guard count <= bytes.count - at else { throw SigstoreError(.malformed, "\(what) ends too early") }
        defer { at += count }
        return Array(bytes[at..<at + count])
    }

    /// A number of at most eight bytes.
    package mutating func number(bytes count: Int) throws(SigstoreError) -> UInt64 {
        try take(count).reduce(0) { $0 << 8 | UInt64($1) }
    }

    package mutating func vector(lengthBytes: Int) throws(SigstoreError) -> [UInt8] {
        try take(Int(try number(bytes: lengthBytes)))
    }

    package func end() throws(SigstoreError) {
        guard isAtEnd else { throw SigstoreError(.malformed, "bytes after \(what)") }
    }
}

/// Writes it.
package enum TLSWriting {
    /// A number, the most significant byte first.
    package static func number(_ value: UInt64, byteCount: Int) -> [UInt8] {
        (0..<byteCount).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }

    /// Bytes after their count. Whoever calls it has limited them to what `lengthBytes` can tell.
    package static func vector(_ bytes: [UInt8], lengthBytes: Int) -> [UInt8] {
        number(UInt64(bytes.count), byteCount: lengthBytes) + bytes
    }
}
