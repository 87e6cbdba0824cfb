internal import Bytes
internal import Cache
internal import Workspace

/// A dependency's artifact as a package sees it: one tree for keys, and the directories that make it for mounting.
struct DependencyArtifact: Sendable {
    /// A stored directory at a place of the dependency's artifact.
    struct Part: Sendable, Hashable {
        /// Relative to the artifact's root; empty for the root itself.
        var path: String
        var tree: Digest
    }

    var mount: Recipe.DependencyMount
    /// The dependency's package key.
    var key: Digest
    /// The artifact whole.
    var tree: Tree.Node
    /// The root's own files first, then what is referred to, each after what it lies in.
    var parts: [Part]

    /// Directories that one artifact may be made of, its references' references included.
    static let partLimit = 2000

    init(
        _ mount: Recipe.DependencyMount, of built: BuiltPackage, in results: [Digest: BuiltPackage], store: ContentStore
    )
        throws
    {
        self.mount = mount
        key = built.key
        var parts: [Part] = []
        try Self.collect(built, at: "", in: results, into: &parts)
        tree = try store.tree(built.artifact).asNode
        self.parts = parts
        guard !mount.subdirectory.isEmpty else { return }
        let prefix = mount.subdirectory + "/"
        guard case .directory(let own, _)? = try store.node(at: mount.subdirectory, in: built.ownTree),
            let whole = try store.node(at: mount.subdirectory, in: built.artifact)
        else {
            throw BuildError(
                .configuration, "the artifact of \(mount.package) has no directory \(mount.subdirectory)",
                package: mount.package)
        }
        tree = whole
        self.parts =
            [Part(path: "", tree: own)]
            + parts.filter { $0.path.hasPrefix(prefix) }.map {
                Part(path: String($0.path.dropFirst(prefix.count)), tree: $0.tree)
            }
    }

    private static func collect(
        _ built: BuiltPackage, at path: String, in results: [Digest: BuiltPackage], into parts: inout [Part]
    ) throws {
        guard parts.count < partLimit else {
            throw BuildError(
                .configuration,
                "the artifact refers to more than \(partLimit) others; name what it needs with `martlet: outputs:`",
                package: built.name)
        }
        parts.append(Part(path: path, tree: built.ownTree))
        for reference in built.references {
            guard let other = results[reference.key] else {
                throw BuildError(
                    .missing, "the result of \(reference.package) is not in the cache", package: built.name)
            }
            try collect(
                other, at: path.isEmpty ? reference.path : "\(path)/\(reference.path)", in: results, into: &parts)
        }
    }
}
