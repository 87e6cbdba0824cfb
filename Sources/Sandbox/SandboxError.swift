package import SystemPackage

/// Why a command could not be run in a sandbox at all; how a command that ran ended is in `SandboxOutcome`.
package struct SandboxError: Error, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        private enum Value { case unavailable, setup, request, system }
        private var value: Value

        /// The machine does not allow what the level needs.
        package static let unavailable = Code(value: .unavailable)
        /// The walls could not be put up; usually a mount's source is missing.
        package static let setup = Code(value: .setup)
        /// The request itself is not possible.
        package static let request = Code(value: .request)
        /// Any other refusal of the operating system.
        package static let system = Code(value: .system)
    }

    package var code: Code
    /// What went wrong and what to do.
    package var message: String
    /// The path that the failure is about.
    package var path: FilePath?
    /// The `errno` that the operating system gave.
    package var errorNumber: Int32?

    init(_ code: Code, _ message: String, path: FilePath? = nil, errorNumber: Int32? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.errorNumber = errorNumber
    }

    package var description: String {
        var text = path.map { "\($0): \(message)" } ?? message
        if let errorNumber { text += " (\(Errno(rawValue: errorNumber)))" }
        return text
    }
}
