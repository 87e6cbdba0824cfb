package import Bytes
internal import Cache
internal import SystemPackage
package import Workspace

/// Why a package has to be built, or would have to be: what its key depends on and what of that is other than before.
package struct Explanation: Sendable {
    /// What the present state is compared with.
    package enum Baseline: Sendable {
        /// The last result that was built or used here.
        case lastResult
        /// A commit, by its full name.
        case commit(String)
    }

    /// A package that something changed in.
    package struct Change: Sendable {
        package var package: PackageName
        /// What is different; without dependencies, which are in `dependencies`.
        package var differences: [KeyDifference]
        /// The dependencies of which the keys changed.
        package var dependencies: [PackageName]
    }

    package var package: PackageName
    package var key: Digest
    package var isCached: Bool
    package var baseline: Baseline
    /// Whether there is anything to compare with.
    package var hasBaseline: Bool
    /// The package first, then what it needs and what changed too. Empty when nothing changed.
    package var changes: [Change]
}

extension Project {
    private var history: ResultHistory { ResultHistory(of: workspace.root, in: cache.directory.appending("history")) }

    /// Keeps in mind which results a build used.
    package func remember(_ outcome: Builder.Outcome) async throws {
        try await history.record(outcome.built.mapValues(\.key))
    }

    /// Says what of `target` changed since its last result here, or since the commit that `revision` names.
    package func explain(_ target: PackageName, since revision: String?, _ options: BuildOptions = BuildOptions())
        async throws -> Explanation
    {
        let builder = try await builder(options, for: [target])
        let plan = try await builder.plan([target])
        guard let key = plan.keys[target] else {
            throw BuildError(.configuration, "there is no package '\(target)'")
        }
        let now = plan.keys.mapValues(\.manifest)
        let before: @Sendable (PackageName) throws -> JSON?
        let baseline: Explanation.Baseline
        if let revision {
            let snapshot = try await snapshot(of: revision, options)
            baseline = .commit(snapshot.commit)
            before = { snapshot.keys[$0]?.manifest }
        } else {
            let keys = history.keys()
            baseline = .lastResult
            before = { name in
                guard let key = keys[name], let record = try cache.actions.lookup(key) else { return nil }
                return PackageRecord.manifest(record, store: cache.store)
            }
        }
        return Explanation(
            package: target, key: key.digest, isCached: plan.cached[target] != nil, baseline: baseline,
            hasBaseline: try before(target) != nil,
            changes: try Explanation.changes(of: target, now: now, before: before))
    }
}

extension Explanation {
    /// The packages that changed, from `target` down to what changed them.
    static func changes(
        of target: PackageName, now: [PackageName: JSON], before: (PackageName) throws -> JSON?
    ) throws -> [Change] {
        var changes: [Change] = []
        var seen: Set<PackageName> = [target]
        var pending = [target]
        while let name = pending.popLast() {
            guard let after = now[name], let before = try before(name) else { continue }
            let all = KeyDifference.between(before, after)
            let isKey: (KeyDifference) -> Bool = { $0.path.hasPrefix("dependencies/") && $0.path.hasSuffix("/key") }
            let dependencies = Set(
                all.filter(isKey).compactMap { difference in
                    let text = difference.path.dropFirst("dependencies/".count)
                    return text.firstRange(of: " at ").flatMap { PackageName(String(text[..<$0.lowerBound])) }
                }
            ).sorted()
            guard !all.isEmpty else { continue }
            changes.append(Change(package: name, differences: all.filter { !isKey($0) }, dependencies: dependencies))
            for dependency in dependencies.reversed() where seen.insert(dependency).inserted {
                pending.append(dependency)
            }
        }
        return changes
    }

    /// For programs.
    package var json: JSON {
        var members: [(String, JSON)] = [
            ("package", .string(package.description)), ("key", .string(key.hex)), ("cached", .bool(isCached)),
        ]
        switch baseline {
        case .lastResult: members.append(("since", "last result"))
        case .commit(let name): members.append(("since", .string(name)))
        }
        members.append(("compared", .bool(hasBaseline)))
        let changes = changes.map { change -> JSON in
            [
                "package": .string(change.package.description),
                "differences": .array(
                    change.differences.map { difference in
                        [
                            "path": .string(difference.path), "before": difference.before.map { .string($0) } ?? .null,
                            "after": difference.after.map { .string($0) } ?? .null,
                        ]
                    }),
                "dependencies": .list(change.dependencies.map(\.description)),
            ]
        }
        members.append(("changes", .array(changes)))
        return .rows(members)
    }

    /// For people, with line feeds.
    package var text: String {
        var lines: [String] = []
        let since =
            switch baseline {
            case .lastResult: "the last result here"
            case .commit(let name): "commit \(name.prefix(12))"
            }
        let state = isCached ? "is in the cache" : "has to be built"
        if !hasBaseline {
            lines.append(
                "\(package) \(state); there is nothing to compare with: "
                    + "it was not built here before, or that result was collected")
        } else if changes.isEmpty {
            lines.append("\(package) \(state); nothing changed since \(since)")
            if !isCached {
                lines.append(
                    "  its result or provenance is no longer in the cache, speaks of another commit, or it is ephemeral"
                )
            }
        } else {
            lines.append("\(package) \(state); since \(since):")
        }
        for change in changes {
            if change.package != package { lines.append("\(change.package)") }
            lines += change.differences.map { "  \($0)" }
            lines += change.dependencies.map { "  the dependency \($0) changed" }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
