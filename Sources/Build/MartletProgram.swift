package import Bytes
internal import Host
internal import SystemPackage

/// Which martlet builds: its version, and the digest of the very program that runs.
package struct MartletProgram: Sendable, Hashable {
    /// The version of this source tree.
    package static let version = "0.1.0"

    /// SHA-256 of the running program's file.
    package var digest: Digest

    /// - Parameter index: remembers the digest as long as the file does not change.
    package init(index: ToolIndex) throws {
        let link = FilePath("/proc/self/exe")
        digest = try index.digest(of: ToolPath.resolve(link) ?? link)
    }
}
