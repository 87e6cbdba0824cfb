import Bytes
import Git
import Host
import SystemPackage
import TestKit

/// Whether git is installed; tests that need it are skipped where it is not.
let hasGit = ToolPath.find("git", path: ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin") != nil

/// A real repository in a temporary directory.
struct TestRepository {
    let files: TemporaryDirectory
    var root: FilePath { files.path }

    init(format: String = "sha1") async throws {
        files = try TemporaryDirectory()
        try await git("init", "-q", "-b", "main", "--object-format=\(format)", ".")
        try await git("config", "remote.origin.url", "https://user:token@git.example.org/team/repo.git")
    }

    @discardableResult
    func git(_ arguments: String..., in directory: FilePath? = nil) async throws -> String {
        let environment = [
            "PATH": ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin", "HOME": root.string, "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": "1700000000 +0000",
            "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
            "GIT_COMMITTER_DATE": "1700000001 +0200",
        ]
        let outcome = try await ChildProcess.run(
            ["git", "-c", "protocol.file.allow=always"] + arguments, environment: environment,
            workingDirectory: directory ?? root, outputLimit: 1 << 20, timeLimit: .seconds(60))
        guard outcome.isSuccess else { throw GitError(.failed, "\(arguments): \(outcome.errorText)") }
        return String(outcome.outputText.prefix { $0 != "\n" })
    }

    func commitAll(_ message: String = "change") async throws {
        try await git("add", "-A")
        try await git("commit", "-q", "-m", message)
    }

    /// The input at `path` of the workspace `workspace`, as it is on disk.
    static func input(_ path: String, at workspace: FilePath, format: GitObjectFormat = .sha1) throws -> GitInput {
        let file = workspace.appending(path)
        guard let status = try Files.status(file, followingLinks: false) else {
            throw GitError(.failed, "no \(path)")
        }
        if status.kind == .link {
            return GitInput(path: path, kind: .link, id: format.blobID(of: Array(try Files.readLink(file).utf8)))
        }
        let content = try Files.read(file, limit: 1 << 20)
        return GitInput(
            path: path, kind: .file(isExecutable: status.mode & 0o100 != 0), id: format.blobID(of: content))
    }

    /// The reasons why inputs differ from HEAD, by path.
    static func changes(
        _ paths: [String], at workspace: FilePath, expected: ((String) -> Bool)? = nil
    ) async throws -> [String: GitChange.Reason] {
        guard let repository = try await GitRepository.find(at: workspace), let head = repository.head else {
            throw GitError(.noCommit, "no commit")
        }
        let tree = try await repository.tree(of: head)
        let inputs = try paths.map { try input($0, at: workspace, format: repository.format) }
        let changes = try await repository.changes(of: inputs, from: tree, expected: expected)
        return Dictionary(uniqueKeysWithValues: changes.map { ($0.path, $0.reason) })
    }
}
