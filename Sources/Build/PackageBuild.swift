internal import Bytes
internal import Cache
internal import Host
internal import Image
internal import Sandbox
internal import SystemPackage
internal import Workspace

/// One package's way from sources to a stored artifact: its steps in order, each from the cache or run.
struct PackageBuild {
    let package: Package
    let recipe: Recipe
    let key: PackageKey
    let dependencies: [DependencyArtifact]
    let site: BuildSite
    let sandbox: Sandbox
    let toolchain: Toolchain
    let options: BuildOptions
    let passed: [String: String]
    /// Every package that this one is built from.
    let needed: [BuiltPackage.Reference]
    let report: @Sendable (BuildEvent.Kind) -> Void

    /// The package's files under the workspace's root, as the last step left them.
    private var files = FileSet()
    /// What fetch steps left.
    private var fetched: Digest?
    private var steps: [BuiltPackage.Step] = []
    /// The provenance that an image carries inside.
    private var inside: [UInt8]?

    init(
        package: Package, recipe: Recipe, key: PackageKey, dependencies: [DependencyArtifact], site: BuildSite,
        sandbox: Sandbox, toolchain: Toolchain, options: BuildOptions, passed: [String: String],
        needed: [BuiltPackage.Reference], report: @escaping @Sendable (BuildEvent.Kind) -> Void
    ) {
        self.package = package
        self.recipe = recipe
        self.key = key
        self.dependencies = dependencies
        self.site = site
        self.sandbox = sandbox
        self.toolchain = toolchain
        self.options = options
        self.passed = passed
        self.needed = needed
        self.report = report
    }

    /// The package's directory relative to the workspace's root, empty for the root itself.
    private var component: String { package.name.component == "//" ? "" : package.name.component }

    private var mounted: [DependencyArtifact] { dependencies.filter { !$0.mount.isChanged } }
    private var copied: [DependencyArtifact] { dependencies.filter(\.mount.isChanged) }

    private func inComponent(_ path: String) -> String {
        if path.isEmpty { return component }
        return component.isEmpty ? path : "\(component)/\(path)"
    }

    /// A result, and the files that steps made: sources that are part of the artifact unchanged are not among them.
    struct Result: Sendable {
        var built: BuiltPackage
        /// Sorted by path.
        var outputs: [OutputFile]
        /// The images in the artifact, by name and digest.
        var images: [AssembledImage] = []
    }

    /// A file of the artifact.
    struct OutputFile: Sendable {
        var path: String
        var digest: Digest
    }

    /// Runs what has to be run and stores the artifact.
    mutating func run() async throws -> Result {
        let started = site.clock()
        if let assembly = recipe.assembly, !assembly.provenance.isEmpty {
            inside = try await ProvenanceInside(
                package: package, dependencies: dependencies.map { ($0.key, $0.mount.package) },
                statements: RecordedStatements(actions: site.actions, store: site.store), options: options
            ).bytes()
        }
        placeInputs()
        let inputRoot = try files.tree().root
        try placeCopies()
        let inputs = files
        var workplace: StepWorkplace?
        var applied: [StepChanges] = []
        defer { workplace?.remove() }
        for step in recipe.steps {
            report(.stepStarted(package.name, step.kind))
            do {
                let (changes, wasCached) = try await perform(step, workplace: &workplace, applied: applied)
                if step.keepsFiles {
                    changes.apply(to: &files)
                    applied.append(changes)
                    try workplace?.apply(changes, from: site.store)
                }
                report(.stepFinished(package.name, step.kind, wasCached ? .cached : .built))
            } catch {
                report(.stepFinished(package.name, step.kind, .failed("\(error)")))
                throw error
            }
        }
        return try await store(inputs: inputs, inputRoot: inputRoot.digest, started: started)
    }

    /// The files that are there before the first step.
    private mutating func placeInputs() {
        for source in package.sources { files.put(source.node, at: source.path) }
        for source in package.sources where source.isImplicit {
            files.put(source.node, at: inComponent(source.fileName))
        }
        for file in recipe.files {
            files.put(
                .file(.of(file.content), size: file.content.count, isExecutable: file.isExecutable),
                at: inComponent(file.path))
        }
        if !component.isEmpty { files.makeDirectory(component) }
    }

    /// Puts dependencies that commands change among the package's own files.
    private mutating func placeCopies() throws {
        for dependency in copied {
            guard case .directory(let tree, _) = dependency.tree else { continue }
            let place = inComponent(dependency.mount.path)
            files.makeDirectory(place)
            for entry in try site.store.flatten(tree, directories: true) {
                let path = "\(place)/\(entry.path)"
                if case .directory = entry.node { files.makeDirectory(path) } else { files.put(entry.node, at: path) }
            }
        }
    }

    // MARK: Steps

    /// The action of `step` on the files as they are now.
    private func action(of step: Recipe.Step) throws -> Action {
        var root = FileSet()
        let workspace = String(StepEnvironment.workspaceDirectory.dropFirst())
        var seen = files
        for dependency in mounted { seen.put(dependency.tree, at: inComponent(dependency.mount.path)) }
        root.put(try seen.tree().root.asNode, at: workspace)
        if let fetched {
            let node = try site.store.tree(fetched).asNode
            root.put(node, at: String(StepEnvironment.fetchedDirectory.dropFirst()))
        }
        if let script = StepScript(step.commands) {
            root.put(
                .file(.of(script.content), size: script.content.count, isExecutable: false),
                at: String(StepScript.path.dropFirst()))
        }
        let tree = try root.tree().root
        var platform = toolchain.platform
        for name in recipe.tools {
            if let tool = toolchain.tools[name] { platform["tool:\(name)"] = tool.digest.hex }
        }
        platform["sandbox"] = sandbox.level == .off ? "off" : "on"
        platform["network"] = step.usesNetwork ? "host" : "none"
        platform["keeps-files"] = step.keepsFiles ? "yes" : "no"
        let roots = toolchain.roots.map(\.string) + package.settings.toolRoots
        if !roots.isEmpty { platform["tool-roots"] = roots.joined(separator: ":") }
        if case .imageAssembly(let image) = step.runner {
            platform["image"] = "\(image.definition) lock=\(image.lock) compression=\(image.compression.rawValue)"
            platform["image-recipe"] = "\(ImageBuilder.recipeVersion)"
            if let inside { platform["image-provenance"] = "\(image.provenance) \(Digest.of(inside))" }
        }
        if case .imageBuilder(let image) = step.runner {
            platform["image"] = "\(image.dockerfile) squash=\(image.squash)"
            for (name, value) in image.buildArguments { platform["image-argument:\(name)"] = value }
        }
        return Action(
            arguments: StepScript.arguments(for: step.commands), environment: environment(of: step),
            workingDirectory: StepEnvironment.directory(of: package.name.component), platform: platform,
            inputRoot: (tree.digest, tree.encoded.count), timeout: package.settings.timeLimit ?? 0)
    }

    private func environment(of step: Recipe.Step) -> [String: String] {
        StepEnvironment.variables(
            for: package, step: step, searchPath: toolchain.searchPath, passed: passed)
    }

    /// Takes the step's changes from the cache, or runs it and records them.
    private mutating func perform(
        _ step: Recipe.Step, workplace: inout StepWorkplace?, applied: [StepChanges]
    ) async throws -> (StepChanges, wasCached: Bool) {
        let action = try action(of: step)
        let key = action.key
        if !options.ignoreCache, !package.isEphemeral, let known = try site.actions.lookup(key),
            let result = try StepResultRecord(known, store: site.store)
        {
            steps.append(.init(kind: step.kind, action: key, log: known.log, seconds: result.seconds))
            if let tree = result.fetched { fetched = tree }
            return (result.changes, true)
        }
        let place: StepWorkplace
        if let workplace {
            place = workplace
        } else {
            place = try await materialise(applied)
            workplace = place
        }
        let run = StepRun(
            package: package, step: step, recipe: recipe, dependencies: mounted, site: site, sandbox: sandbox,
            toolchain: toolchain, timeLimit: package.settings.timeLimit ?? options.timeLimit,
            traceInputs: options.traceInputs,
            environment: action.environment,
            before: files, fetched: fetched, provenance: inside, report: report)
        let begin = Clocks.monotonicNanoseconds()
        let result = try await run.run(in: place)
        let seconds = Double(Clocks.monotonicNanoseconds() - begin) / 1e9
        if let tree = result.fetched { fetched = tree }
        let log = try site.store.put(result.log)
        steps.append(.init(kind: step.kind, action: key, log: log, seconds: seconds))
        let record = StepResultRecord(changes: result.changes, fetched: result.fetched, seconds: seconds)
        try site.actions.record(try record.actionResult(key: key, log: log, store: site.store))
        return (result.changes, false)
    }

    /// Puts the files of this moment on disk.
    private func materialise(_ applied: [StepChanges]) async throws -> StepWorkplace {
        let workplace = try StepWorkplace(in: site.scratch)
        do {
            try await concurrentForEach(package.sources) { source in
                try workplace.place(source, from: site.workspace)
            }
            for source in package.sources where source.isImplicit && source.path != inComponent(source.fileName) {
                try workplace.place(source, from: site.workspace, at: inComponent(source.fileName))
            }
            try Files.createDirectories(workplace.lower.appending(component))
            for file in recipe.files {
                try workplace.place(file.content, at: inComponent(file.path), isExecutable: file.isExecutable)
            }
            for dependency in copied {
                try await dependency.copy(
                    to: workplace.lower.appending(inComponent(dependency.mount.path)), from: site.store)
            }
            for changes in applied { try workplace.apply(changes, from: site.store) }
            for dependency in mounted {
                try Files.createDirectories(workplace.lower.appending(inComponent(dependency.mount.path)))
            }
        } catch {
            workplace.remove()
            throw error
        }
        return workplace
    }

    // MARK: Artifact

    /// Makes the artifact of the files as they are and stores it.
    private func store(inputs: FileSet, inputRoot: Digest, started: Int) async throws -> Result {
        var own = files.subset(below: inComponent(recipe.artifactDirectory))
        for path in recipe.leftOut { own.remove(path) }
        for dependency in copied where !dependency.mount.isPartOfArtifact && recipe.artifactDirectory.isEmpty {
            own.remove(dependency.mount.path)
        }
        if !package.settings.outputs.isEmpty { own = try selectOutputs(own) }
        let before = inputs.subset(below: inComponent(recipe.artifactDirectory))
        try await storeSources(of: own)
        var whole = own
        var references: [BuiltPackage.Reference] = []
        for dependency in mounted where dependency.mount.isPartOfArtifact && isOutput(dependency.mount.path) {
            own.remove(dependency.mount.path)
            // Where a dependant mounts what is referred to; in a read-only tree that place must exist.
            own.makeDirectory(dependency.mount.path)
            references.append(
                .init(package: dependency.mount.package, path: dependency.mount.path, key: dependency.key))
            whole.remove(dependency.mount.path)
            whole.put(dependency.tree, at: dependency.mount.path)
        }
        let ownTree = try own.tree()
        let wholeTree = try whole.tree()
        for tree in ownTree.directories + wholeTree.directories { _ = try site.store.put(tree) }
        let outputs = own.nodes.compactMap { path, node -> OutputFile? in
            guard case .file(let digest, _, _) = node, before.nodes[path] != node else { return nil }
            return OutputFile(path: path, digest: digest)
        }
        var built = BuiltPackage(
            name: package.name, key: key.digest, leewayVersion: package.leewayVersion, ownTree: ownTree.root.digest,
            artifact: wholeTree.root.digest, references: references,
            dependencies: needed, inputTree: inputRoot, steps: steps, fetched: try fetchedFiles(),
            sandbox: sandbox.level,
            startedOn: started, finishedOn: site.clock())
        if inside != nil { built.bundleSigner = options.signatures?.signerID ?? "" }
        let images = recipe.assembly == nil ? [] : try AssembledImage.all(in: own, of: package.name, site.store)
        return Result(built: built, outputs: outputs.sorted { $0.path < $1.path }, images: images)
    }

    /// Whether a path is in the artifact if the package says what is.
    private func isOutput(_ path: String) -> Bool {
        package.settings.outputs.isEmpty
            || package.settings.outputs.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    /// Only what the package names as its outputs; a name that matches nothing is a mistake.
    private func selectOutputs(_ all: FileSet) throws -> FileSet {
        var selected = FileSet()
        for output in package.settings.outputs {
            let prefix = output + "/"
            var found = mounted.contains { $0.mount.path == output || $0.mount.path.hasPrefix(prefix) }
            for (path, node) in all.nodes where path == output || path.hasPrefix(prefix) {
                selected.put(node, at: path)
                found = true
            }
            for path in all.emptyDirectories where path == output || path.hasPrefix(prefix) {
                selected.makeDirectory(path)
                found = true
            }
            guard found else {
                throw BuildError(
                    .configuration, "the steps made no \(output), which `martlet: outputs:` names",
                    package: package.name, location: package.location)
            }
        }
        return selected
    }

    /// Puts those files of the artifact that are unchanged sources, or files that martlet wrote, into the store; what
    /// steps made is there already.
    private func storeSources(of files: FileSet) async throws {
        let wanted = Set(
            files.nodes.values.compactMap { node -> Digest? in
                if case .file(let digest, _, _) = node { return digest } else { return nil }
            })
        let sources = package.sources.filter { wanted.contains($0.digest) && !site.store.contains($0.digest) }
        try await concurrentForEach(sources) { source in
            let file = site.workspace.appending(source.path)
            // A source may be a link; what counts is the file at its end.
            let (digest, _) = try site.store.put(file: ToolPath.resolve(file) ?? file)
            guard digest == source.digest else {
                throw BuildError(
                    .changed, "\(source.path) changed while the build ran; build again", package: package.name)
            }
        }
        for file in recipe.files where wanted.contains(.of(file.content)) { _ = try site.store.put(file.content) }
    }

    private func fetchedFiles() throws -> [BuiltPackage.FetchedFile] {
        guard let fetched else { return [] }
        return try site.store.flatten(fetched).compactMap { file in
            guard case .file(let digest, _, _) = file.node else { return nil }
            return .init(path: file.path, digest: digest)
        }
    }
}

extension SourceFile {
    /// What the source is in a tree: links have been followed.
    var node: Tree.Node { .file(digest, size: size, isExecutable: isExecutable) }

    /// The last component of the path.
    var fileName: String { path.split(separator: "/").last.map(String.init) ?? path }
}
