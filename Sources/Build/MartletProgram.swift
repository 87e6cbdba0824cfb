package import Bytes
internal import Host
internal import SystemPackage

/// Which martlet builds: its version, and the digest of the very program that runs.
package struct MartletProgram: Sendable, Hashable {
    /// The version of this source tree.
    package static let version = "0.1.0"

    /// SHA-256 of the running program's file.
    package var digest: Digest

    /// Names the running program by its file's status, without reading it.
    static func identity() throws -> Digest {
        guard let status = try Files.status("/proc/self/exe") else {
            throw HostError(.notFound, "the running program has no file", path: "/proc/self/exe")
        }
        return .of("\(version) \(status.device) \(status.inode) \(status.size) \(status.modified) \(status.changed)")
    }

    /// - Parameter index: remembers the digest as long as the file does not change.
    package init(index: ToolIndex) throws {
        let link = FilePath("/proc/self/exe")
        digest = try index.digest(of: ToolPath.resolve(link) ?? link)
    }
}
