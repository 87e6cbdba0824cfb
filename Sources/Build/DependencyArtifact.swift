internal import Bytes
internal import Cache
internal import SystemPackage
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

    /// Directories that are mounted one by one. An artifact of more, its references' references included, is laid out
    /// whole instead: the number of places grows with the paths through the graph.
    private static let partLimit = 32

    /// - Parameter find: the result that a reference means.
    init(
        _ mount: Recipe.DependencyMount, of built: BuiltPackage, store: ContentStore,
        find: (BuiltPackage.Reference) throws -> BuiltPackage
    ) throws {
        self.mount = mount
        key = built.key
        var parts: [Part] = []
        try Self.collect(built, at: "", into: &parts, find: find)
        let isTooMany = parts.count > Self.partLimit
        tree = try store.tree(built.artifact).asNode
        let prefix = mount.subdirectory + "/"
        if !mount.subdirectory.isEmpty {
            guard case .directory(let own, _)? = try store.node(at: mount.subdirectory, in: built.ownTree),
                let whole = try store.node(at: mount.subdirectory, in: built.artifact)
            else {
                throw BuildError(
                    .configuration, "the artifact of \(mount.package) has no directory \(mount.subdirectory)",
                    package: mount.package)
            }
            tree = whole
            parts =
                [Part(path: "", tree: own)]
                + parts.filter { $0.path.hasPrefix(prefix) }.map {
                    Part(path: String($0.path.dropFirst(prefix.count)), tree: $0.tree)
                }
        }
        if isTooMany, case .directory(let digest, _) = tree { parts = [Part(path: "", tree: digest)] }
        self.parts = parts
    }

    /// Lays the artifact out at `place`, as files that may be written to.
    func copy(to place: FilePath, from store: ContentStore) async throws {
        for part in parts {
            try await store.copy(part.tree, to: part.path.isEmpty ? place : place.appending(part.path))
        }
    }

    private static func collect(
        _ built: BuiltPackage, at path: String, into parts: inout [Part],
        find: (BuiltPackage.Reference) throws -> BuiltPackage
    ) throws {
        guard parts.count <= partLimit else { return }
        parts.append(Part(path: path, tree: built.ownTree))
        for reference in built.references {
            try collect(
                find(reference), at: path.isEmpty ? reference.path : "\(path)/\(reference.path)", into: &parts,
                find: find)
        }
    }
}
