internal import Subprocess
package import SystemPackage

extension ChildProcess {
    /// Runs `command` where people see it: in this process's group, so that keys typed at the terminal reach it, and
    /// without a time limit.
    ///
    /// - Parameters:
    ///   - environment: its whole environment.
    ///   - onOutput: takes what it writes to standard output and error, in pieces; standard input is empty then. With
    ///     `nil` the program has this process's own three streams.
    /// - Throws: `HostError`: `.notFound` when there is no such program; `CancellationError`, after it was ended.
    package static func runInForeground(
        _ command: [String], environment: [String: String], workingDirectory: FilePath,
        onOutput: (@Sendable ([UInt8]) -> Void)? = nil
    ) async throws -> Status {
        guard let name = command.first else { throw HostError(.input, "an empty command can't be run") }
        guard ToolPath.find(name, path: environment["PATH"] ?? "/usr/bin:/bin") != nil else {
            throw HostError(.notFound, "'\(name)' was not found; install it or put it on the PATH")
        }
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(2))]
        let configuration = Configuration(
            executable: name.contains("/") ? .path(FilePath(name)) : .name(name),
            arguments: Arguments(Array(command.dropFirst())),
            environment: .custom(environment.map { Array("\($0.key)=\($0.value)".utf8) + [0] }),
            workingDirectory: workingDirectory, platformOptions: options)
        do {
            let status: TerminationStatus
            if let onOutput {
                status = try await Subprocess.run(
                    configuration, input: .none, output: .sequence, error: .combinedWithOutput
                ) { execution in
                    for try await buffer in execution.standardOutput {
                        onOutput(unsafe buffer.withUnsafeBytes { unsafe Array($0) })
                    }
                }.terminationStatus
            } else {
                status = try await Subprocess.run(
                    configuration, input: .currentStandardInput, output: .currentStandardOutput,
                    error: .currentStandardError
                ).terminationStatus
            }
            try Task.checkCancellation()
            return switch status {
            case .exited(let code): .exited(Int(code))
            case .signaled(let signal): .signalled(Int(signal))
            }
        } catch let error as SubprocessError {
            if Task.isCancelled { throw CancellationError() }
            throw HostError(.system, "could not run '\(name)': \(error)")
        }
    }
}
