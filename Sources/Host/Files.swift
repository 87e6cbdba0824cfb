package import Bytes
internal import CHost
internal import Glibc
internal import Synchronization
package import SystemPackage

/// Blocking calls on local files. All throw `HostError`.
///
/// Async code calls them in chunks of many files (`concurrentForEach`), never one call per task.
package enum Files {
    /// All bytes of a file.
    ///
    /// Refuses what is no regular file, `.tooLarge` when there are more than `limit` bytes, and `.changed` when the file
    /// shrinks or grows meanwhile.
    package static func read(_ path: FilePath, limit: Int) throws -> [UInt8] {
        let file = try OpenFile(reading: path)
        let status = try file.status()
        guard status.kind == .regular else {
            throw HostError(.input, "expected a file, but it is \(status.kind.name)", path: path)
        }
        // Files in /proc and /sys say 0 and still have content, so the size is only a hint.
        var bytes = try file.read(min(status.size, limit) + 1)
        while bytes.count > status.size, bytes.count <= limit {
            let more = try file.read(min(max(bytes.count, 4096), limit + 1 - bytes.count))
            if more.isEmpty { break }
            bytes += more
        }
        guard bytes.count <= limit else {
            throw HostError(.tooLarge, "has more than the \(limit) bytes that martlet accepts here", path: path)
        }
        guard bytes.count == status.size || status.size == 0 else {
            throw HostError(.changed, "changed while it was being read; try again", path: path)
        }
        return bytes
    }

    /// The text of a UTF-8 file; `.input` when it is not UTF-8.
    package static func readText(_ path: FilePath, limit: Int) throws -> String {
        let bytes = try read(path, limit: limit)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw HostError(.input, "is not UTF-8 text", path: path)
        }
        return text
    }

    /// Replaces the file `path` in one step: after a crash there is the old content or the new, never a part.
    ///
    /// `durable` waits until content and name are on the disk.
    package static func write(
        _ bytes: [UInt8], to path: FilePath, mode: UInt16 = 0o644, durable: Bool = false
    ) throws {
        let temporary = temporaryName(beside: path)
        do {
            let file = try OpenFile(creating: temporary, mode: mode)
            try file.write(bytes)
            try file.setMode(mode)
            if durable { try file.synchronize(metadata: false) }
        } catch {
            try? remove(temporary)
            throw error
        }
        do {
            try rename(temporary, to: path)
        } catch {
            try? remove(temporary)
            throw error
        }
        if durable { try synchronize(path.removingLastComponent()) }
    }

    /// The prefix of every temporary name that `write` makes. A file of that name in a directory of martlet's own is
    /// what a killed process left, unless it is young.
    package static let temporaryPrefix = ".martlet-tmp."

    private static let counter = Atomic<UInt64>(0)

    /// A name in the directory of `path` that no other process or thread uses.
    package static func temporaryName(beside path: FilePath) -> FilePath {
        let number = counter.add(1, ordering: .relaxed).newValue
        // The time keeps apart processes that have the same id in different namespaces or after a restart.
        return path.removingLastComponent().appending(
            "\(temporaryPrefix)\(getpid()).\(Clocks.nowNanoseconds()).\(number)")
    }

    /// The SHA-256 digest and the size of a regular file's content, without reading it into memory at once.
    package static func digest(of path: FilePath) throws -> (digest: Digest, size: Int) {
        let file = try OpenFile(reading: path)
        let status = try file.status()
        guard status.kind == .regular else {
            throw HostError(.input, "expected a file, but it is \(status.kind.name)", path: path)
        }
        return try digest(of: file, sizeHint: status.size)
    }

    /// The digest and the size of everything from the current position to the end of `file`.
    package static func digest(of file: borrowing OpenFile, sizeHint: Int) throws -> (digest: Digest, size: Int) {
        let capacity = min(max(sizeHint + 1, 4096), 1 << 18)
        return try unsafe withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 16) { buffer in
            var hasher = SHA256Hasher()
            var size = 0
            while true {
                let count = try unsafe file.read(into: buffer)
                unsafe hasher.update(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<count])))
                size += count
                if count < buffer.count { break }
            }
            return (hasher.finalize(), size)
        }
    }

    /// A new empty directory with mode 0700 in `parent`, whose name starts with `prefix`.
    package static func temporaryDirectory(in parent: FilePath, prefix: String) throws -> FilePath {
        var name = Array(parent.appending(prefix + "XXXXXX").string.utf8CString)
        let made = unsafe name.withUnsafeMutableBufferPointer { buffer -> Bool in
            guard let base = buffer.baseAddress else { return false }
            return unsafe mkdtemp(base) != nil
        }
        guard made else { throw HostError.last("make a temporary directory", path: parent) }
        return FilePath(String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}
