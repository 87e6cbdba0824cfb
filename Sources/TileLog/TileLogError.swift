/// Why a log refuses an entry, or can't go on.
package struct TileLogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// The bytes break the format.
        package static let malformed = Code(name: "malformed")
        /// More than the limit allows.
        package static let limit = Code(name: "limit")
        /// There definitely is no such thing.
        package static let absent = Code(name: "absent")
        /// No space is left; reads go on.
        package static let full = Code(name: "full")
        /// Too much waits already; the same may be tried again in a moment.
        package static let busy = Code(name: "busy")
        /// The log has stopped for good, or was closed; what was acknowledged is kept.
        package static let stopped = Code(name: "stopped")
        /// The log is an older copy of what others have seen, or has forked.
        package static let rolledBack = Code(name: "rolled-back")
        /// The log takes no more entries.
        package static let frozen = Code(name: "frozen")
        /// What is stored does not agree with itself.
        package static let damaged = Code(name: "damaged")
        /// Nobody can say: a disk or a witness does not answer.
        package static let unreachable = Code(name: "unreachable")
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
