package import SystemPackage

/// Why a workspace can't be loaded at all. What is wrong inside one is a `Diagnostic`.
package struct WorkspaceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        private enum Value { case noWorkspace, unreadable, unknownName, template, script }
        private var value: Value

        /// There is no workspace where one was looked for.
        package static let noWorkspace = Code(value: .noWorkspace)
        /// A file of the workspace can't be read.
        package static let unreadable = Code(value: .unreadable)
        /// No package, component or script has that name.
        package static let unknownName = Code(value: .unknownName)
        /// A template for output that can't be used.
        package static let template = Code(value: .template)
        /// A `BUILD.js` that failed.
        package static let script = Code(value: .script)
    }

    package var code: Code
    /// What went wrong and what to do.
    package var message: String
    package var path: FilePath?

    package init(_ code: Code, _ message: String, path: FilePath? = nil) {
        self.code = code
        self.message = message
        self.path = path
    }

    package var description: String { path.map { "\($0): \(message)" } ?? message }
}
