internal import Bytes
internal import Cache
internal import Host
internal import Sandbox
internal import SystemPackage
internal import Workspace

/// The directories on disk in which the steps of one package run: made when the first step has to run, gone afterwards.
///
/// `lower` holds the files as the last step left them and is never seen writable by a step; each step writes into a
/// directory of its own, from which its changes are taken.
final class StepWorkplace: Sendable {
    /// Everything below is in here, on the file system of the cache, so that files move into it by name.
    let directory: FilePath

    /// The files before the next step.
    var lower: FilePath { directory.appending("lower") }

    init(in scratch: FilePath) throws {
        directory = try Files.temporaryDirectory(in: scratch, prefix: "step-")
        try Files.createDirectory(lower)
    }

    /// A directory with this name, made anew and empty.
    func makeDirectory(_ name: String) throws -> FilePath {
        let path = directory.appending(name)
        try Files.removeTree(path)
        try Files.createDirectory(path)
        return path
    }

    /// Copies a source and compares what was copied with the digest that the key was made from, so that no step ever
    /// sees a file that changed in between.
    /// - Parameter path: where it is put, when not at its own path.
    func place(_ source: SourceFile, from workspace: FilePath, at path: String? = nil) throws {
        let target = lower.appending(path ?? source.path)
        try Files.createDirectories(target.removingLastComponent())
        let origin = workspace.appending(source.path)
        let digest = try Files.copy(origin, to: target, mode: source.isExecutable ? 0o755 : 0o644)
        try Files.setModified(target, ContentStore.fileTime)
        guard digest == source.digest else {
            throw BuildError(.changed, "\(source.path) changed while the build ran; build again")
        }
    }

    /// Writes a file that martlet makes.
    func place(_ content: [UInt8], at path: String, isExecutable: Bool) throws {
        let target = lower.appending(path)
        try Files.createDirectories(target.removingLastComponent())
        try Files.removeTree(target)
        try Files.write(content, to: target, mode: isExecutable ? 0o755 : 0o644)
        try Files.setModified(target, ContentStore.fileTime)
    }

    /// Puts the changes of an earlier step over the files.
    func apply(_ changes: StepChanges, from store: ContentStore) throws {
        for path in changes.removed { try Files.removeTree(lower.appending(path)) }
        for (path, node) in changes.files.nodes.sorted(by: { $0.key < $1.key }) {
            let target = lower.appending(path)
            try Files.createDirectories(target.removingLastComponent())
            try Files.removeTree(target)
            switch node {
            case .file(let digest, let size, let isExecutable):
                try store.link(blob: digest, size: size, isExecutable: isExecutable, to: target)
            case .link(let destination): try Files.symlink(destination, at: target)
            case .directory: break
            }
        }
        for path in changes.files.emptyDirectories { try Files.createDirectories(lower.appending(path)) }
    }

    /// Removes everything.
    func remove() { try? Files.removeTree(directory) }
}
