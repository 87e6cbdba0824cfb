internal import Host
package import SystemPackage
internal import Workspace

/// Formats `BUILD.yaml` files of a workspace.
package struct BuildFileFormatting: Sendable {
    private static let byteLimit = 16 << 20

    /// Whether files are written; otherwise their text is given.
    private let isInPlace: Bool
    /// Whether dependencies are sorted.
    private let isFixing: Bool

    package init(isInPlace: Bool, isFixing: Bool) {
        self.isInPlace = isInPlace
        self.isFixing = isFixing
    }

    /// Formats the files of all components. Gives what is to be printed: texts, or the names of the files that changed.
    package func format(_ project: Project) throws -> String {
        var out = ""
        for name in project.workspace.components.keys.sorted() {
            out += try format(project.directory(of: name).appending("BUILD.yaml"))
        }
        return out
    }

    /// Formats one file.
    package func format(_ file: FilePath) throws -> String {
        let before = try Files.read(file, limit: Self.byteLimit)
        let after = try Formatter.format(before, file: file.string, fixing: isFixing)
        guard isInPlace else { return String(decoding: after, as: UTF8.self) }
        guard before != after else { return "" }
        try Files.write(after, to: file, mode: try Files.status(file)?.mode ?? 0o644)
        return "\(file)\n"
    }
}
