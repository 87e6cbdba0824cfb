/// What went wrong with the cache or with what was to be stored in it, and what to do about it.
package struct CacheError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        private enum Value { case absent, damaged, input, version, busy }
        private var value: Value

        /// The blob or tree is not in the store, or no longer; building again makes it.
        package static let absent = Code(value: .absent)
        /// Stored bytes were not what they were; they have been removed, and building again makes them.
        package static let damaged = Code(value: .damaged)
        /// Files that can't be stored: their kind, mode or name.
        package static let input = Code(value: .input)
        /// The cache directory was made by another version of martlet.
        package static let version = Code(value: .version)
        /// Another process holds what is needed.
        package static let busy = Code(value: .busy)
    }

    package var code: Code
    /// What went wrong and what to do.
    package var message: String
    /// The file that the failure is about: relative to the captured directory, or in the cache.
    package var path: String?

    package init(_ code: Code, _ message: String, path: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
    }

    package var description: String { path.map { "\($0): \(message)" } ?? message }
}
