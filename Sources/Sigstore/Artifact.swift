package import Bytes

/// What a bundle should be about: the artifact's digests, and its bytes where an algorithm needs them.
package protocol Artifact: Sendable {
    /// The digest by `algorithm`; `nil` where only that of another algorithm is at hand.
    func digest(_ algorithm: HashAlgorithm) throws -> MessageDigest?

    /// The bytes; `nil` where only a digest is at hand.
    func bytes() throws -> [UInt8]?
}

/// An artifact of which only a digest is at hand.
package struct DigestArtifact: Artifact {
    package let digest: MessageDigest

    package init(_ digest: MessageDigest) { self.digest = digest }

    package func digest(_ algorithm: HashAlgorithm) -> MessageDigest? { algorithm == digest.algorithm ? digest : nil }

    package func bytes() -> [UInt8]? { nil }
}

/// An artifact in memory.
package struct BytesArtifact: Artifact {
    private let content: [UInt8]

    package init(_ content: [UInt8]) { self.content = content }

    package func digest(_ algorithm: HashAlgorithm) -> MessageDigest? { algorithm.digest(of: content) }

    package func bytes() -> [UInt8]? { content }
}
