package import Bytes
internal import Git
internal import Host
internal import SystemPackage
package import Workspace

/// What a change means for the packages of a workspace.
package struct Affected: Sendable {
    /// The commit that was compared with, by its full name.
    package var commit: String
    /// Packages of which the key is another than at the commit, or that are new; sorted by name. What only depends on
    /// a changed package is among them, because its key covers it.
    package var packages: [PackageName]
    /// Those of them that the commit does not have.
    package var added: Set<PackageName>
    /// Packages that the commit has and the workspace has not.
    package var removed: [PackageName]

    package init(commit: String, before: [PackageName: Digest], after: [PackageName: Digest]) {
        self.commit = commit
        packages = after.filter { before[$0.key] != $0.value }.keys.sorted()
        added = Set(after.keys.filter { before[$0] == nil })
        removed = before.keys.filter { after[$0] == nil }.sorted()
    }

    /// For programs.
    package var json: JSON {
        [
            "since": .string(commit), "affected": .list(packages.map(\.description)),
            "added": .list(added.sorted().map(\.description)), "removed": .list(removed.map(\.description)),
        ]
    }
}

/// The packages of a workspace as a commit has them.
struct ProjectSnapshot: Sendable {
    var commit: String
    var keys: [PackageName: PackageKey]
}

extension Project {
    /// The packages that have another key than at the commit that `revision` names. Changes that are not committed
    /// count, since the keys of now are those of the files on disk.
    package func affected(since revision: String, _ options: BuildOptions = BuildOptions()) async throws -> Affected {
        let snapshot = try await snapshot(of: revision, options)
        let now = try await builder(options).allKeys()
        return Affected(
            commit: snapshot.commit, before: snapshot.keys.mapValues(\.digest), after: now.mapValues(\.digest))
    }

    /// Loads the workspace as it is in a commit, from a copy of the commit's files beside the cache. The working tree
    /// and the index are not touched.
    func snapshot(of revision: String, _ building: BuildOptions) async throws -> ProjectSnapshot {
        guard let repository = try await GitRepository.find(at: workspace.root) else {
            throw BuildError(
                .configuration, "\(workspace.root) is not in a git repository; nothing can be compared with a commit")
        }
        let commit = try await repository.commit(revision)
        let directory = try Files.temporaryDirectory(in: try cache.scratch(), prefix: "commit-")
        defer { try? Files.removeTree(directory) }
        let root = directory.appending("workspace")
        try Files.createDirectory(root)
        try await repository.export(try await repository.tree(of: commit), to: root)
        try Self.requireNeutral(root)
        let loaded = try await Self.load(root, options, cache, commit: commit.id.hex)
        try? Files.removeTree(try cache.statIndex(of: root))
        let past = Project(options: options, workspace: loaded, cache: cache)
        do {
            return ProjectSnapshot(commit: commit.id.hex, keys: try await past.builder(building).allKeys())
        } catch let error as BuildError where error.code == .configuration {
            throw BuildError(
                .configuration, "the workspace of commit \(commit.id.hex.prefix(12)) can't be used: \(error)")
        }
    }

    /// Entries of `.leewayignore` match anywhere in absolute paths, and so in that of the copy.
    static func requireNeutral(_ root: FilePath) throws {
        guard let text = try? Files.readText(root.appending(".leewayignore"), limit: 1 << 20) else { return }
        guard let entry = text.split(separator: "\n").first(where: { root.string.contains($0) }) else { return }
        throw BuildError(
            .configuration,
            "'\(entry)' in .leewayignore is part of \(root), where the commit was unpacked; set MARTLET_CACHE_DIR to another directory"
        )
    }
}
