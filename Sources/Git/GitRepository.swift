internal import Bytes
internal import Host
package import SystemPackage

/// What git says about the directory of a workspace; works in worktrees, in submodules and below the root.
package struct GitRepository: Sendable {
    /// The root of the working tree.
    package let root: FilePath
    /// The workspace's directory relative to `root`; empty at the root.
    package let directory: String
    package let format: GitObjectFormat
    /// The commit that is checked out; `nil` before the first one.
    package let head: GitCommit?
    /// The branch, or where none is checked out a tag of the commit: a full name such as `refs/heads/main`.
    package private(set) var ref: String?
    /// The URL of the remote called `origin`, without credentials.
    package private(set) var origin: String?

    /// Finds the repository that `workspace` is in; `nil` where there definitely is none.
    ///
    /// Short git processes run at once, and none of them looks at the files of the working tree.
    ///
    /// - Parameter isNamed: whether `ref` and `origin` are wanted, for which git is asked apart.
    /// - Throws: `GitError`, and `HostError` `.notFound` where git is not installed.
    package static func find(at workspace: FilePath, isNamed: Bool = true) async throws -> GitRepository? {
        async let names = isNamed ? names(at: workspace) : Names()
        guard var repository = try await found(at: workspace) else { return nil }
        let (ref, origin) = try await (names.ref, names.origin)
        repository.origin = origin
        repository.ref = ref
        if isNamed, ref == nil, repository.head != nil {
            repository.ref = line(
                try await GitCommand(directory: workspace).run(
                    ["for-each-ref", "--points-at=HEAD", "--format=%(refname)", "refs/tags"]))
        }
        return repository
    }

    /// What a repository and its state are called, which their content does not depend on.
    private struct Names: Sendable {
        var ref: String?
        var origin: String?
    }

    private static func names(at workspace: FilePath) async throws -> Names {
        let git = GitCommand(directory: workspace)
        async let branch = git.run(["symbolic-ref", "-q", "HEAD"])
        let remote = try await git.run(["config", "--local", "-z", "--get", "remote.origin.url"])
        let url = remote.isSuccess ? String(decoding: remote.output.prefix { $0 != 0 }, as: UTF8.self) : ""
        return Names(ref: line(try await branch), origin: url.isEmpty ? nil : URLCredentials.removed(from: url))
    }

    private static func found(at workspace: FilePath) async throws -> GitRepository? {
        let git = GitCommand(directory: workspace)
        let place = ["rev-parse", "--show-toplevel", "--show-prefix", "--show-object-format"]
        async let commit = git.run(["cat-file", "--batch"], input: Array("HEAD\n".utf8))
        let outcome = try await git.run(place)
        let commitOutcome = try await commit
        guard outcome.isSuccess else {
            // Git says the same with a path behind it for a repository that it can't open; that is no answer.
            if outcome.errorText.contains("not a git repository (or any") { return nil }
            throw git.failure(outcome, place)
        }
        var lines = outcome.outputText.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard let format = lines.popLast().flatMap({ GitObjectFormat(rawValue: String($0)) }),
            let prefix = lines.popLast(), !lines.isEmpty
        else { throw GitError(.failed, "git described the repository of \(workspace) in an unknown way") }
        return GitRepository(
            root: FilePath(lines.joined(separator: "\n")),
            directory: String(prefix.hasSuffix("/") ? prefix.dropLast() : prefix),
            format: format, head: try GitCommit(batch: commitOutcome.output, format: format))
    }

    /// The name of the commit that is checked out at `directory`, by one process; `nil` where there is none.
    package static func headCommit(at directory: FilePath) async throws -> GitObjectID? {
        let git = GitCommand(directory: directory)
        let arguments = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]
        let outcome = try await git.run(arguments)
        if let line = line(outcome), let id = GitObjectID(line) { return id }
        // Quiet about a repository before its first commit; not about one that can't be read.
        let isAbsent = outcome.errorText.isEmpty || outcome.errorText.contains("not a git repository (or any")
        guard !outcome.isSuccess, isAbsent else { throw git.failure(outcome, arguments) }
        return nil
    }

    /// Where `workspace` is in its repository, and the commit that is checked out, by one process; `nil` where there is no
    /// commit.
    package static func place(
        of workspace: FilePath
    ) async throws -> (root: FilePath, directory: String, commit: GitObjectID)? {
        let git = GitCommand(directory: workspace)
        let outcome = try await git.run(
            ["rev-parse", "--show-toplevel", "--show-prefix", "--verify", "--quiet", "HEAD^{commit}"])
        let lines = outcome.outputText.split(separator: "\n", omittingEmptySubsequences: false)
        guard outcome.isSuccess, lines.count == 4, lines[3].isEmpty, let commit = GitObjectID(lines[2]) else {
            return nil
        }
        return (FilePath(String(lines[0])), String(lines[1]), commit)
    }

    private static func line(_ outcome: ChildProcess.Outcome) -> String? {
        guard outcome.isSuccess else { return nil }
        let line = outcome.outputText.prefix { $0 != "\n" }
        return line.isEmpty ? nil : String(line)
    }

    /// Finds the commit that `revision` names.
    package func commit(_ revision: String) async throws -> GitCommit {
        let git = GitCommand(directory: root)
        let output = try await git.output(["cat-file", "--batch"], input: try request(revision + "^{commit}"))
        guard let commit = try GitCommit(batch: output, format: format) else {
            throw GitError(.unknownRevision, "git knows no commit '\(revision)'; is it fetched?")
        }
        return commit
    }

    private func request(_ expression: String) throws(GitError) -> [UInt8] {
        guard !expression.utf8.contains(where: { $0 == 0x0A || $0 == 0 }) else {
            throw GitError(.unknownRevision, "a revision can't contain a line feed or a NUL")
        }
        return Array((expression + "\n").utf8)
    }
}

/// A commit, verified to be what its name says.
package struct GitCommit: Hashable, Sendable {
    package let id: GitObjectID
    /// The root tree.
    package let tree: GitObjectID
    /// When it was committed, in seconds since 1970.
    package let time: Int64

    /// Reads the one answer of `git cat-file --batch`; `nil` where git knows no such object.
    ///
    /// - Throws: `GitError` `.corrupt` where the bytes do not hash to the name.
    init?(batch output: [UInt8], format: GitObjectFormat) throws(GitError) {
        let header = output.prefix { $0 != 0x0A }
        let fields = String(decoding: header, as: UTF8.self).split(separator: " ")
        guard fields.count == 3, fields[1] == "commit", let id = GitObjectID(fields[0]), let size = Int(fields[2]),
            size >= 0, header.count + 1 + size <= output.count
        else { return nil }
        let content = Array(output[(header.count + 1)..<(header.count + 1 + size)])
        guard format.objectID(type: "commit", content) == id else {
            throw GitError(.corrupt, "the commit \(id) is not what its name says; check with 'git fsck --full'")
        }
        var tree: GitObjectID?
        var time: Int64?
        for line in content.split(separator: 0x0A, omittingEmptySubsequences: false) {
            // The headers end at the first empty line.
            guard !line.isEmpty else { break }
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            if words.first == "tree", words.count == 2 { tree = GitObjectID(words[1]) }
            if words.first == "committer", words.count > 2 { time = Int64(words[words.count - 2]) }
        }
        guard let tree, let time else { throw GitError(.corrupt, "the commit \(id) has no tree or no time") }
        self.id = id
        self.tree = tree
        self.time = time
    }
}
