internal import Host
internal import SystemPackage

/// Calls git so that nothing in the repository decides what runs.
///
/// A repository brings its own configuration, and git has keys that name programs. Only commands that read objects
/// are used; hooks, monitors, pagers, lazy fetches and every transport are off; replaced objects are seen as they
/// were committed; and the configuration of user and system, like `GIT_*` variables, stays out.
struct GitCommand {
    let directory: FilePath
    /// The transports that may be used, as `GIT_ALLOW_PROTOCOL` has them; for all but fetching there are none.
    var protocols = "none"
    var timeLimit: Duration = .seconds(120)

    private static let settings = [
        "--no-pager", "--no-optional-locks",
        "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
        "-c", "core.untrackedCache=false", "-c", "submodule.recurse=false",
        "-c", "core.attributesFile=/dev/null", "-c", "core.excludesFile=/dev/null", "-c", "log.showSignature=false",
    ]

    /// git's path, looked up once: a name costs a process for every directory of `PATH` that has no git.
    private static let program =
        ToolPath.find("git", path: ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin")?.string ?? "git"

    private var environment: [String: String] {
        [
            "PATH": ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": protocols,
            "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "/bin/false", "GIT_SSH_COMMAND": "/bin/false",
        ]
    }

    /// Runs a git command and gives its outcome, whatever the exit code.
    func run(_ arguments: [String], input: [UInt8] = []) async throws -> ChildProcess.Outcome {
        let outcome = try await ChildProcess.run(
            [Self.program] + Self.settings + arguments, environment: environment, workingDirectory: directory,
            input: input, outputLimit: GitTree.byteLimit, timeLimit: timeLimit)
        if outcome.status == .timedOut {
            throw GitError(.failed, "'git \(arguments.first ?? "")' did not end within \(timeLimit) in \(directory)")
        }
        return outcome
    }

    /// Runs a git command that has to succeed.
    func output(_ arguments: [String], input: [UInt8] = []) async throws -> [UInt8] {
        let outcome = try await run(arguments, input: input)
        guard outcome.isSuccess else { throw failure(outcome, arguments) }
        return outcome.output
    }

    /// The error for a command that failed, with the first line of what git said.
    func failure(_ outcome: ChildProcess.Outcome, _ arguments: [String]) -> GitError {
        let said = outcome.errorText.prefix { $0 != "\n" }
        return GitError(.failed, "'git \(arguments.first ?? "")' failed in \(directory): \(said)")
    }
}
