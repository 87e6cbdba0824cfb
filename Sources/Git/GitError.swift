/// Why git could not tell.
package struct GitError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        private enum Value { case failed, noCommit, unknownRevision, corrupt }
        private var value: Value

        /// git ended with an error, or said something that martlet does not understand.
        package static let failed = Code(value: .failed)
        /// The repository has no commit yet.
        package static let noCommit = Code(value: .noCommit)
        /// No commit has that name.
        package static let unknownRevision = Code(value: .unknownRevision)
        /// The object store does not hold what its names promise.
        package static let corrupt = Code(value: .corrupt)
    }

    package var code: Code
    /// What went wrong and what to do.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
