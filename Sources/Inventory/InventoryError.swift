internal import Bytes

/// Why a lock file, a bill of materials or an advisory can't be used.
package struct InventoryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        private enum Value { case malformed, unsupported, limit, absent, configuration }
        private var value: Value

        /// The bytes break the format.
        package static let malformed = Code(value: .malformed)
        /// The format is of a kind or version that martlet does not know.
        package static let unsupported = Code(value: .unsupported)
        /// More than the limit allows.
        package static let limit = Code(value: .limit)
        /// What was asked for is not there.
        package static let absent = Code(value: .absent)
        /// A setting says what can't be.
        package static let configuration = Code(value: .configuration)
    }

    package var code: Code
    /// What is wrong and, after a semicolon, what to do about it.
    package var message: String
    /// The file, where it is known.
    package var file: String?
    /// The line in the file, from 1.
    package var line: Int?

    package init(_ code: Code, _ message: String, file: String? = nil, line: Int? = nil) {
        self.code = code
        self.message = message
        self.file = file
        self.line = line
    }

    package var description: String {
        switch (file, line) {
        case (let file?, let line?): "\(file.safeForTerminal):\(line): \(message)"
        case (let file?, nil): "\(file.safeForTerminal): \(message)"
        case (nil, let line?): "line \(line): \(message)"
        case (nil, nil): message
        }
    }

    /// The same failure, in a file.
    func inFile(_ name: String) -> InventoryError {
        var error = self
        error.file = error.file ?? name
        return error
    }
}
