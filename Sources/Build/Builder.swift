package import Bytes
internal import Cache
internal import Graph
internal import Host
internal import Sandbox
internal import SystemPackage
package import Workspace

/// Builds packages and everything that they need: plans, takes what the cache has, runs the rest in parallel.
package struct Builder: Sendable {
    /// Where everything is that steps share.
    package let site: BuildSite
    package let options: BuildOptions
    let packages: [PackageName: Package]
    /// Every package after all of its dependencies.
    let order: [PackageName]
    private let graph: Graph
    private let numbers: [PackageName: Int]
    /// The place of each package in `order`, by its number.
    private let positions: [Int]
    /// The variables that packages may take from martlet's own environment.
    let variables: [String: String]
    /// The keys that targets had; `nil` where nothing names the workspace's state.
    var memory: PlanMemory?

    /// - Parameters:
    ///   - packages: all packages of the workspace, without a cycle.
    ///   - variables: martlet's own environment, of which packages get what their settings name.
    package init(
        packages: [PackageName: Package], site: BuildSite, options: BuildOptions, variables: [String: String]
    ) throws {
        self.packages = packages
        self.site = site
        self.options = options
        self.variables = variables
        let names = packages.keys.sorted()
        var numbers: [PackageName: Int] = [:]
        for (number, name) in names.enumerated() { numbers[name] = number }
        graph = Graph(
            dependencies: names.map { name in packages[name]?.dependencies.compactMap { numbers[$0] } ?? [] })
        self.numbers = numbers
        switch graph.order() {
        case .sorted(let order):
            self.order = order.map { names[$0] }
            var positions = [Int](repeating: 0, count: names.count)
            for (position, number) in order.enumerated() { positions[number] = position }
            self.positions = positions
        case .cycle(let cycle):
            throw BuildError(
                .configuration, "dependency cycle: " + cycle.map { names[$0].description }.joined(separator: " -> "))
        }
    }

    // MARK: Planning

    /// What a build of some targets will do.
    package struct Plan: Sendable {
        package var targets: [PackageName]
        /// The packages that are needed, each after its dependencies.
        package var order: [PackageName]
        package var recipes: [PackageName: Recipe]
        package var keys: [PackageName: PackageKey]
        /// Results that the cache has.
        package var cached: [PackageName: BuiltPackage]
        package var toolchain: Toolchain
        /// What each package waits for.
        package var dependencies: [PackageName: [PackageName]]
        /// Whether steps run without walls.
        package var isUnsandboxed: Bool
        /// Ephemeral packages, and those that hold a part of one: what they give does not follow from their keys, so
        /// they are never looked up by them.
        package var volatile: Set<PackageName> = []
        /// Packages that another tool built.
        package var imported: Set<PackageName> = []
        /// Packages whose results a remote cache gave, Leeway's included.
        package var remote: Set<PackageName> = []

        /// The packages that have to be built.
        package var missing: Set<PackageName> { Set(order.filter { cached[$0] == nil }) }
    }

    /// Works out keys, and what of `targets` and their needs the cache has.
    ///
    /// What walls this machine has is found out only when a step has to run; without any, there are other keys.
    package func plan(_ targets: [PackageName]) async throws -> Plan {
        let plan = try await plan(targets, isUnsandboxed: options.sandboxOff)
        guard !plan.isUnsandboxed, !plan.missing.isEmpty, try await site.sandbox().level == .off else { return plan }
        return try await self.plan(targets, isUnsandboxed: true)
    }

    func plan(_ targets: [PackageName], isUnsandboxed: Bool) async throws -> Plan {
        let needed = try needs(of: targets)
        let context = recipeContext
        var recipes: [PackageName: Recipe] = [:]
        for name in needed {
            guard let package = packages[name] else { continue }
            recipes[name] = try Recipe(for: package, in: context)
        }
        var plan = try keyedPlan(targets, needed: needed, recipes: recipes, isUnsandboxed: isUnsandboxed)
        try await findCached(in: &plan)
        remember(plan)
        return plan
    }

    var recipeContext: RecipeContext {
        RecipeContext(
            packages: packages, transitiveDependencies: { transitiveDependencies(of: $0) }, dontTest: options.dontTest,
            readSource: { try Files.read(site.workspace.appending($0), limit: 64 << 20) })
    }

    /// A plan with the keys of the packages that have a recipe; nothing is looked up.
    func keyedPlan(
        _ targets: [PackageName], needed: [PackageName], recipes: [PackageName: Recipe], isUnsandboxed: Bool
    ) throws -> Plan {
        let toolchain = try Toolchain(names: Set(recipes.values.flatMap(\.tools)), settings: site.tools)
        var plan = Plan(
            targets: targets, order: [], recipes: recipes, keys: [:], cached: [:], toolchain: toolchain,
            dependencies: [:], isUnsandboxed: isUnsandboxed)
        for name in needed {
            guard let package = packages[name], let recipe = recipes[name] else { continue }
            var dependencies = Set(recipe.dependencies.map(\.package))
            dependencies.formUnion(package.dependencies)
            plan.dependencies[name] = dependencies.sorted()
            if package.isEphemeral || recipe.dependencies.contains(where: { plan.volatile.contains($0.package) }) {
                plan.volatile.insert(name)
            }
            plan.keys[name] = key(of: package, recipe, in: plan)
        }
        return plan
    }

    /// The key of a package whose dependencies have those of `plan`.
    func key(of package: Package, _ recipe: Recipe, in plan: Plan) -> PackageKey {
        let dependencies = plan.dependencies[package.name, default: []]
        return PackageKey(
            package: package, recipe: recipe, toolchain: plan.toolchain.limited(to: recipe.tools),
            dependencies: Dictionary(
                dependencies.compactMap { other in plan.keys[other].map { (other, $0.digest) } },
                uniquingKeysWith: { $1 }),
            passed: passed(to: package), conditions: .init(isUnsandboxed: plan.isUnsandboxed))
    }

    /// The targets and everything below them, in dependency order.
    private func needs(of targets: [PackageName]) throws -> [PackageName] {
        let unknown = targets.filter { packages[$0] == nil }
        guard unknown.isEmpty else {
            throw BuildError(
                .configuration,
                "there is no package \(unknown.map(\.description).joined(separator: ", ")); `martlet collect` lists all"
            )
        }
        let numbers = targets.compactMap { self.numbers[$0] }
        let all = Set(graph.transitiveDependencies(of: numbers) + numbers)
        return order.filter { name in self.numbers[name].map(all.contains) ?? false }
    }

    /// The stored result of a package, when it follows from the key and all its files are there.
    ///
    /// Asked only of targets and of what has to be mounted: a build that finds everything looks at little else.
    func reusableResult(of name: PackageName, in plan: Plan) async throws -> BuiltPackage? {
        guard !plan.volatile.contains(name), let key = plan.keys[name] else { return nil }
        return try await reusableResult(for: key.digest)
    }

    /// The same of a package that is known to follow from its key.
    func reusableResult(for key: Digest) async throws -> BuiltPackage? {
        guard let built = try cachedResult(for: key), await isWitnessed(built) else { return nil }
        // An image whose provenance inside nobody signed, or somebody else, is no result of a build that signs.
        if let signer = options.signatures?.signerID, let known = built.bundleSigner, known != signer { return nil }
        return try await site.store.isComplete(built.ownTree) ? built : nil
    }

    /// Whether the provenance of `built` still says what it would say now.
    ///
    /// What was built from a commit stays so. What was built from files that were not committed is told anew when the
    /// commit or the workspace's definitions are others now: the steps' results are in the cache, so that costs little.
    /// A repository that git can't tell about leaves the older statement, which promises less.
    func isWitnessed(_ built: BuiltPackage) async -> Bool {
        guard let then = built.uncommitted, let now = try? await site.sourceState() else { return true }
        return then == now
    }

    /// What is stored under `key`.
    package func cachedResult(for key: Digest) throws -> BuiltPackage? {
        guard !options.ignoreCache, let record = try site.actions.lookup(key) else { return nil }
        return try PackageRecord.read(record, store: site.store)
    }

    private func transitiveDependencies(of name: PackageName) -> [PackageName] {
        guard let number = numbers[name] else { return [] }
        return graph.transitiveDependencies(of: [number]).sorted { positions[$0] < positions[$1] }.map {
            order[positions[$0]]
        }
    }

    private func passed(to package: Package) -> [String: String] {
        var passed: [String: String] = [:]
        for name in package.settings.passEnvironment { passed[name] = variables[name] }
        return passed
    }

    // MARK: Building

    /// What it takes to run steps and to testify to them.
    private struct Workshop: Sendable {
        let sandbox: Sandbox
        let witness: Witness
    }

    /// How a build ended.
    package struct Outcome: Sendable {
        package var results: [PackageName: StepResult]
        package var built: [PackageName: BuiltPackage]
        /// The first failure of each package that failed.
        package var failures: [PackageName: any Error]

        package var succeeded: Bool { failures.isEmpty && !results.values.contains(.skipped) }
    }

    /// Carries out `plan`.
    /// - Parameter onEvent: hears of everything that happens, from many tasks.
    package func build(_ plan: Plan, onEvent: @escaping @Sendable (BuildEvent) -> Void) async throws -> Outcome {
        let begin = Clocks.monotonicNanoseconds()
        let report: @Sendable (BuildEvent.Kind) -> Void = { kind in
            onEvent(BuildEvent(kind, time: .nanoseconds(Clocks.monotonicNanoseconds() - begin)))
        }
        let plan = try await supplied(plan)
        report(.planned(plan.planned(packages)))
        sayRemarks(report)
        var outcome = Outcome(results: [:], built: plan.cached, failures: [:])
        for name in plan.cached.keys { outcome.results[name] = .cached }
        // What was built without a signature, or with another key's, gets one now.
        if let signatures = options.signatures {
            // A step without walls could reach the key, or have martlet sign what it likes.
            guard !plan.isUnsandboxed else {
                throw BuildError(
                    .configuration, "packages are not signed where steps are not kept apart; leave out --sandbox off")
            }
            for name in plan.order {
                if let built = plan.cached[name] { try await signatures.sign(built) }
            }
        }
        let packagesDone = FinishedPackages(plan.cached)
        let workshop = plan.missing.isEmpty ? nil : try await Workshop(sandbox: site.sandbox(), witness: site.witness())
        var queue = BuildQueue(order: plan.order.filter { plan.cached[$0] == nil }, dependencies: plan.dependencies)
        try await withThrowingTaskGroup(of: Finished.self) { group in
            repeat {
                while queue.running.count < options.jobs, let name = queue.next() {
                    group.addTask {
                        report(.packageStarted(name))
                        do {
                            let (result, wasCached) = try await buildPackage(
                                name, plan: plan, done: packagesDone, in: workshop, report: report)
                            try await options.signatures?.sign(result)
                            return Finished(name: name, result: result, wasCached: wasCached)
                        } catch {
                            return Finished(name: name, failure: error)
                        }
                    }
                }
                guard let finished = try await group.next() else { break }
                let name = finished.name
                if let built = finished.result {
                    let result = finished.wasCached ? StepResult.cached : .built
                    outcome.built[name] = built
                    packagesDone.add(built)
                    outcome.results[name] = result
                    report(.packageFinished(name, result, artifact: built.artifact))
                    queue.finish(name, succeeded: true)
                } else if let error = finished.failure {
                    outcome.failures[name] = error
                    outcome.results[name] = .failed("\(error)")
                    report(.packageFinished(name, .failed("\(error)"), artifact: nil))
                    queue.finish(name, succeeded: false)
                    if !options.keepGoing || Task.isCancelled { queue.stop() }
                }
            } while !queue.isFinished
        }
        for name in queue.skipped {
            outcome.results[name] = .skipped
            report(.packageFinished(name, .skipped, artifact: nil))
        }
        do {
            if !Task.isCancelled { try await share(plan, outcome) }
        } catch {
            report(.finished(succeeded: false))
            throw error
        }
        sayRemarks(report)
        report(.finished(succeeded: outcome.succeeded))
        try Task.checkCancellation()
        return outcome
    }

    private func sayRemarks(_ report: (BuildEvent.Kind) -> Void) {
        let remarks = (options.shared?.takeRemarks() ?? []) + (options.foreign?.takeRemarks() ?? [])
        for remark in remarks { report(.warning(remark.package, remark.message)) }
    }

    /// How the build of one package ended: with a result or a failure. A struct on purpose: Swift 6.3's optimiser
    /// releases parts of a tuple with a `Result` too early when a task group hands it over.
    private struct Finished: Sendable {
        var name: PackageName
        var result: BuiltPackage?
        var wasCached = false
        var failure: (any Error)?
    }

    /// Builds one package whose dependencies are built, unless another martlet just did.
    private func buildPackage(
        _ name: PackageName, plan: Plan, done: FinishedPackages, in workshop: Workshop?,
        report: @escaping @Sendable (BuildEvent.Kind) -> Void
    ) async throws -> (BuiltPackage, Bool) {
        guard let package = packages[name], let recipe = plan.recipes[name], let key = plan.keys[name], let workshop
        else {
            throw BuildError(.missing, "is not part of the plan", package: name)
        }
        return try await site.actions.withBuildLock(key.digest) {
            if let known = try await reusableResult(of: name, in: plan) { return (known, true) }
            var built: [PackageName: BuiltPackage] = [:]
            for other in plan.dependencies[name, default: []] { built[other] = done[other] }
            let dependencies = try recipe.dependencies.map { mount in
                guard let dependency = built[mount.package] else {
                    throw BuildError(.missing, "the result of \(mount.package) is missing", package: name)
                }
                return try DependencyArtifact(mount, of: dependency, store: site.store) { reference in
                    try done[reference.package, reference.key] ?? storedResult(of: reference, for: name)
                }
            }
            let needed = plan.dependencies[name, default: []].compactMap { other in
                built[other].map { BuiltPackage.Reference(package: other, path: "", key: $0.key) }
            }
            var run = PackageBuild(
                package: package, recipe: recipe, key: key, dependencies: dependencies, site: site,
                sandbox: workshop.sandbox, toolchain: plan.toolchain.limited(to: recipe.tools), options: options,
                passed: passed(to: package),
                needed: needed, report: report)
            var result = try await run.run()
            let testimony = try await workshop.witness.testimony(
                about: result, package: package, recipe: recipe, toolchain: plan.toolchain.limited(to: recipe.tools),
                dependencies: built)
            let isCommitted = testimony.isCommitted && built.values.allSatisfy { $0.uncommitted == nil }
            result.built.uncommitted = isCommitted ? nil : testimony.state
            try site.actions.record(
                try PackageRecord.write(
                    result.built, manifest: key.manifest, statements: testimony.statements, store: site.store))
            return (result.built, false)
        }
    }

    /// The stored result that a reference in an artifact of this build means, which need not be part of the build.
    private func storedResult(of reference: BuiltPackage.Reference, for name: PackageName) throws -> BuiltPackage {
        guard let record = try site.actions.lookup(reference.key),
            let other = try PackageRecord.read(record, store: site.store)
        else {
            throw BuildError(
                .missing, "the result of \(reference.package) is no longer in the cache; build it again", package: name)
        }
        return other
    }
}
