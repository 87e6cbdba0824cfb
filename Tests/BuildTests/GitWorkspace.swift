import Host
import SystemPackage

/// Runs git in a directory of a test, with nothing of the user's settings.
@discardableResult
func git(_ arguments: String..., in directory: FilePath) async throws -> String {
    let environment = [
        "PATH": ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin", "HOME": directory.string, "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
        "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000",
    ]
    let outcome = try await ChildProcess.run(
        ["git", "-c", "protocol.file.allow=always"] + arguments, environment: environment,
        workingDirectory: directory, outputLimit: 1 << 20, timeLimit: .seconds(60))
    guard outcome.isSuccess else { throw HostError(.input, "git \(arguments): \(outcome.errorText)") }
    return String(outcome.outputText.prefix { $0 != "\n" })
}

extension TestWorkspace {
    /// Makes the workspace a repository and commits everything in it.
    func commitAll(remote: String = "https://user:token@git.example.org/team/repo.git") async throws {
        if try Files.status(path(".git")) == nil {
            try await git("init", "-q", "-b", "main", ".", in: root)
            try await git("config", "remote.origin.url", remote, in: root)
        }
        try await git("add", "-A", in: root)
        try await git("commit", "-q", "-m", "change", in: root)
    }
}
