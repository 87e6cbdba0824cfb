internal import Host
package import SystemPackage

/// Brings one commit of somebody else's into an empty directory, with a repository that names it: nothing of the
/// machine's or the other side's configuration has a say in it.
package struct GitCheckout: Sendable {
    /// Where the commit comes from.
    package enum Source: Hashable, Sendable {
        /// An address that git fetches from, with the branch or tag that must hold the commit; `nil` asks for the commit
        /// alone, and no branch is recorded.
        case repository(String, ref: String?)
        /// A pack with the commit, its trees and its blobs.
        case pack(FilePath)
    }

    package var source: Source
    package var commit: GitObjectID
    /// The most bytes of a pack.
    package var packLimit = 1 << 30
    package var timeLimit: Duration = .seconds(900)

    private static let fetched = "refs/martlet/fetched"

    package init(_ source: Source, commit: GitObjectID) {
        self.source = source
        self.commit = commit
    }

    /// Fills the empty directory `target`.
    /// - Throws: `GitError`: `.unknownRevision` where the other side has no such commit, or the branch does not hold it.
    package func make(in target: FilePath) async throws {
        try Files.createDirectories(target)
        var git = GitCommand(directory: target)
        git.timeLimit = timeLimit
        // No templates: they would bring hooks.
        _ = try await git.output([
            "init", "-q", "--template=", "--object-format=\(commit.hex.utf8.count == 40 ? "sha1" : "sha256")",
            "--initial-branch=martlet",
        ])
        switch source {
        case .repository(let address, let ref): try await fetch(address, ref, git)
        case .pack(let pack): try await index(pack, git, target)
        }
        guard let repository = try await GitRepository.find(at: target), let head = repository.head,
            head.id == commit
        else { throw GitError(.corrupt, "the commit \(commit) was not what came") }
        let tree = try await repository.tree(of: head)
        try await repository.export(tree, to: target)
        try Self.checkLinks(target)
    }

    // MARK: From a repository

    private func fetch(_ address: String, _ ref: String?, _ git: GitCommand) async throws {
        var fetching = git
        fetching.protocols = try Self.transport(of: address)
        var arguments = [
            "-c", "fetch.fsckObjects=true", "fetch", "-q", "--no-tags", "--no-recurse-submodules",
            "--no-write-fetch-head", "--no-auto-maintenance",
        ]
        if ref == nil { arguments.append("--depth=1") }
        arguments += ["--", address, "+\(ref ?? commit.hex):\(Self.fetched)"]
        let outcome = try await fetching.run(arguments)
        guard outcome.isSuccess else {
            let said = outcome.errorText.prefix { $0 != "\n" }
            throw GitError(
                .unknownRevision, "\(ref ?? "the commit \(commit)") can't be fetched from \(address): \(said)")
        }
        if let ref {
            let isInside = try await git.run(["merge-base", "--is-ancestor", commit.hex, Self.fetched])
            guard isInside.isSuccess else {
                throw GitError(.unknownRevision, "the commit \(commit) is not in \(ref) of \(address)")
            }
        }
        try await name(ref, git)
        _ = try await git.output(["config", "--local", "remote.origin.url", address])
    }

    /// Has HEAD, and with it what is recorded, name the commit and its branch or tag.
    private func name(_ ref: String?, _ git: GitCommand) async throws {
        if let ref, ref.hasPrefix("refs/heads/") {
            _ = try await git.output(["update-ref", ref, commit.hex])
            _ = try await git.output(["symbolic-ref", "HEAD", ref])
            return
        }
        _ = try await git.output(["update-ref", "--no-deref", "HEAD", commit.hex])
        guard let ref, ref.hasPrefix("refs/tags/") else { return }
        let tip = try await git.output(["rev-parse", "--verify", "\(Self.fetched)^{commit}"])
        guard String(decoding: tip, as: UTF8.self).hasPrefix(commit.hex) else {
            throw GitError(.unknownRevision, "\(ref) is not the commit \(commit)")
        }
        _ = try await git.output(["update-ref", ref, Self.fetched])
    }

    /// The one transport of an address. Others, `ext::` among them, run programs.
    private static func transport(of address: String) throws -> String {
        for (prefix, name) in [("https://", "https"), ("http://", "http"), ("file:///", "file"), ("/", "file")]
        where address.hasPrefix(prefix) {
            return name
        }
        throw GitError(.failed, "\(address) is no address that is fetched from; https, http and file are")
    }

    // MARK: From a pack

    private func index(_ pack: FilePath, _ git: GitCommand, _ target: FilePath) async throws {
        let place = target.appending(".git/objects/pack/pack-martlet.pack")
        try Files.createDirectories(place.removingLastComponent())
        try Files.rename(pack, to: place)
        // Its parents are not in the pack, and nobody asks for them.
        try Files.write(Array("\(commit.hex)\n".utf8), to: target.appending(".git/shallow"))
        let outcome = try await git.run(
            ["index-pack", "--fsck-objects", "--max-input-size=\(packLimit)", place.string])
        guard outcome.isSuccess else {
            throw GitError(.corrupt, "the pack can't be read: \(outcome.errorText.prefix { $0 != "\n" })")
        }
        let known = try await git.run(["cat-file", "-e", "\(commit.hex)^{commit}"])
        guard known.isSuccess else { throw GitError(.unknownRevision, "the pack does not hold the commit \(commit)") }
        try await name(nil, git)
    }

    // MARK: Links

    /// Refuses a link that leads out of the commit's own files: who follows it would read the machine's.
    private static func checkLinks(_ root: FilePath) throws {
        guard let whole = ToolPath.resolve(root) else { throw GitError(.failed, "\(root) is gone") }
        for entry in try DirectoryWalk(root).entries() where entry.kind == .link {
            let link = root.appending(entry.path)
            if let end = ToolPath.resolve(link) {
                if end.starts(with: whole) { continue }
            } else {
                // Nothing is there now; what would be found later must be inside too.
                let target = try Files.readLink(link)
                if !target.hasPrefix("/"), !target.split(separator: "/").contains("..") { continue }
            }
            throw GitError(.corrupt, "the link \(entry.path) of the commit leads out of it")
        }
    }
}

extension GitRepository {
    /// A pack with a commit, its trees and its blobs, for `GitCheckout.Source.pack`; no history is in it.
    package func pack(of commit: GitCommit) async throws -> [UInt8] {
        let git = GitCommand(directory: root)
        let objects = try await git.output(["rev-list", "--objects", "--no-walk", commit.id.hex])
        let names = objects.split(separator: 0x0A).flatMap { $0.prefix { $0 != 0x20 } + [0x0A] }
        return try await git.output(["pack-objects", "--stdout", "-q"], input: names)
    }
}
