internal import Bytes
internal import Cache
internal import Workspace

/// Brings what a plan relies on from a remote cache: files of artifacts with all that is part of them, and the
/// statements about everything that a result was built from.
struct Supply {
    private let site: BuildSite
    private let shared: any SharedResults
    /// What was looked at, by key.
    private var known: [Digest: BuiltPackage] = [:]
    /// Results that are not to be had.
    private var absent: Set<Digest> = []

    init(_ site: BuildSite, _ shared: any SharedResults) {
        self.site = site
        self.shared = shared
    }

    /// Makes all of `results` usable.
    /// - Parameter read: the keys of those whose files somebody reads.
    /// - Returns: the keys of those that can't be used after all.
    mutating func supply(_ results: [BuiltPackage], read: Set<Digest>) async throws -> Set<Digest> {
        try await follow(results) { $0.dependencies }
        try await follow(results.filter { read.contains($0.key) }) { $0.references }
        try await bringFiles(of: results.filter { read.contains($0.key) })
        return Set(
            results.map(\.key).filter { key in
                !isWhole(key) { $0.dependencies } || (read.contains(key) && !isWhole(key) { $0.references })
            })
    }

    /// Looks up everything that `results` lead to.
    private mutating func follow(
        _ results: [BuiltPackage], _ references: (BuiltPackage) -> [BuiltPackage.Reference]
    ) async throws {
        var wave = results
        var seen: Set<Digest> = []
        while !wave.isEmpty {
            var next: [BuiltPackage] = []
            var wanted: [WantedResult] = []
            for built in wave {
                known[built.key] = built
                for reference in references(built) where seen.insert(reference.key).inserted {
                    if let known = try known[reference.key] ?? recorded(reference.key) {
                        next.append(known)
                    } else if !absent.contains(reference.key) {
                        wanted.append(WantedResult(name: reference.package, key: reference.key))
                    }
                }
            }
            let found = wanted.isEmpty ? [] : try await shared.find(wanted)
            absent.formUnion(Set(wanted.map(\.key)).subtracting(found.map(\.key)))
            wave = next + found
        }
    }

    /// What this cache knows of a result, its files or its documents alone.
    private func recorded(_ key: Digest) throws -> BuiltPackage? {
        if let record = try site.actions.lookup(key), let built = try PackageRecord.read(record, store: site.store) {
            return built
        }
        return try KnownResult.find(key, store: site.store, actions: site.actions)?.built
    }

    private mutating func bringFiles(of results: [BuiltPackage]) async throws {
        var wanted: [Digest: BuiltPackage] = [:]
        var pending = results
        while let built = pending.popLast() {
            guard !absent.contains(built.key), wanted.updateValue(built, forKey: built.key) == nil else { continue }
            pending += built.references.compactMap { known[$0.key] }
        }
        var missing: [BuiltPackage] = []
        for built in wanted.values where try await !isHere(built) { missing.append(built) }
        guard !missing.isEmpty else { return }
        missing.sort { $0.name < $1.name }
        let brought = try await shared.bring(missing)
        absent.formUnion(missing.map(\.key).filter { !brought.contains($0) })
        // Only what is whole with everything that is part of it counts as a result.
        for built in missing where isWhole(built.key, { $0.references }) {
            try KnownResult.adopt(built.key, store: site.store, actions: site.actions)
        }
    }

    private func isHere(_ built: BuiltPackage) async throws -> Bool {
        guard let record = try site.actions.lookup(built.key), try PackageRecord.read(record, store: site.store) != nil
        else { return false }
        return try await site.store.isComplete(built.ownTree)
    }

    /// Whether everything that the result of `key` leads to is to be had.
    private func isWhole(_ key: Digest, _ references: (BuiltPackage) -> [BuiltPackage.Reference]) -> Bool {
        var pending = [key]
        var seen: Set<Digest> = []
        while let key = pending.popLast() {
            guard seen.insert(key).inserted else { continue }
            guard !absent.contains(key), let built = known[key] else { return false }
            pending += references(built).map(\.key)
        }
        return true
    }
}
