internal import Bytes
internal import Graph
internal import Host
internal import SystemPackage

/// Turns drafts into packages: dependencies resolved, versions computed, built-in arguments filled in.
struct PackageLinker {
    var workspace: Workspace
    let options: WorkspaceOptions
    /// Sorted by name.
    let drafts: [PackageDraft]
    /// The names that each draft's texts refer to still.
    let openNames: [Set<String>]
    /// The sources of each draft.
    let found: [[SourceFinder.Found]]
    let sources: SourceTable
    let ignores: WorkspaceTree.Ignores
    var diagnostics: [Diagnostic] = []
    /// What git said, if anything depends on that.
    let gitFacts: WorkspaceOptions.GitFacts?
    /// The numbers of packages that differ from the commit by themselves, of those that were asked about.
    private var dirty: Set<Int> = []

    init(
        workspace: Workspace, options: WorkspaceOptions, drafts: [PackageDraft], openNames: [Set<String>],
        found: [[SourceFinder.Found]], sources: SourceTable, ignores: WorkspaceTree.Ignores,
        gitFacts: WorkspaceOptions.GitFacts?
    ) {
        self.workspace = workspace
        self.options = options
        self.drafts = drafts
        self.openNames = openNames
        self.found = found
        self.sources = sources
        self.ignores = ignores
        self.gitFacts = gitFacts
    }

    /// The version of the way in which each type is built, which Leeway raises when that changes.
    private static let processVersions: [PackageType: Int] = [
        .yarn: 7, .go: 2, .docker: 4, .generic: 1, .image: 1, .swift: 1,
    ]

    mutating func link() async throws -> Workspace {
        workspace.order = drafts.map(\.name)
        for (number, draft) in drafts.enumerated() { workspace.numbers[draft.name] = number }
        let dependencies = drafts.map { resolveDependencies($0) }
        linkScripts()
        let graph = Graph(dependencies: dependencies.map { $0.map(\.number) })
        workspace.graph = graph
        let order: [Int]
        switch graph.order() {
        case .sorted(let sorted): order = sorted
        case .cycle(let path):
            let names = path.map { drafts[$0].name.description }.joined(separator: " -> ")
            diagnostics.append(
                Diagnostic(
                    .error, "the packages depend on each other in a cycle: \(names)", at: drafts[path[0]].location,
                    remedy: "remove one of these dependencies"))
            order = []
        }
        let environment = SourceHashing.leewayHash(Array(workspace.environmentManifest.text.utf8))
        let materials = try await materials()
        var packages = [Package?](repeating: nil, count: drafts.count)
        var lines = [String](repeating: "", count: drafts.count)
        // In an order with dependencies first every version is there when it is needed; in a cycle there are none.
        for number in order.isEmpty ? Array(drafts.indices) : order {
            var package = makePackage(number, materials[number], dependencies[number].map(\.name))
            if !order.isEmpty {
                let below = dependencies[number].map { lines[$0.number] }.joined()
                package.leewayHeader = header(number, materials[number], environment: environment)
                package.leewayDependencies = below
                var hasher = SHA1Hasher()
                hasher.update(Array((package.leewayHeader + below + materials[number].lines).utf8))
                package.leewayVersion = Hex.encode(hasher.finalize())
                lines[number] = "\(package.name).\(package.leewayVersion)\n"
            }
            packages[number] = package
        }
        try await findDirty(packages)
        for number in drafts.indices {
            guard var package = packages[number] else { continue }
            fillBuiltIns(&package, number)
            workspace.packages[package.name] = package
        }
        return workspace
    }

    // MARK: - Dependencies

    private mutating func resolveDependencies(_ draft: PackageDraft) -> [(name: PackageName, number: Int)] {
        var out: [(PackageName, Int)] = []
        for dependency in draft.dependencies {
            if let name = PackageName(dependency), let number = workspace.numbers[name] {
                out.append((name, number))
            } else {
                reportMissing(dependency, of: draft.name.description, at: draft.location)
            }
        }
        return out
    }

    private mutating func reportMissing(_ dependency: String, of owner: String, at location: SourceLocation) {
        let names = workspace.order.map(\.description)
        let close = names.min { YAMLReader.distance($0, dependency) < YAMLReader.distance($1, dependency) }
        let remedy = close.flatMap { YAMLReader.distance($0, dependency) <= 3 ? "did you mean '\($0)'?" : nil }
        diagnostics.append(
            Diagnostic(
                .error, "\(owner) depends on '\(dependency)', which does not exist", at: location,
                remedy: nestedRemedy(dependency) ?? remedy ?? "add that package or remove the dependency"))
    }

    /// What to do about a package that lies in a workspace inside of this one. Leeway could link such packages, when
    /// `LEEWAY_NESTED_WORKSPACE` was set, until its version 0.3.
    private func nestedRemedy(_ dependency: String) -> String? {
        // A file of long names must not cost a look at the disk for each of their parts.
        guard dependency.utf8.count < 256, diagnostics.count < 100 else { return nil }
        var directory = FilePath(PackageName(dependency)?.component ?? "")
        guard directory.isRelative, !directory.components.contains(where: { $0.kind == .parentDirectory }) else {
            return nil
        }
        while !directory.isEmpty {
            let file = directory.appending("WORKSPACE.yaml")
            if let text = try? Files.read(workspace.root.pushing(file), limit: YAMLLimits().bytes),
                WorkspaceFile.isOurs(text)
            {
                return "\(directory) is a workspace of its own; without \(file) its packages belong to this one"
            }
            directory.removeLastComponent()
        }
        return nil
    }

    private mutating func linkScripts() {
        for (name, script) in workspace.scripts {
            for dependency in script.dependencies where workspace.numbers[dependency] == nil {
                reportMissing(dependency.description, of: "the script \(name)", at: script.location)
            }
        }
    }

    // MARK: - Packages

    /// What can be made of one draft without knowing the others.
    private struct Material: Sendable {
        var sources: [SourceFile] = []
        /// Why sources are missing.
        var failures: [String] = []
        /// `path:hash` lines, sorted by bytes.
        var lines = ""
        var definitionHash = ""
    }

    /// The material of every draft, made on all cores: this is most of the work of linking.
    private func materials() async throws -> [Material] {
        let (drafts, found, table) = (drafts, found, sources)
        return try await concurrentMap(Array(drafts.indices), chunk: 8) { number in
            var material = Material()
            material.definitionHash = SourceHashing.leewayHash(drafts[number].definition)
            material.sources.reserveCapacity(found[number].count)
            var lines: [String] = []
            lines.reserveCapacity(found[number].count)
            for (source, place) in zip(found[number], table.packages[number]) {
                switch table.facts[place] {
                case .facts(let facts):
                    material.sources.append(SourceFile(source, facts))
                    lines.append(source.path + ":" + Hex.encode(facts.hashes.highway))
                case .failure(let message):
                    material.failures.append("the source \(source.path) can't be read: \(message)")
                }
            }
            lines.sort(by: Files.isOrderedByBytes)
            material.lines = lines.joined(separator: "\n") + "\n"
            return material
        }
    }

    private mutating func makePackage(_ number: Int, _ material: Material, _ dependencies: [PackageName]) -> Package {
        let draft = drafts[number]
        diagnostics += material.failures.map { Diagnostic(.error, $0, at: draft.location) }
        var layout: [PackageName: String] = [:]
        for dependency in dependencies {
            layout[dependency] = draft.layout[dependency.description] ?? dependency.fileSystemSafe
        }
        var package = Package(
            name: draft.name, type: draft.type, location: draft.location, sources: material.sources,
            dependencies: dependencies, layout: layout, argumentDependencies: draft.argumentDependencies,
            environment: draft.environment, isEphemeral: draft.isEphemeral, prep: draft.prep, config: draft.config,
            settings: draft.settings, substituted: draft.substituted, unresolved: [], definition: draft.definition,
            leewayHeader: "", leewayVersion: "")
        package.patterns = SourcePatterns(
            component: draft.name.component, included: draft.patterns + (workspace.variant?.include ?? []),
            excluded: workspace.variant?.exclude ?? [], ignores: ignores)
        return package
    }

    /// The first lines of the text whose SHA-1 is the Leeway version (specs/build.md section 4).
    private func header(_ number: Int, _ material: Material, environment: String) -> String {
        let draft = drafts[number]
        let file = workspace.file
        var text = "buildProcessVersion: \(Self.processVersions[draft.type] ?? 1)\n"
        if file.provenance.isEnabled {
            text += "provenance: version=4"
            if file.provenance.isSLSA { text += " slsa" }
            if let key = options.provenanceKeyID { text += " key:\(key)" }
            text += "\n"
        }
        if file.sbom.isEnabled { text += "sbom: version=1\n" }
        text += "environment: \(environment)\n"
        text += "definition: \(material.definitionHash)\n"
        for argument in draft.argumentDependencies { text += "arg \(argument)\n" }
        return text
    }

    // MARK: - Built-in arguments

    /// The commit in 40 digits or more, if there is one.
    private var commit: String? { gitFacts?.commit.flatMap { $0.utf8.count >= 40 ? $0 : nil } }

    /// Asks about every package that one with the commit in its texts is made from, on all cores.
    private mutating func findDirty(_ packages: [Package?]) async throws {
        guard let gitFacts, commit != nil else { return }
        let asking = drafts.indices.filter { !openNames[$0].isDisjoint(with: Substitution.BuiltIn.ofCommit) }
        let concerned = Array(Set(asking + workspace.graph.transitiveDependencies(of: asking)))
        let answers = try await concurrentMap(concerned, chunk: 4) { packages[$0].map(gitFacts.isDirty) ?? false }
        for (number, isDirty) in zip(concerned, answers) where isDirty { dirty.insert(number) }
    }

    private func fillBuiltIns(_ package: inout Package, _ number: Int) {
        let open = openNames[number]
        var values: [String: String] = [:]
        if open.contains(Substitution.BuiltIn.packageVersion.rawValue), !package.leewayVersion.isEmpty {
            values[Substitution.BuiltIn.packageVersion.rawValue] = package.leewayVersion
        }
        if let commit, !open.isDisjoint(with: Substitution.BuiltIn.ofCommit) {
            let below = workspace.graph.transitiveDependencies(of: [number])
            let isDirty = dirty.contains(number) || below.contains(where: dirty.contains)
            let suffix = isDirty ? "-" + package.leewayVersion : ""
            values[Substitution.BuiltIn.gitCommit.rawValue] = commit + suffix
            values[Substitution.BuiltIn.shortGitCommit.rawValue] = commit.prefix(7) + suffix
        }
        if !values.isEmpty {
            let replaced = values
            func change(_ text: String) -> String { Substitution.replace(text, with: replaced) }
            package.environment = package.environment.map(change)
            package.prep = package.prep.map { $0.map(change) }
            package.layout = package.layout.mapValues(change)
            package.config = package.config.mapStrings(change)
            package.settings.fetch = package.settings.fetch.map { $0.map(change) }
            for (name, value) in values { package.substituted[name] = value }
        }
        var unresolved = open.subtracting(values.keys)
        for argument in package.argumentDependencies where argument.hasSuffix(": <not-set>") {
            unresolved.insert(String(argument.dropLast(": <not-set>".count)))
        }
        package.unresolved = unresolved.sorted()
    }
}
