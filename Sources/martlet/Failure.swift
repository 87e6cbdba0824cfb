internal import ArgumentParser
internal import Build
internal import Glibc
internal import Host
internal import Reports
internal import SystemPackage

/// The end of a command that did not do what was asked, with the exit codes of the design: 1 a definite no, 2 wrong
/// usage or configuration, 3 could not tell.
enum Failure {
    /// Says what went wrong, as one line of cause and one of remedy, and ends the program.
    static func exit(with error: any Error) -> Never {
        Glibc.exit(report(error))
    }

    private static func report(_ error: any Error) -> Int32 {
        switch error {
        case let code as ExitCode: return code.rawValue
        case is CleanExit, is any ParsableArguments: break
        case is CancellationError:
            say("cancelled; what was finished is in the cache")
            return 130
        case let error as BuildError:
            say(error.description)
            switch error.code {
            case .configuration: return 2
            case .unavailable: return 3
            default: return 1
            }
        case let error as HostError:
            say(error.description)
            return 3
        case let error as CommandError:
            say(error.message)
            return error.status
        default: break
        }
        let code = Martlet.exitCode(for: error)
        let message = Martlet.fullMessage(for: error)
        if code == .success {
            if !message.isEmpty { print(message) }
            return 0
        }
        if !message.isEmpty { say(message) }
        return code == .validationFailure ? 2 : code.rawValue
    }

    static func say(_ message: String) {
        let text = message.hasPrefix("Error:") ? message : "martlet: \(message)"
        Terminal(.standardError).say(text)
    }
}

/// A failure that a command finds itself.
struct CommandError: Error {
    var message: String
    var status: Int32

    /// A definite no.
    static func no(_ message: String) -> CommandError { CommandError(message: message, status: 1) }
    /// Wrong usage or configuration.
    static func usage(_ message: String) -> CommandError { CommandError(message: message, status: 2) }
}
