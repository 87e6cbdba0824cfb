internal import Bytes
internal import Graph
internal import Host
package import SystemPackage

extension Workspace {
    /// Reads, links and versions the workspace whose `WORKSPACE.yaml` is in `root`.
    ///
    /// What is wrong inside the workspace is in `diagnostics`; only a root that is no workspace is thrown.
    package static func load(root: FilePath, options: WorkspaceOptions = WorkspaceOptions()) async throws -> Workspace {
        var loader = try WorkspaceLoader(root: ToolPath.resolve(root) ?? root, options: options)
        return try await loader.load()
    }
}

/// The steps of loading a workspace, in order.
struct WorkspaceLoader {
    let root: FilePath
    let options: WorkspaceOptions
    /// When the first file was looked at, in nanoseconds since 1970.
    let began: Int64
    /// The text of `.leewayignore`; empty when there is none.
    var ignored = ""
    /// The statuses that definitions had before they were read, for what may be kept of this load.
    var statuses: [String: FileStatus] = [:]
    var workspace: Workspace
    var diagnostics: [Diagnostic] = []

    init(root: FilePath, options: WorkspaceOptions) throws {
        self.root = root
        self.options = options
        began = options.keeping?.now() ?? Clocks.nowNanoseconds()
        let path = root.appending("WORKSPACE.yaml")
        let text: [UInt8]
        do {
            text = try Files.read(path, limit: YAMLLimits().bytes)
        } catch let error as HostError where error.code == .notFound {
            throw WorkspaceError(.noWorkspace, "there is no WORKSPACE.yaml", path: root)
        }
        guard WorkspaceFile.isOurs(text) else {
            throw WorkspaceError(
                .noWorkspace,
                "has none of the keys of a workspace, so it belongs to another program; "
                    + "add 'defaultTarget' or 'martlet' if it is meant to be one", path: path)
        }
        var reader = YAMLReader(
            file: "WORKSPACE.yaml", document: YAMLDocument(), unknownKeys: options.strictness.severity)
        var file: WorkspaceFile?
        do throws(YAMLError) {
            let document = try YAMLParser.parse(text)
            reader = YAMLReader(
                file: "WORKSPACE.yaml", document: document, unknownKeys: options.strictness.severity)
            file = WorkspaceFile(document.root ?? YAMLNode(kind: .scalar), &reader)
        } catch {
            diagnostics.append(
                Diagnostic(.error, error.message, at: SourceLocation(file: "WORKSPACE.yaml", line: error.line)))
        }
        diagnostics += reader.diagnostics
        let settled = file ?? WorkspaceFile(YAMLNode(kind: .scalar), &reader)
        workspace = Workspace(root: root, file: settled, arguments: [:])
        workspace.definitionFiles = ["WORKSPACE.yaml"]
        workspace.definitionDigests["WORKSPACE.yaml"] = .of(text)
    }

    mutating func load() async throws -> Workspace {
        readArguments()
        chooseVariant()
        readIgnores()
        if let kept = await restored() { return kept }
        let tree = try await walk()
        var components = try await readComponents(tree)
        try await runScripts(&components)
        let drafts = collect(components)
        async let manifest = EnvironmentProbing(root: root, options: options).manifest(
            for: Set(drafts.map(\.type)), and: workspace.file.environmentManifest)
        let openNames = try await concurrentMap(drafts, chunk: 16) { $0.openNames }
        let needsCommit = openNames.contains { !$0.isDisjoint(with: Substitution.BuiltIn.ofCommit) }
        let finder = SourceFinder(
            root: root, tree: tree, variant: workspace.variant,
            hasGoWork: (try? Files.exists(root.appending("go.work"))) == true)
        let found = try await concurrentMap(drafts, chunk: 8) { finder.sources(of: $0) }
        var sources = SourceTable(count: found.reduce(0) { $0 + $1.sources.count })
        for result in found {
            diagnostics += result.diagnostics
            sources.add(result.sources)
        }
        let numbers = sources.numbers
        let seen = WorkspaceOptions.Seen(definitions: workspace.definitionDigests) { numbers[$0] != nil }
        // Git is asked while files are read.
        async let git = needsCommit ? options.gitFacts(seen) : nil
        let hashing = SourceHashing(
            root: root, memory: options.hashMemory?(), kept: options.keeping.flatMap { KeptHashes($0.file) },
            isNaming: needsCommit && options.learnGitNames != nil)
        sources.facts = try await hashing.facts(of: sources.all)
        if let learn = options.learnGitNames { hashing.tellNames(sources, learn) }
        let (values, problems) = await manifest
        workspace.environmentManifest = EnvironmentManifest(values: values)
        diagnostics += problems
        var linker = PackageLinker(
            workspace: workspace, options: options, drafts: drafts, openNames: openNames, found: found.map(\.sources),
            sources: sources, ignores: WorkspaceTree.Ignores(root: root, text: ignored), gitFacts: try await git)
        workspace = try await linker.link()
        diagnostics += linker.diagnostics
        sortDiagnostics()
        await keep(tree, sources, types: Set(drafts.map(\.type)), linker.gitFacts)
        // What is kept has all hashes.
        if workspace.state == nil { hashing.remember(sources) }
        freeLater((tree, found, sources, linker))
        return workspace
    }

    /// Frees what tens of thousands of files needed beside whatever comes next, and not before it.
    private func freeLater(_ value: some Sendable) {
        Task.detached(priority: .background) { withExtendedLifetime(value) {} }
    }

    private mutating func sortDiagnostics() {
        var seen: Set<Diagnostic> = []
        workspace.diagnostics = diagnostics.filter { seen.insert($0).inserted }.sorted { left, right in
            if left.location.file != right.location.file {
                return Files.isOrderedByBytes(left.location.file, right.location.file)
            }
            if left.location.line != right.location.line { return left.location.line < right.location.line }
            return Files.isOrderedByBytes(left.message, right.message)
        }
    }

    // MARK: - The workspace's own files

    private mutating func readArguments() {
        var arguments = workspace.file.defaultArguments
        let name = "WORKSPACE.args.yaml"
        do {
            let text = try Files.read(root.appending(name), limit: YAMLLimits().bytes)
            workspace.definitionFiles.append(name)
            workspace.definitionDigests[name] = .of(text)
            let document = try YAMLParser.parse(text)
            var reader = YAMLReader(file: name, document: document, unknownKeys: nil)
            if let node = document.root {
                arguments.merge(reader.stringMap(node, "the arguments")) { _, new in new }
            }
            diagnostics += reader.diagnostics
        } catch let error as HostError where error.code == .notFound {
            // The file is optional.
        } catch let error as YAMLError {
            diagnostics.append(Diagnostic(.error, error.message, at: SourceLocation(file: name, line: error.line)))
        } catch {
            diagnostics.append(Diagnostic(.error, "\(error)", at: SourceLocation(file: name, line: 1)))
        }
        arguments.merge(options.arguments) { _, given in given }
        workspace.arguments = arguments
    }

    private mutating func chooseVariant() {
        guard let name = options.variant, !name.isEmpty else {
            workspace.variant = workspace.file.defaultVariant
            return
        }
        workspace.variant = workspace.file.variants.first { $0.name == name }
        if workspace.variant == nil, let severity = options.strictness.severity {
            let known = workspace.file.variants.map { "'\($0.name)'" }.sorted().joined(separator: ", ")
            diagnostics.append(
                Diagnostic(
                    severity, "there is no variant '\(name)', so none is applied",
                    at: SourceLocation(file: "WORKSPACE.yaml", line: 1),
                    remedy: known.isEmpty ? "the workspace has no variants" : "use one of \(known)"))
        }
    }

    // MARK: - Files

    private mutating func readIgnores() {
        ignored = (try? Files.readText(root.appending(".leewayignore"), limit: 1 << 20)) ?? ""
        if !ignored.isEmpty {
            workspace.definitionFiles.append(".leewayignore")
            workspace.definitionDigests[".leewayignore"] = .of(ignored)
        }
    }

    private mutating func walk() async throws -> WorkspaceTree {
        let ignores = WorkspaceTree.Ignores(root: root, text: ignored)
        var tree = try await WorkspaceTree(root: root, ignores: ignores)
        warn(aboutIgnores: ignores, text: ignored)
        var nested = WorkspaceTree.Ignores(root: root, text: "")
        for directory in tree.nestedWorkspaces {
            let file = directory + "/WORKSPACE.yaml"
            statuses[file] = try? Files.status(root.appending(file))
            let text = try? Files.read(root.appending(file), limit: YAMLLimits().bytes)
            if let text, !WorkspaceFile.isOurs(text) {
                if let severity = options.strictness.severity {
                    diagnostics.append(
                        Diagnostic(
                            severity == .error ? .error : .warning,
                            "this file belongs to another program, so \(directory) stays part of the workspace",
                            at: SourceLocation(file: file, line: 1),
                            remedy: "Leeway would leave the directory out; list it in .leewayignore to do the same"))
                }
                continue
            }
            nested.entries.append(Array(root.appending(directory).string.utf8))
        }
        if !nested.entries.isEmpty { tree.remove(nested) }
        return tree
    }

    /// Entries match anywhere in the absolute path, so where the workspace lies decides what it holds.
    private mutating func warn(aboutIgnores ignores: WorkspaceTree.Ignores, text: String) {
        guard let severity = options.strictness.severity else { return }
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty && WorkspaceTree.Ignores.find(Array(line.utf8), in: ignores.base) {
            diagnostics.append(
                Diagnostic(
                    severity,
                    "'\(line)' is part of the workspace's own path \(root), so every file of the workspace is ignored",
                    at: SourceLocation(file: ".leewayignore", line: number + 1),
                    remedy: "check the workspace out elsewhere, or make the entry longer"))
        }
    }

    // MARK: - Components

    private mutating func readComponents(_ tree: WorkspaceTree) async throws -> [ComponentDraft] {
        struct Job: Sendable {
            var directory: String
            var hasScript: Bool
        }
        var jobs: [Job] = []
        let build = Array("BUILD.yaml".utf8)
        let script = Array("BUILD.js".utf8)
        for directory in tree.directories where directory.files.contains(where: { $0.name == build }) {
            jobs.append(
                Job(
                    directory: directory.path, hasScript: directory.files.contains { $0.name == script && $0.isRegular }
                ))
        }
        let root = root
        let arguments = workspace.arguments
        let severity = options.strictness.severity
        return try await concurrentMap(jobs, chunk: 4) { job in
            ComponentDraft.load(
                job.directory, root: root, hasScript: job.hasScript, arguments: arguments, strictness: severity)
        }
    }

    private func runScripts(_ components: inout [ComponentDraft]) async throws {
        let engine = options.javaScript
        let arguments = workspace.arguments
        let severity = options.strictness.severity
        try await withThrowingTaskGroup(of: ScriptAnswer.self) { group in
            for (index, component) in components.enumerated() {
                guard let script = component.script else { continue }
                let request = JavaScript.Request(
                    program: JavaScript.program(script: script, arguments: arguments), file: component.scriptFile)
                group.addTask {
                    var whole = component
                    do {
                        let packages = try JSON(parsing: try await engine.evaluate(request))
                        whole.addPackages(packages, strictness: severity)
                    } catch is CancellationError {
                        throw CancellationError()
                    } catch {
                        let location = SourceLocation(file: component.scriptFile, line: 1)
                        let problem = (error as? WorkspaceError)?.message ?? "\(error)"
                        whole.diagnostics.append(Diagnostic(.error, problem, at: location))
                    }
                    return ScriptAnswer(index: index, component: whole)
                }
            }
            for try await answer in group { components[answer.index] = answer.component }
        }
    }

    /// A component with what came of its `BUILD.js`. Like `EnvironmentProbing.Answer`, no tuple, for the optimiser's sake.
    private struct ScriptAnswer: Sendable {
        var index: Int
        var component: ComponentDraft
    }

    /// Puts the components into the workspace, and gives their packages sorted by name.
    private mutating func collect(_ components: [ComponentDraft]) -> [PackageDraft] {
        var drafts: [(text: String, draft: PackageDraft)] = []
        var seen: [PackageName: SourceLocation] = [:]
        for component in components {
            statuses.merge(component.statuses) { $1 }
            if workspace.variant?.excludedComponents.contains(component.name) == true { continue }
            diagnostics += component.diagnostics
            workspace.definitionFiles.append(component.file)
            workspace.definitionDigests[component.file] = component.digest
            if let script = component.script {
                workspace.definitionFiles.append(component.scriptFile)
                workspace.definitionDigests[component.scriptFile] = .of(script)
            }
            workspace.components[component.name] = Workspace.Component(
                name: component.name, constants: component.constants, packages: component.packages.map(\.name),
                scripts: component.scripts.map(\.name), location: SourceLocation(file: component.file, line: 1),
                hasScript: component.script != nil)
            for var draft in component.packages {
                if let first = seen.updateValue(draft.location, forKey: draft.name) {
                    diagnostics.append(
                        Diagnostic(
                            .error, "the package \(draft.name) is declared at \(first) already", at: draft.location,
                            remedy: "rename one of them"))
                    continue
                }
                let constants = component.constants
                draft.argumentDependencies = draft.argumentDependencies.map { name in
                    "\(name): \(constants[name] ?? workspace.arguments[name] ?? "<not-set>")"
                }
                if let variant = workspace.variant { draft.apply(variant) }
                drafts.append((draft.name.description, draft))
            }
            for script in component.scripts { workspace.scripts[script.name] = script }
        }
        drafts.sort { Files.isOrderedByBytes($0.text, $1.text) }
        return drafts.map(\.draft)
    }
}
