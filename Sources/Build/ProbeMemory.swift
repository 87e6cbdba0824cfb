internal import Bytes
internal import Cache
internal import Host
internal import SystemPackage
internal import Workspace

/// Remembers what tools said about their versions, so that asking them again takes no process.
///
/// An answer counts as long as every program that the command's words name, and the system's package database, are the
/// files that they were.
struct ProbeMemory: Sendable {
    let store: ContentStore
    let actions: ActionCache
    let settings: ToolSettings
    let root: FilePath

    private static let outputLimit = 1 << 20
    private static let timeLimit: Duration = .seconds(30)

    /// The standard output of the probe's command.
    func answer(_ probe: EnvironmentManifest.Probe) async throws -> String {
        let key = try key(for: probe)
        if let known = try actions.lookup(key), let blob = known.blobs["output"],
            let bytes = try? store.read(blob, limit: Self.outputLimit)
        {
            return String(decoding: bytes, as: UTF8.self)
        }
        var command = probe.command
        var environment = ProcessEnvironment.variables
        // The program whose identity is remembered is the one that answers.
        environment["PATH"] = settings.searchPath
        if let name = command.first, let alias = try Toolchain(names: [name], settings: settings).aliases[name] {
            command[0] = alias.string
            environment.merge(StepEnvironment.debianNode) { $1 }
        }
        let outcome = try await ChildProcess.run(
            command, environment: environment, workingDirectory: root, outputLimit: Self.outputLimit,
            timeLimit: Self.timeLimit)
        guard outcome.isSuccess else {
            throw BuildError(
                .unavailable,
                "'\(probe.command.joined(separator: " "))', which gives \(probe.name) of the environment manifest, failed: "
                    + outcome.errorText)
        }
        let blob = try store.put(outcome.output)
        try actions.record(ActionResult(key: key, tree: try store.put(Tree.empty), blobs: ["output": blob]))
        return outcome.outputText
    }

    /// Names what the probe's answer depends on.
    func key(for probe: EnvironmentManifest.Probe) throws -> Digest {
        let separators: Set<Character> = [" ", "\t", "\n", "|", ";", "&", "(", ")", "$", "`", "\"", "'", "<", ">"]
        let words = Set(probe.command.flatMap { $0.split { separators.contains($0) } }.map(String.init))
        let toolchain = try Toolchain(names: words, settings: settings)
        var tools: [String: String] = [:]
        for (name, tool) in toolchain.tools {
            tools[name] = "\(tool.file) \(tool.digest.hex)"
            // A script's version is in the manifest of the package that it belongs to.
            let manifest = tool.file.removingLastComponent().removingLastComponent().appending("package.json")
            if try Files.status(manifest) != nil {
                tools["\(name) manifest"] = try settings.index.digest(of: manifest).hex
            }
        }
        let key: JSON = [
            "probe": .list(probe.command), "tools": .table(tools), "platform": .table(toolchain.platform),
        ]
        return .of(key.canonical())
    }
}
