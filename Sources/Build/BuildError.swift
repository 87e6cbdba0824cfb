package import Workspace

/// Why a build can't go on, and what to do about it.
package struct BuildError: Error, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        private enum Value { case configuration, step, missing, changed, unavailable, check, refused }
        private var value: Value

        /// The workspace asks for something impossible.
        package static let configuration = Code(value: .configuration)
        /// A command of a step failed.
        package static let step = Code(value: .step)
        /// A dependency or result that should be there is not.
        package static let missing = Code(value: .missing)
        /// A source changed while the build ran.
        package static let changed = Code(value: .changed)
        /// A tool or facility that the build needs is not on this machine.
        package static let unavailable = Code(value: .unavailable)
        /// Two builds of one package differ.
        package static let check = Code(value: .check)
        /// A build service definitely said no.
        package static let refused = Code(value: .refused)
    }

    package var code: Code
    /// What went wrong and what to do.
    package var message: String
    package var package: PackageName?
    package var location: SourceLocation?

    package init(_ code: Code, _ message: String, package: PackageName? = nil, location: SourceLocation? = nil) {
        self.code = code
        self.message = message
        self.package = package
        self.location = location
    }

    package var description: String {
        var out = ""
        if let location { out += "\(location): " }
        if let package { out += "\(package): " }
        return out + message
    }
}
