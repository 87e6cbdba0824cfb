internal import Bytes
internal import Cache
internal import Sandbox
internal import SystemPackage
internal import Workspace

/// Evaluates `BUILD.js` files with node in the sandbox, and remembers what they gave.
struct ScriptEngine: Sendable {
    let store: ContentStore
    let actions: ActionCache
    let settings: ToolSettings
    /// Made when the first script has to run: most workspaces have none.
    let sandbox: @Sendable () async throws -> Sandbox

    /// Names the engine: what a script gives depends on it, its text and the arguments.
    func identity() throws -> Digest {
        try Toolchain(names: ["node"], settings: settings).tools["node"]?.digest ?? .of("none")
    }

    /// The standard output of the script's program.
    func evaluate(_ request: JavaScript.Request) async throws -> [UInt8] {
        let toolchain = try Toolchain(names: ["node"], settings: settings)
        guard let node = toolchain.tools["node"] else {
            throw BuildError(
                .unavailable, "\(request.file) needs node to be read; install it, e.g. apt-get install nodejs")
        }
        let key = Digest.of("BUILD.js \(request.key.hex) \(node.digest.hex)")
        if let known = try actions.lookup(key), let blob = known.blobs["output"],
            let bytes = try? store.read(blob, limit: request.outputLimit)
        {
            return bytes
        }
        let output = try await run(request, toolchain)
        let blob = try store.put(output)
        try actions.record(ActionResult(key: key, tree: try store.put(Tree.empty), blobs: ["output": blob]))
        return output
    }

    private func run(_ request: JavaScript.Request, _ toolchain: Toolchain) async throws -> [UInt8] {
        let sandbox = try await sandbox()
        guard sandbox.level != .off else { return try await JavaScript.node.evaluate(request) }
        let script = "/martlet/build.js"
        var step = SandboxRequest(
            command: ["node", "--max-old-space-size=\(request.memoryLimit >> 20)", script],
            environment: ["PATH": toolchain.searchPath, "HOME": "/homeless", "LANG": "C.UTF-8", "TZ": "UTC"],
            workingDirectory: "/", mounts: [.file(request.program, at: script)], toolRoots: toolchain.roots)
        if !toolchain.aliases.isEmpty {
            step.mounts.append(.temporary(at: Toolchain.aliasDirectory, byteLimit: 1 << 20))
        }
        for (name, path) in toolchain.aliases {
            step.mounts.append(.link(to: path.string, at: "\(Toolchain.aliasDirectory)/\(name)"))
        }
        step.limits.time = request.timeLimit
        // Beside the heap, node maps its code and its threads' stacks.
        step.limits.memory = request.memoryLimit + 512 << 20
        step.limits.processes = 64
        step.limits.output = request.outputLimit
        let outcome = try await sandbox.run(step)
        switch outcome.end {
        case .exited(0): return outcome.output
        case .limit(let name):
            throw WorkspaceError(
                .script, "\(request.file) passed its \(name) limit; make it end, or list its packages in BUILD.yaml")
        case .exited, .signalled:
            let text = String(decoding: outcome.output, as: UTF8.self)
            throw WorkspaceError(
                .script,
                text.contains("heap out of memory")
                    ? "\(request.file) needs more memory than \(request.memoryLimit >> 20) MiB"
                    : "\(request.file) failed: " + JavaScript.reason(in: text))
        }
    }
}
