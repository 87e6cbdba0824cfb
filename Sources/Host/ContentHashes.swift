package import Bytes
package import SystemPackage

/// What one pass over a file's content gives.
package struct ContentHashes: Hashable, Sendable {
    package var digest: Digest
    /// The 32 bytes of the keyed HighwayHash that the Leeway version uses.
    package var highway: [UInt8]
    package var size: Int

    package init(digest: Digest, highway: [UInt8], size: Int) {
        self.digest = digest
        self.highway = highway
        self.size = size
    }
}

extension Files {
    /// Hashes the file at `path` both ways, reading it once; `highway` is a fresh hasher with its key. Also gives the
    /// status that the file has had all the while: a file that changes meanwhile is a `.changed` error.
    package static func contentHashes(
        of path: FilePath, highway: HighwayHash256
    ) throws -> (hashes: ContentHashes, status: FileStatus) {
        try unsafe withUnsafeTemporaryAllocation(byteCount: contentBufferSize, alignment: 32) { buffer in
            let (hashes, status, _) = try unsafe contentHashes(
                of: OpenFile(reading: path), highway: highway, isNamed: false, buffer: buffer)
            return (hashes, status)
        }
    }

    /// The bytes that are read of a file at once.
    package static let contentBufferSize = 1 << 18

    /// The same for an open file that stands at its start.
    /// - Parameter isNamed: whether the 20 bytes of git's name for the content, its SHA-1, are wanted, too.
    /// - Parameter buffer: where the content passes through; whoever hashes many files keeps one for them.
    package static func contentHashes(
        of file: borrowing OpenFile, highway: HighwayHash256, isNamed: Bool, buffer: UnsafeMutableRawBufferPointer
    ) throws -> (hashes: ContentHashes, status: FileStatus, gitName: [UInt8]?) {
        let status = try file.status()
        guard status.kind == .regular else {
            throw HostError(.input, "expected a file, but it is \(status.kind.name)", path: file.path)
        }
        var hasher = SHA256Hasher()
        var highway = highway
        var git: SHA1Hasher?
        if isNamed {
            git = SHA1Hasher()
            git?.update(Array("blob \(status.size)\0".utf8))
        }
        var size = 0
        while true {
            let count = try unsafe file.readSome(into: buffer)
            let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            hasher.update(span)
            highway.update(span)
            git?.update(span)
            size += count
            if count == 0 || size == status.size { break }
        }
        let after = try file.status()
        guard size == status.size, after.size == size, after.modified == status.modified else {
            throw HostError(
                .changed, "changed while it was being read; try again when it is at rest", path: file.path)
        }
        let hashes = ContentHashes(digest: hasher.finalize(), highway: highway.finalize(), size: size)
        return (hashes, status, git?.finalize())
    }
}
