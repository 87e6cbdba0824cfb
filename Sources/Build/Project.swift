internal import Attest
internal import Bytes
internal import Cache
internal import Host
internal import Sandbox
internal import SystemPackage
package import Workspace

/// A workspace with its cache and tools: what every command works on.
package struct Project: Sendable {
    package let options: ProjectOptions
    package let workspace: Workspace
    package let cache: ProjectCache

    /// Opens the workspace that `options` name or that their directory is in.
    package static func open(_ options: ProjectOptions) async throws -> Project {
        let environment = options.environment
        let root =
            try options.root.map { options.directory.pushing($0).lexicallyNormalized() }
            ?? Workspace.findRoot(from: options.directory, override: environment["LEEWAY_WORKSPACE_ROOT"])
        let cache = try ProjectCache(CacheLocation.directory(environment: environment), environment: environment)
        return try await Project(options: options, workspace: load(root, options, cache), cache: cache)
    }

    /// - Parameter commit: what to take for the commit of files that are exactly as it has them; `nil` asks git.
    static func load(_ root: FilePath, _ options: ProjectOptions, _ cache: ProjectCache, commit: String? = nil)
        async throws -> Workspace
    {
        var loading = WorkspaceOptions()
        loading.variant = options.variant
        loading.arguments = options.arguments
        loading.strictness = options.strictness
        var probes = ProbeMemory(store: cache.store, actions: cache.actions, settings: cache.tools, root: root)
        if options.isServed { probes.sandbox = { try await cache.sandbox(off: false) } }
        let answering = probes
        loading.probe = { try await answering.answer($0) }
        let engine = ScriptEngine(
            store: cache.store, actions: cache.actions, settings: cache.tools,
            sandbox: { try await cache.sandbox(off: false) })
        loading.javaScript = JavaScript { try await engine.evaluate($0) }
        loading.gitFacts = { seen in
            if let commit { return WorkspaceOptions.GitFacts(commit: commit) { _ in false } }
            let facts = try await SourceFacts(
                of: root, blobs: cache.blobs, definitions: seen.definitions, isNamed: false, isThere: seen.isSource)
            return WorkspaceOptions.GitFacts(commit: facts.commit) { facts.isChanged($0) }
        }
        if commit == nil { loading.learnGitNames = { cache.blobs.remember($0) } }
        let statuses = try cache.statIndex(of: root)
        let index = HashIndex(statuses)
        loading.hashMemory = { index.memory() }
        // The files of a commit's copy are looked at once, and -D is where secrets come in.
        if commit == nil, options.arguments.isEmpty {
            var keeping = WorkspaceOptions.Keeping(
                file: FilePath(statuses.string + ".load"),
                identity: try MartletProgram.identity(),
                mayKeep: { arguments in !arguments.keys.contains { Redactor.looksSecret($0) } },
                identifyProbe: { try answering.key(for: $0) }, identifyEngine: { try engine.identity() },
                identifyRepository: { try await SourceFacts.identity(at: root) })
            keeping.now = options.now
            loading.keeping = keeping
        }
        let workspace = try await Workspace.load(root: root, options: loading)
        // A workspace on a full disk can still be read.
        try? cache.blobs.save()
        try? cache.tools.index.save()
        return workspace
    }

    // MARK: Building

    /// A builder of this workspace.
    /// - Parameter targets: what will be built; errors in files that have no part in that are no obstacle. `nil` means
    ///   anything.
    package func builder(_ building: BuildOptions, for targets: [PackageName]? = nil) async throws -> Builder {
        try requireNoErrors(concerning: targets)
        var building = building
        building.sandboxOff = building.sandboxOff || !workspace.file.settings.sandbox
        var tools = cache.tools
        tools.roots = workspace.file.settings.toolRoots.map { FilePath($0) }
        tools.identifiesPackages = workspace.file.settings.platform == .packages
        let (project, settled) = (self, building)
        let state = SourceState(root: workspace.root, definitions: workspace.definitionDigests)
        let site = BuildSite(
            workspace: workspace.root, store: cache.store, actions: cache.actions, tools: tools,
            scratch: try cache.scratch(), sandbox: { try await project.cache.sandbox(off: settled.sandboxOff) },
            witness: { try await project.witness(settled) }, sourceState: { try await state.digest() })
        var builder = try Builder(
            packages: workspace.packages, site: site, options: building, variables: options.environment)
        if let state = workspace.state {
            builder.memory = PlanMemory(
                file: FilePath(try cache.statIndex(of: workspace.root).string + ".plans"),
                state: .of(state.bytes + (try MartletProgram.identity().bytes)))
        }
        return builder
    }

    private func witness(_ building: BuildOptions) async throws -> Witness {
        var witness = Witness(
            root: workspace.root,
            source: SourceFactsMemory(
                root: workspace.root, blobs: cache.blobs, definitions: workspace.definitionDigests),
            program: try MartletProgram(index: cache.tools.index),
            variant: workspace.variant?.name, environment: workspace.environmentManifest.values,
            commandLine: options.commandLine,
            redactor: Redactor(arguments: workspace.arguments, secretNames: Set(building.secretArguments)))
        witness.service = building.service
        return witness
    }
}
