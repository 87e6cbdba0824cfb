package import Bytes
internal import Host
internal import Synchronization
package import SystemPackage

/// An artifact in a file, read once for each hash function that something asks for.
package final class FileArtifact: Artifact {
    package let path: FilePath
    /// Guards the digests alone; no other lock is taken while it is held.
    private let digests = Mutex<[HashAlgorithm: MessageDigest]>([:])

    /// The most bytes that are held in memory, for algorithms that take a file whole.
    package static let greatestByteCount = 1 << 30

    package init(_ path: FilePath) { self.path = path }

    package func digest(_ algorithm: HashAlgorithm) throws -> MessageDigest? {
        if let known = digests.withLock({ $0[algorithm] }) { return known }
        let digest: MessageDigest
        if algorithm == .sha256 {
            digest = MessageDigest(try Files.digest(of: path).digest)
        } else {
            var hasher = MessageHasher(algorithm)
            let file = try OpenFile(reading: path)
            while true {
                let chunk = try file.read(1 << 20)
                if chunk.isEmpty { break }
                hasher.update(chunk)
            }
            digest = hasher.finalize()
        }
        digests.withLock { $0[algorithm] = digest }
        return digest
    }

    package func bytes() throws -> [UInt8]? { try Files.read(path, limit: Self.greatestByteCount) }
}
