package import Bytes
package import SystemPackage

extension Files {
    private static let copyChunk = 1 << 18

    /// Copies the content of the file at `source`, through links, to a new file at `target`.
    /// - Returns: the digest of what was copied.
    @discardableResult
    package static func copy(_ source: FilePath, to target: FilePath, mode: UInt16) throws -> Digest {
        let input = try OpenFile(reading: source)
        let status = try input.status()
        guard status.kind == .regular else {
            throw HostError(.input, "is not a file; only files can be copied", path: source)
        }
        let output = try OpenFile(creating: target, mode: mode)
        var hasher = SHA256Hasher()
        let size = min(copyChunk, status.size + 1)
        try unsafe withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { buffer in
            while true {
                let count = try unsafe input.read(into: buffer)
                if count == 0 { break }
                let chunk = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
                hasher.update(unsafe RawSpan(_unsafeBytes: chunk))
                try unsafe output.write(chunk)
            }
        }
        try output.setMode(mode)
        return hasher.finalize()
    }
}
