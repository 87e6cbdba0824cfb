import Bytes
import Host
import SystemPackage
import TestKit

@testable import Workspace

/// A workspace in a temporary directory, loaded with tools that answer at once.
struct Fixture {
    let directory: TemporaryDirectory

    init(_ files: [String: String]) throws {
        directory = try TemporaryDirectory()
        if files["WORKSPACE.yaml"] == nil { try directory.write("", to: "WORKSPACE.yaml") }
        for (name, text) in files { try directory.write(text, to: name) }
    }

    static func options(_ change: (inout WorkspaceOptions) -> Void = { _ in }) -> WorkspaceOptions {
        var options = WorkspaceOptions()
        options.probe = { probe in
            switch probe.name {
            case "go": "go version go1.24.9 linux/amd64\n"
            default: "1\n"
            }
        }
        change(&options)
        return options
    }

    func load(_ change: (inout WorkspaceOptions) -> Void = { _ in }) async throws -> Workspace {
        try await Workspace.load(root: directory.path, options: Self.options(change))
    }
}

extension Workspace {
    /// The package with a full name.
    func package(_ name: String) throws -> Package {
        guard let package = PackageName(name).flatMap({ packages[$0] }) else {
            throw WorkspaceError(.unknownName, "no package \(name)")
        }
        return package
    }

    /// The messages of the diagnostics with their lines.
    var messages: [String] { diagnostics.map { "\($0.location): \($0.message)" } }
}
