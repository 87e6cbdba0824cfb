internal import ArgumentParser
internal import Authority
internal import Build
internal import Cache
internal import Database
internal import Git
internal import Glibc
internal import Host
internal import Image
internal import Inventory
internal import Keys
internal import Ledger
internal import Lineage
internal import Policy
internal import Registry
internal import Release
internal import RemoteCache
internal import Reports
internal import Serve
internal import Sigstore
internal import SystemPackage
internal import TileLog
internal import Wire
internal import Workspace

/// The end of a command that did not do what was asked, with the exit codes of the design: 1 a definite no, 2 wrong
/// usage or configuration, 3 could not tell.
enum Failure {
    /// Says what went wrong, as one line of cause and one of remedy, and ends the program.
    static func exit(with error: any Error) -> Never {
        Glibc.exit(report(error))
    }

    private static func report(_ error: any Error) -> Int32 {
        if let code = error as? ExitCode { return code.rawValue }
        if error is CancellationError {
            say("cancelled")
            return 130
        }
        if let status = status(of: error) {
            say(isOutput(error) ? "\(error)" : lines("\(error)"))
            return status
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

    /// The exit code for an error of ours.
    static func status(of error: any Error) -> Int32? {
        switch error {
        case let error as CommandError: error.status
        case let error as BuildError:
            switch error.code {
            case .configuration: 2
            case .unavailable: 3
            default: 1
            }
        case is WorkspaceError: 2
        case let error as LedgerError:
            switch error.code {
            case .wrongRoot, .noSignature, .invalidSignature: 1
            default: 2
            }
        case is PolicyError: 2
        case let error as GitError: error.code == .unknownRevision || error.code == .noCommit ? 2 : 3
        case let error as CacheError: error.code == .version ? 2 : 3
        case let error as HostError: error.code == .input ? 2 : 3
        case let error as AuthorityError:
            switch error.code {
            case .refused, .unauthenticated: 1
            case .unreachable: 3
            default: 2
            }
        case let error as SigstoreError:
            switch error.code {
            case .refused, .expired: 1
            case .unreachable: 3
            default: 2
            }
        case let error as ImageError:
            switch error.code {
            case .untrusted, .stale: 1
            case .unreachable: 3
            default: 2
            }
        case let error as ServeError: error.code == .unreachable ? 3 : 2
        case let error as TileLogError:
            switch error.code {
            case .damaged, .rolledBack: 1
            case .malformed, .limit, .absent, .frozen: 2
            default: 3
            }
        case let error as RegistryError:
            switch error.code {
            // A registry that lets nobody ask says nothing of what it has.
            case .unreachable, .refused: 3
            case .unsupported, .platform, .input: 2
            default: 1
            }
        case let error as RemoteCacheError: error.code == .configuration ? 2 : 3
        case let error as ReleaseError:
            switch error.code {
            case .configuration: 2
            case .exists: 1
            default: 3
            }
        case let error as InventoryError: error.code == .absent ? 1 : 2
        case let error as LineageError: error.code == .unknown ? 1 : error.code == .damaged ? 3 : 2
        case is DatabaseError: 3
        case let error as WireError: error.code == .malformed ? 2 : 3
        case let error as KeyError:
            switch error.code {
            case .refused, .invalidSignature: 1
            case .unavailable: 3
            default: 2
            }
        default: nil
        }
    }

    /// Whether the message holds what a step's command was, in which semicolons mean something else.
    private static func isOutput(_ error: any Error) -> Bool { (error as? BuildError)?.code == .step }

    /// Messages say the cause, a semicolon, and the remedy: a line each.
    static func lines(_ message: String) -> String {
        guard let cut = message.firstRange(of: "; ") else { return message }
        return message[..<cut.lowerBound] + "\n  " + message[cut.upperBound...]
    }

    static func say(_ message: String) {
        let text = message.hasPrefix("Error:") ? message : "martlet: \(message)"
        Terminal(.standardError).say(text)
    }
}

/// A failure that a command finds itself.
struct CommandError: Error, CustomStringConvertible {
    var message: String
    var status: Int32

    var description: String { message }

    /// A definite no.
    static func no(_ message: String) -> CommandError { CommandError(message: message, status: 1) }
    /// Wrong usage or configuration.
    static func usage(_ message: String) -> CommandError { CommandError(message: message, status: 2) }
}
