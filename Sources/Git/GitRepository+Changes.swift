internal import Host
internal import SystemPackage

extension GitRepository {
    /// Lists all files of a commit, submodules included, and verifies the list against the commit's name.
    ///
    /// A submodule counts with the commit that this one records for it, where that commit is in its repository;
    /// otherwise its files are unknown and so untracked. One git process for the repository, and one for each
    /// submodule.
    ///
    /// - Parameter listing: `GitTree.raw` of an earlier call for the same commit, kept where nobody else can write;
    ///   it saves listing and verifying the repository's own files again.
    package func tree(of commit: GitCommit, listing: [UInt8]? = nil) async throws -> GitTree {
        try await Self.tree(commit, in: root, format: format, listing: listing, depth: 0)
    }

    private static func tree(
        _ commit: GitCommit, in root: FilePath, format: GitObjectFormat, listing: [UInt8]? = nil, depth: Int
    ) async throws -> GitTree {
        var tree: GitTree
        if let listing {
            tree = try GitTree(parsing: listing, format: format)
        } else {
            let command = ["ls-tree", "-r", "-t", "-z", "--full-tree", commit.tree.hex]
            tree = try GitTree(parsing: try await GitCommand(directory: root).output(command), format: format)
            try tree.verify(root: commit.tree)
        }
        guard depth < 8 else { return tree }
        for entry in tree.gitlinks {
            let directory = root.appending(entry.path)
            // Without a .git of its own, git would look into the repository around it.
            guard try Files.status(directory.appending(".git")) != nil else { continue }
            let request = Array((entry.id.hex + "\n").utf8)
            let outcome = try await GitCommand(directory: directory).run(["cat-file", "--batch"], input: request)
            let inner: GitObjectFormat = entry.id.hex.utf8.count == 64 ? .sha256 : .sha1
            guard outcome.isSuccess, let commit = try GitCommit(batch: outcome.output, format: inner),
                commit.id == entry.id
            else { continue }
            tree.submodules.append(
                (entry.path, try await Self.tree(commit, in: directory, format: inner, depth: depth + 1)))
        }
        return tree
    }

    /// The inputs that differ from a commit; see `GitTree.changes(of:in:expected:)`. Ignored files are told apart
    /// from other untracked ones, with one more git process where there are any.
    package func changes(
        of inputs: some Sequence<GitInput>, from tree: GitTree, expected: ((String) -> Bool)? = nil
    ) async throws -> [GitChange] {
        var changes = tree.changes(of: inputs, in: directory, expected: expected)
        let untracked = changes.filter { $0.reason == .untracked }
        guard !untracked.isEmpty else { return changes }
        let prefix = directory.isEmpty ? "" : directory + "/"
        let request: [UInt8] = Array(untracked.map { prefix + $0.path + "\0" }.joined().utf8)
        let outcome = try await GitCommand(directory: root).run(
            ["check-ignore", "--no-index", "-z", "--stdin"], input: request)
        // 1 says that none is ignored. A refusal, say of a path inside a submodule, leaves them all untracked.
        guard outcome.isSuccess else { return changes }
        let ignored = Set(outcome.output.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
        for index in changes.indices
        where changes[index].reason == .untracked && ignored.contains(prefix + changes[index].path) {
            changes[index].reason = .ignored
        }
        return changes
    }

    /// The paths that differ between the commit that `revision` names and HEAD, relative to the workspace, sorted by
    /// bytes. Files outside of the workspace, and changes that are not committed, are not among them.
    package func changedPaths(since revision: String) async throws -> [String] {
        guard let head else { throw GitError(.noCommit, "the repository at \(root) has no commit yet") }
        let base = try await commit(revision)
        let output = try await GitCommand(directory: root).output([
            "diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", base.tree.hex,
            head.tree.hex,
        ])
        let prefix = Array((directory.isEmpty ? "" : directory + "/").utf8)
        return output.split(separator: 0).filter { $0.starts(with: prefix) }
            .map { String(decoding: $0.dropFirst(prefix.count), as: UTF8.self) }
    }
}
