internal import Cache
internal import Host
internal import Sandbox
internal import SystemPackage
package import Workspace

extension Project {
    /// Builds `targets` and everything that they need twice, each time in an empty cache, and compares.
    ///
    /// The second build has another path for its files, another order of packages and one step at a time. What the
    /// sandbox fixes, uid, host name, time zone, locale and umask, is the same by construction.
    package func check(_ targets: [PackageName], _ building: BuildOptions) async throws -> ReproducibilityCheck {
        let scratch = try Files.temporaryDirectory(in: try cache.scratch(), prefix: "check-")
        defer { try? Files.removeTree(scratch) }
        var again = building
        again.jobs = 1
        var runs: [(outcome: Builder.Outcome, store: ContentStore)] = []
        for (name, isSecond) in [("first", false), ("the-second-build-under-a-longer-path", true)] {
            let store = try ContentStore(directory: scratch.appending(name))
            let builder = try await builder(isSecond ? again : building).moved(
                to: store, scratch: scratch.appending(name).appending("steps"))
            let outcome = try await builder.build(try await builder.plan(targets)) { _ in }
            if let failure = outcome.failures.sorted(by: { $0.key < $1.key }).first { throw failure.value }
            again.provenanceInside = try await provenanceInside(outcome, store)
            runs.append((outcome, store))
        }
        return try ReproducibilityCheck(runs[0].outcome, in: runs[0].store, runs[1].outcome, in: runs[1].store)
    }

    /// What images that were built carry inside.
    private func provenanceInside(_ outcome: Builder.Outcome, _ store: ContentStore) async throws -> [PackageName:
        [UInt8]]
    {
        var inside: [PackageName: [UInt8]] = [:]
        for (name, built) in outcome.built where built.bundleSigner != nil {
            guard let package = workspace.packages[name] else { continue }
            inside[name] = try await ProvenanceInside(
                package: package, dependencies: built.dependencies.map { ($0.key, $0.package) },
                statements: RecordedStatements(actions: ActionCache(store), store: store), options: BuildOptions()
            ).bytes()
        }
        return inside
    }
}

extension Builder {
    /// The same builder with another cache.
    func moved(to store: ContentStore, scratch: FilePath) throws -> Builder {
        try Files.createDirectories(scratch)
        var site = site
        site.fetchedPackages = site.fetchedPackages ?? AssemblyStep.packageDirectory(of: site.store)
        site.store = store
        site.actions = ActionCache(store)
        site.scratch = scratch
        return try Builder(packages: packages, site: site, options: options, variables: variables)
    }
}
