/// Why a database can't be opened, read or written.
package struct DatabaseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// The file can't be opened or locked.
        package static let unreachable = Code(name: "unreachable")
        /// The file is not a database, or breaks its own rules.
        package static let damaged = Code(name: "damaged")
        /// No space is left.
        package static let full = Code(name: "full")
        /// SQL is wrong; a mistake of martlet.
        package static let statement = Code(name: "statement")
    }

    package var code: Code
    /// What is wrong, and what to do where something can be done.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
