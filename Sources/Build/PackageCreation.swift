internal import Host
package import SystemPackage
package import Workspace

/// A package that is to be added to a component: `martlet init`.
package struct PackageCreation: Sendable {
    private static let byteLimit = 16 << 20

    private let name: String
    private let type: PackageType?

    /// - Parameter type: `nil` for what the files of the directory suggest.
    package init(name: String, type: PackageType?) {
        self.name = name
        self.type = type
    }

    /// Adds the package to the `BUILD.yaml` of `directory`, which is made where there is none, and gives that file.
    package func create(in directory: FilePath) throws -> FilePath {
        let file = directory.appending("BUILD.yaml")
        let existing = try Files.exists(file) ? try Files.read(file, limit: Self.byteLimit) : nil
        let text = try Initializer.adding(
            name, type: type ?? Initializer.suggestedType(in: directory), in: directory, existing: existing)
        try Files.write(text, to: file, mode: try Files.status(file)?.mode ?? 0o644)
        return file
    }
}
