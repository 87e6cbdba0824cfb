internal import Cache
package import Host
internal import SystemPackage
package import Workspace

/// A script of a workspace, ready to run: its dependencies laid out, its environment made.
///
/// Scripts run outside the sandbox, with the environment and the terminal of whoever starts them.
package struct ScriptRun: Sendable {
    package let script: Script
    /// Where the dependencies are, one directory each.
    let directory: FilePath
    let workingDirectory: FilePath
    let environment: [String: String]

    /// Lays out what `script` needs.
    /// - Parameter built: the results of its dependencies.
    package init(
        _ script: Script, in project: Project, built: [PackageName: BuiltPackage]
    ) async throws {
        let directory = try Files.temporaryDirectory(
            in: try project.cache.scratch(), prefix: "script-\(script.name.fileSystemSafe)-")
        do {
            var variables: [String: String] = [:]
            var paths: [String] = []
            for dependency in script.dependencies {
                guard let result = built[dependency] else {
                    throw BuildError(.missing, "the result of \(dependency), which the script needs, is missing")
                }
                let place = directory.appending("packages").appending(dependency.fileSystemSafe)
                try Files.createDirectories(place.removingLastComponent())
                try await project.cache.store.copy(result.artifact, to: place)
                paths.append(place.string)
                variables[Self.variable(for: dependency)] = place.string
            }
            try Files.createDirectories(directory.appending("packages"))
            self.script = script
            self.directory = directory
            workingDirectory =
                switch script.workingDirectory {
                case .packages: directory.appending("packages")
                case .origin: project.directory(of: script.name.component)
                }
            environment = Self.environment(
                of: script.environment, over: project.options.environment, paths: paths, variables: variables)
            try Files.write(
                Array("#!/bin/bash\n\(script.text)".utf8), to: directory.appending("script.sh"), mode: 0o700)
        } catch {
            try? Files.removeTree(directory)
            throw error
        }
    }

    /// Refuses a script that can't run because arguments are open.
    package static func requireResolved(_ script: Script) throws {
        guard !script.unresolved.isEmpty else { return }
        let names = script.unresolved.map { "${\($0)}" }.joined(separator: ", ")
        let options = script.unresolved.map { "-D\($0)=value" }.joined(separator: " ")
        throw BuildError(
            .configuration,
            "the script \(script.name) has unresolved arguments \(names); set them with \(options), and write shell variables without braces",
            location: script.location)
    }

    /// The variable that names the directory of a dependency: its name in capitals, `-` as `_`.
    static func variable(for dependency: PackageName) -> String {
        dependency.fileSystemSafe.uppercased().split(separator: "-", omittingEmptySubsequences: false)
            .joined(separator: "_")
    }

    /// The caller's environment, a script's own `NAME=VALUE` entries over it, the dependencies at the end of `PATH`.
    static func environment(
        of entries: [String], over inherited: [String: String], paths: [String], variables: [String: String]
    ) -> [String: String] {
        var environment = inherited
        for entry in entries {
            guard let equals = entry.firstIndex(of: "=") else { continue }
            environment[String(entry[..<equals])] = String(entry[entry.index(after: equals)...])
        }
        let path = [environment["PATH"] ?? ""] + paths
        environment["PATH"] = path.filter { !$0.isEmpty }.joined(separator: ":")
        return environment.merging(variables) { $1 }
    }

    /// Runs the script to its end and removes what was laid out.
    package func run() async throws -> ChildProcess.Status {
        defer { try? Files.removeTree(directory) }
        return try await ChildProcess.runInForeground(
            ["bash", directory.appending("script.sh").string], environment: environment,
            workingDirectory: workingDirectory)
    }
}
