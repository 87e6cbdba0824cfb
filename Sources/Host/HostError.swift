package import SystemPackage

/// What went wrong between martlet and the machine it runs on, and what to do about it.
package struct HostError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        private enum Value { case notFound, permission, noSpace, tooLarge, changed, corrupt, input, system }
        private var value: Value

        /// There is definitely no such file.
        package static let notFound = Code(value: .notFound)
        /// The file exists, but this user may not do that with it.
        package static let permission = Code(value: .permission)
        /// The disk or a quota is full.
        package static let noSpace = Code(value: .noSpace)
        /// More bytes than the caller allows.
        package static let tooLarge = Code(value: .tooLarge)
        /// The file changed while it was being read.
        package static let changed = Code(value: .changed)
        /// The bytes are not what they were recorded to be.
        package static let corrupt = Code(value: .corrupt)
        /// A name, archive or stream that is malformed or that martlet does not accept.
        package static let input = Code(value: .input)
        /// Any other refusal of the operating system.
        package static let system = Code(value: .system)
    }

    package var code: Code
    /// What went wrong and what to do, as one sentence or two.
    package var message: String
    /// The path that the failure is about.
    package var path: FilePath?
    /// The `errno` that the operating system gave.
    package var errorNumber: Int32?

    package init(_ code: Code, _ message: String, path: FilePath? = nil, errorNumber: Int32? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.errorNumber = errorNumber
    }

    package var description: String { path.map { "\($0): \(message)" } ?? message }
}
