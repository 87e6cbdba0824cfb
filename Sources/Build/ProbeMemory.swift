internal import Bytes
internal import Cache
internal import Host
internal import Sandbox
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
    /// What a stranger's commands run in; `nil` where they are the user's own.
    var sandbox: (@Sendable () async throws -> Sandbox)?

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
        let output = sandbox == nil ? try await run(probe) : try await runInSandbox(probe)
        let blob = try store.put(output)
        try actions.record(ActionResult(key: key, tree: try store.put(Tree.empty), blobs: ["output": blob]))
        return String(decoding: output, as: UTF8.self)
    }

    private func run(_ probe: EnvironmentManifest.Probe) async throws -> [UInt8] {
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
        guard outcome.isSuccess else { throw failure(probe, outcome.errorText) }
        return outcome.output
    }

    /// The same without the workspace, the environment and the network: tools know their versions by themselves.
    private func runInSandbox(_ probe: EnvironmentManifest.Probe) async throws -> [UInt8] {
        guard let sandbox = try await sandbox?(), sandbox.level != .off else {
            throw failure(probe, "this machine has no sandbox to run it in")
        }
        var command = probe.command
        let toolchain = try Toolchain(names: Set(command.prefix(1)), settings: settings)
        var environment = ["PATH": toolchain.searchPath, "HOME": "/homeless", "LANG": "C.UTF-8", "TZ": "UTC"]
        if let name = command.first, let alias = toolchain.aliases[name] {
            command[0] = alias.string
            environment.merge(StepEnvironment.debianNode) { $1 }
        }
        var request = SandboxRequest(
            command: command, environment: environment, workingDirectory: "/", toolRoots: toolchain.roots)
        request.limits.time = Self.timeLimit
        request.limits.memory = 2 << 30
        request.limits.processes = 64
        request.limits.output = Self.outputLimit
        let outcome = try await sandbox.run(request)
        guard outcome.succeeded else { throw failure(probe, String(decoding: outcome.output, as: UTF8.self)) }
        return outcome.output
    }

    private func failure(_ probe: EnvironmentManifest.Probe, _ said: String) -> BuildError {
        BuildError(
            .unavailable,
            "'\(probe.command.joined(separator: " "))', which gives \(probe.name) of the environment manifest, failed: "
                + said)
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
