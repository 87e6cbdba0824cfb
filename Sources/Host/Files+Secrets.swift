internal import Glibc
package import SystemPackage

extension Files {
    /// All bytes of a file or a pipe, such as `/dev/fd/3` or what a shell makes of `<(…)`. Waits for a pipe's end.
    ///
    /// `.tooLarge` when there are more than `limit`.
    package static func readStream(_ path: FilePath, limit: Int) throws -> [UInt8] {
        let file = try OpenFile(path, flags: O_RDONLY | O_NOCTTY)
        let bytes = try file.read(limit + 1)
        guard bytes.count <= limit else {
            throw HostError(.tooLarge, "has more than the \(limit) bytes that martlet accepts here", path: path)
        }
        return bytes
    }

    /// Makes the file `path`, which must not exist, readable for its owner alone; after a crash it is whole or absent.
    ///
    /// - Returns: `false`, with nothing changed, where there is something of that name.
    package static func writeSecret(_ bytes: [UInt8], to path: FilePath) throws -> Bool {
        let temporary = temporaryName(beside: path)
        defer { try? remove(temporary) }
        let file = try OpenFile(creating: temporary, mode: 0o600)
        try file.setMode(0o600)
        try file.write(bytes)
        try file.synchronize()
        guard try renameIfAbsent(temporary, to: path) else { return false }
        try synchronize(path.removingLastComponent())
        return true
    }
}
