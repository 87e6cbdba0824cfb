internal import Glibc
internal import Subprocess
package import SystemPackage

/// Runs other programs.
package struct ChildProcess {
    /// How a program ended.
    package enum Status: Hashable, Sendable {
        /// By itself, with this exit code.
        case exited(Int)
        /// By this signal.
        case signalled(Int)
        /// It was ended because its time was up.
        case timedOut
    }

    /// How a program ended and what it wrote.
    package struct Outcome: Sendable {
        package var status: Status
        /// What it wrote to standard output.
        package var output: [UInt8]
        /// What it wrote to standard error.
        package var error: [UInt8]

        /// Whether it exited with 0.
        package var isSuccess: Bool { status == .exited(0) }

        /// The standard output as text, with odd bytes replaced.
        package var outputText: String { String(decoding: output, as: UTF8.self) }

        /// The standard error as text, with odd bytes replaced.
        package var errorText: String { String(decoding: error, as: UTF8.self) }
    }

    /// Runs `command` to its end in a session of its own.
    ///
    /// - Parameters:
    ///   - command: the program, as a path or a name to be found in this process's `PATH`, and its arguments.
    ///   - environment: its whole environment; `nil` passes on this process's.
    ///   - input: what it reads from standard input.
    ///   - outputLimit: more bytes than this on either stream end it with a `.tooLarge` error.
    ///   - timeLimit: when it is up, or the task is cancelled, the program and every process of its group get SIGTERM
    ///     and a second later SIGKILL.
    /// - Throws: `HostError`: `.notFound` when there is no such program; `CancellationError`.
    package static func run(
        _ command: [String], environment: [String: String]? = nil, workingDirectory: FilePath? = nil,
        input: [UInt8] = [], outputLimit: Int, timeLimit: Duration
    ) async throws -> Outcome {
        guard let name = command.first else { throw HostError(.input, "an empty command can't be run") }
        let searchPath = environment?["PATH"] ?? environmentVariable("PATH") ?? "/usr/bin:/bin"
        // The path is used as found, not resolved: busybox and its kind look at the name they are called by.
        guard ToolPath.find(name, path: searchPath) != nil else {
            throw HostError(.notFound, "'\(name)' was not found; install it or put it on the PATH")
        }
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
        var variables: Subprocess.Environment = .inherit
        if let environment {
            variables = .custom(environment.map { Array("\($0.key)=\($0.value)".utf8) + [0] })
        }
        let configuration = Configuration(
            executable: name.contains("/") ? .path(FilePath(name)) : .name(name),
            arguments: Arguments(Array(command.dropFirst())), environment: variables,
            workingDirectory: workingDirectory, platformOptions: options)
        return try await withThrowingTaskGroup(of: Outcome?.self) { group in
            group.addTask { try await run(configuration, input: input, outputLimit: outputLimit, name: name) }
            group.addTask {
                try await Task.sleep(for: timeLimit)
                return nil
            }
            defer { group.cancelAll() }
            if let outcome = try await group.next(), let outcome { return outcome }
            try Task.checkCancellation()
            group.cancelAll()
            // The program has been ended; what is left is to wait for that.
            while let _ = try? await group.next() {}
            return Outcome(status: .timedOut, output: [], error: [])
        }
    }

    private static func run(
        _ configuration: Configuration, input: [UInt8], outputLimit: Int, name: String
    ) async throws -> Outcome {
        do {
            // The input comes from a file in memory: writing to a pipe that the program has closed would raise SIGPIPE.
            let file = try OpenFile.inMemory(input)
            let result = try await Subprocess.run(
                configuration,
                input: .fileDescriptor(FileDescriptor(rawValue: file.number), closeAfterSpawningProcess: false),
                output: .bytes(limit: outputLimit), error: .bytes(limit: outputLimit))
            let status: Status =
                switch result.terminationStatus {
                case .exited(let code): .exited(Int(code))
                case .signaled(let signal): .signalled(Int(signal))
                }
            return Outcome(status: status, output: result.standardOutput, error: result.standardError)
        } catch let error as SubprocessError {
            throw translate(error, name: name, outputLimit: outputLimit)
        }
    }

    private static func translate(_ error: SubprocessError, name: String, outputLimit: Int) -> any Error {
        switch error.code {
        case .executableNotFound: HostError(.notFound, "'\(name)' was not found; install it or put it on the PATH")
        case .outputLimitExceeded:
            HostError(.tooLarge, "'\(name)' wrote more than the \(outputLimit) bytes that martlet accepts")
        default:
            if Task.isCancelled {
                CancellationError()
            } else if let number = error.underlyingError?.rawValue {
                HostError.system("run '\(name)'", number)
            } else {
                HostError(.system, "could not run '\(name)': \(error)")
            }
        }
    }

    /// A variable of this process's environment.
    package static func environmentVariable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
