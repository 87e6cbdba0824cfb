internal import Bytes
internal import Cache
internal import Sandbox
internal import Workspace

/// What builds take from a remote cache, and give to it.
extension Builder {
    /// Looks up what is needed, and takes from Leeway what is missing then.
    ///
    /// - Parameter refused: keys that turned out to be of no use.
    func findCached(in plan: inout Plan, refused: Set<Digest> = []) async throws {
        try await lookUp(in: &plan, refused: refused)
        guard try await importMissing(in: &plan) else { return }
        // What is built from something else than before has another key, under which it may be in the cache.
        repeat {
            try await lookUp(in: &plan, refused: refused)
        } while rekey(&plan)
    }

    /// Looks up what is needed, from the targets down: what a cached package was made from is not needed again.
    ///
    /// Packages of which nobody says yet that they are missing are looked up together, so that a remote cache is asked
    /// about many at once.
    private func lookUp(in plan: inout Plan, refused: Set<Digest>) async throws {
        var refused = refused
        while true {
            let own = try await lookUpOnce(in: &plan, refused: refused)
            let broken = broken(own, in: plan)
            if broken.isEmpty { return }
            refused.formUnion(broken)
        }
    }

    /// - Returns: the results that this machine's cache has.
    private func lookUpOnce(in plan: inout Plan, refused: Set<Digest>) async throws -> [BuiltPackage] {
        plan.cached = [:]
        var own: [BuiltPackage] = []
        var looked: Set<PackageName> = []
        var wave = Set(plan.targets)
        while !wave.isEmpty {
            looked.formUnion(wave)
            var missing: [PackageName] = []
            for name in wave {
                let isRefused = plan.keys[name].map { refused.contains($0.digest) } ?? false
                if !isRefused, let built = try await reusableResult(of: name, in: plan) {
                    plan.cached[name] = built
                    own.append(built)
                } else {
                    missing.append(name)
                }
            }
            for built in try await sharedResults(of: missing, in: plan, refused: refused) {
                plan.cached[built.name] = built
                plan.remote.insert(built.name)
            }
            wave = []
            for name in missing where plan.cached[name] == nil {
                wave.formUnion(plan.dependencies[name, default: []])
            }
            wave.subtract(looked)
            if wave.isEmpty, options.needsStatements { wave = untold(below: own, in: plan).subtracting(looked) }
        }
        plan.order = order.filter(looked.contains)
        return own
    }

    /// The keys of results that refer to others which the cache lost, where something is built that may be made from them.
    /// A remote cache brings what was lost, or says that it does not.
    private func broken(_ results: [BuiltPackage], in plan: Plan) -> Set<Digest> {
        guard options.shared == nil, !plan.missing.isEmpty else { return [] }
        var known: [Digest: Bool] = [:]
        func isThere(_ key: Digest) -> Bool {
            if let answer = known[key] { return answer }
            let record = try? site.actions.lookup(key)
            let built = record.flatMap { try? PackageRecord.read($0, store: site.store) }
            let answer = built?.references.allSatisfy { isThere($0.key) } ?? false
            known[key] = answer
            return answer
        }
        return Set(results.filter { result in !result.references.allSatisfy { isThere($0.key) } }.map(\.key))
    }

    /// Packages that results of this machine were made from, of which the cache does not have what was said. What others
    /// have comes with what was said, and what another tool made was made from none.
    private func untold(below results: [BuiltPackage], in plan: Plan) -> Set<PackageName> {
        var untold: Set<PackageName> = []
        var seen: Set<Digest> = []
        var pending = results.flatMap(\.dependencies)
        while let reference = pending.popLast() {
            let name = reference.package
            guard seen.insert(reference.key).inserted else { continue }
            if let known = try? PackageRecord.recorded(reference.key, name, actions: site.actions, store: site.store) {
                pending += known.built.dependencies
            } else if plan.cached[name] == nil, plan.keys[name]?.digest == reference.key {
                untold.insert(name)
            }
        }
        return untold
    }

    /// Of `names`, those whose results others have.
    private func sharedResults(
        of names: [PackageName], in plan: Plan, refused: Set<Digest>
    ) async throws -> [BuiltPackage] {
        guard let shared = options.shared, !options.ignoreCache, !plan.isUnsandboxed else { return [] }
        let wanted = names.sorted().compactMap { name -> WantedResult? in
            guard !plan.volatile.contains(name), let key = plan.keys[name]?.digest, !refused.contains(key) else {
                return nil
            }
            return WantedResult(name: name, key: key)
        }
        guard !wanted.isEmpty else { return [] }
        var found: [BuiltPackage] = []
        for built in try await shared.find(wanted) where await isWitnessed(built) { found.append(built) }
        return found
    }

    /// `plan` with everything at hand that steps, and whoever reads the targets, will need from a remote cache. What is
    /// not to be had after all is planned to be built.
    func supplied(_ plan: Plan) async throws -> Plan {
        // A plan without recipes found everything here.
        guard let shared = options.shared, !options.ignoreCache, !plan.isUnsandboxed, !plan.recipes.isEmpty else {
            return plan
        }
        var plan = plan
        var refused: Set<Digest> = []
        var supply = Supply(site, shared)
        while true {
            var read = Set(plan.targets)
            for name in plan.missing { read.formUnion(plan.dependencies[name, default: []]) }
            let results = plan.order.compactMap { plan.cached[$0] }
            let useless = try await supply.supply(
                results, read: Set(results.filter { read.contains($0.name) }.map(\.key)))
            guard !useless.isEmpty else { break }
            refused.formUnion(useless)
            try await findCached(in: &plan, refused: refused)
        }
        // Nothing was to be built, and now something is: only now are walls looked for.
        guard !plan.missing.isEmpty, try await site.sandbox().level == .off else { return plan }
        return try await self.plan(plan.targets, isUnsandboxed: true)
    }

    /// Gives what `plan` came to, to others.
    func share(_ plan: Plan, _ outcome: Outcome) async throws {
        guard let shared = options.shared, let signatures = options.signatures, !plan.isUnsandboxed else { return }
        try await shared.publish(
            plan.order.filter { !plan.volatile.contains($0) }.compactMap { outcome.built[$0] }, signatures: signatures)
    }
}
