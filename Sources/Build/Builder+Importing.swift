internal import Workspace

/// What builds take from Leeway's own cache.
extension Builder {
    /// Takes what is missing, from the targets down, and gives what will be built from it other keys.
    ///
    /// - Returns: whether the plan changed.
    func importMissing(in plan: inout Plan) async throws -> Bool {
        guard let foreign = options.foreign, !options.ignoreCache, !plan.isUnsandboxed else { return false }
        let missing = plan.missing
        var taken: [PackageName: BuiltPackage] = [:]
        var looked: Set<PackageName> = []
        var wave = missing.intersection(plan.targets)
        while !wave.isEmpty {
            looked.formUnion(wave)
            let wanted = wave.sorted().compactMap { name -> WantedImport? in
                // What is asked for and signed is built here: nobody signs for what somebody else made.
                if options.signatures != nil, plan.targets.contains(name) { return nil }
                guard !plan.volatile.contains(name) else { return nil }
                return packages[name].flatMap { WantedImport($0) }
            }
            if !wanted.isEmpty {
                for built in try await foreign.take(wanted) { taken[built.name] = built }
            }
            var next: Set<PackageName> = []
            for name in wave where taken[name] == nil { next.formUnion(plan.dependencies[name, default: []]) }
            wave = next.intersection(missing).subtracting(looked)
        }
        for (name, built) in taken {
            guard let imported = built.imported else { continue }
            plan.keys[name] = PackageKey(importing: imported.archive, of: name, leewayVersion: built.leewayVersion)
            plan.cached[name] = built
            plan.imported.insert(name)
            plan.remote.insert(name)
        }
        let isChanged = rekey(&plan)
        return isChanged || !taken.isEmpty
    }

    /// Gives every package that has to be built the key that follows from those of its dependencies as they are now.
    ///
    /// A result must never be kept under a key that speaks of other dependencies than it was built from.
    /// - Returns: whether any key changed.
    func rekey(_ plan: inout Plan) -> Bool {
        var isChanged = false
        for name in plan.order where plan.cached[name] == nil {
            plan.imported.remove(name)
            guard let package = packages[name], let recipe = plan.recipes[name] else { continue }
            let key = key(of: package, recipe, in: plan)
            guard key.digest != plan.keys[name]?.digest else { continue }
            plan.keys[name] = key
            isChanged = true
        }
        return isChanged
    }
}
