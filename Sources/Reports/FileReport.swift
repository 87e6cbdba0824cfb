package import Build
internal import Host
package import SystemPackage

/// A report that is one file, made when the build is over.
package struct FileReport: BuildReport {
    private var render: @Sendable (BuildRecord) -> [UInt8]
    private var write: @Sendable ([UInt8]) throws -> Void

    /// Writes what `render` makes to `path`, in one go: a reader never sees half a report.
    package init(_ path: FilePath, _ render: @escaping @Sendable (BuildRecord) -> [UInt8]) {
        self.render = render
        write = { try Files.write($0, to: path) }
    }

    /// Appends what `render` makes to `path`, which may be a file that others append to as well.
    package init(appendingTo path: FilePath, _ render: @escaping @Sendable (BuildRecord) -> [UInt8]) {
        self.render = render
        write = { bytes in
            let file: FileDescriptor
            do {
                file = try FileDescriptor.open(
                    path, .writeOnly, options: [.append, .create, .closeOnExec],
                    permissions: [.ownerReadWrite, .groupRead, .otherRead])
            } catch let error as Errno {
                throw HostError(.system, "can't be opened: \(error)", path: path, errorNumber: error.rawValue)
            }
            try file.closeAfter { _ = try file.writeAll(bytes) }
        }
    }

    package mutating func receive(_ event: BuildEvent, _ record: BuildRecord) {}

    package mutating func finish(_ record: BuildRecord) throws { try write(render(record)) }
}

extension FileReport {
    /// A Chrome trace at `path`.
    package static func chromeTrace(_ path: FilePath, _ context: ReportContext) -> FileReport {
        FileReport(path) { ChromeTrace.render($0, context) }
    }

    /// An OTLP file at `path`, with random identifiers.
    package static func otlp(_ path: FilePath, _ context: ReportContext) -> FileReport {
        FileReport(path) { record in
            var generator = SystemRandomNumberGenerator()
            return OTLPTrace.render(record, context, using: &generator)
        }
    }

    /// A JUnit file at `path`.
    package static func junit(_ path: FilePath) -> FileReport { FileReport(path) { JUnitReport.render($0) } }

    /// A web page at `path`.
    package static func html(_ path: FilePath, _ context: ReportContext) -> FileReport {
        FileReport(path) { HTMLReport.render($0, context) }
    }

    /// Lines for the next steps of a GitHub job, at the end of the file that `GITHUB_OUTPUT` names.
    package static func gitHubOutput(_ path: FilePath) -> FileReport {
        FileReport(appendingTo: path) { GitHubOutput.render($0) }
    }
}
