internal import Host
package import SystemPackage

/// A directory for one test, removed with everything in it when the value ends.
///
/// It lies in `MARTLET_TEST_DIRECTORY` when that is set, else in `TMPDIR` or `/tmp`.
package final class TemporaryDirectory: Sendable {
    package let path: FilePath

    package init() throws {
        let parent =
            ChildProcess.environmentVariable("MARTLET_TEST_DIRECTORY") ?? ChildProcess.environmentVariable("TMPDIR")
            ?? "/tmp"
        let made = try Files.temporaryDirectory(in: FilePath(parent), prefix: "martlet-test-")
        // Tests compare paths, so links in the parent are resolved.
        path = ToolPath.resolve(made) ?? made
    }

    deinit { try? Files.removeTree(path) }

    /// The path of the entry `name`, which may have slashes.
    package subscript(_ name: String) -> FilePath { path.appending(name) }

    /// Writes the file `name` with the directories above it.
    @discardableResult
    package func write(_ text: String, to name: String, mode: UInt16 = 0o644) throws -> FilePath {
        let file = self[name]
        try Files.createDirectories(file.removingLastComponent())
        try Files.write(Array(text.utf8), to: file, mode: mode)
        return file
    }

    /// The text of the file `name`.
    package func read(_ name: String) throws -> String { try Files.readText(self[name], limit: 1 << 28) }
}
