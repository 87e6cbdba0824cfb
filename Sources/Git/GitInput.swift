/// A file or link that a build reads, as it is on disk.
package struct GitInput: Hashable, Sendable {
    /// What it is.
    package enum Kind: Hashable, Sendable {
        case file(isExecutable: Bool)
        case link
    }

    /// Relative to the workspace.
    package var path: String
    package var kind: Kind
    /// The name that git would give to its bytes (`GitObjectFormat.blobID`).
    package var id: GitObjectID

    package init(path: String, kind: Kind, id: GitObjectID) {
        self.path = path
        self.kind = kind
        self.id = id
    }
}

/// An input that is not as the commit has it.
package struct GitChange: Hashable, Sendable {
    /// How it differs.
    package enum Reason: String, Sendable {
        /// Other bytes, or another target of a link.
        case modified
        /// The commit has no such file.
        case untracked
        /// The commit has no such file, and git was told to ignore it.
        case ignored
        /// The commit has a file there, and the disk has not.
        case deleted
        /// Executable where it was not, or the other way round.
        case mode
        /// A file became a link, or the other way round.
        case type
    }

    /// Relative to the workspace.
    package var path: String
    package var reason: Reason

    package init(path: String, reason: Reason) {
        self.path = path
        self.reason = reason
    }
}

extension GitTree {
    /// The inputs that differ from the commit, in the order given, and then those that are gone, by path.
    ///
    /// Strict: bytes are compared as they are on disk, with no filter applied, and mode bits whatever
    /// `core.fileMode` says. A file that `core.autocrlf` or a large-file filter has rewritten on checkout differs.
    ///
    /// - Parameters:
    ///   - directory: the workspace's directory in the repository; empty at its root.
    ///   - expected: whether a path, relative to the workspace, would be an input if it were there; it finds files
    ///     that were deleted. `nil` looks for none.
    package func changes(
        of inputs: some Sequence<GitInput>, in directory: String = "", expected: ((String) -> Bool)? = nil
    ) -> [GitChange] {
        let prefix = directory.isEmpty ? "" : directory + "/"
        var finder = Finder(self)
        var changes: [GitChange] = []
        for input in inputs {
            let path = prefix.isEmpty ? input.path : prefix + input.path
            if let reason = finder.reason(of: input, at: path) {
                changes.append(GitChange(path: input.path, reason: reason))
            }
        }
        guard let expected else { return changes }
        for path in finder.unseen() where path.hasPrefix(prefix) {
            let inner = String(path.dropFirst(prefix.count))
            if expected(inner) { changes.append(GitChange(path: inner, reason: .deleted)) }
        }
        return changes
    }
}

/// Looks inputs up in a tree, and remembers which entries were there.
private struct Finder {
    private let tree: GitTree
    /// By the positions of the tree's own entries.
    private var isSeen: [Bool]
    private var next = 0
    /// Paths inside of submodules.
    private var seenInSubmodules: Set<String> = []

    init(_ tree: GitTree) {
        self.tree = tree
        isSeen = Array(repeating: false, count: tree.count)
    }

    mutating func reason(of input: GitInput, at path: String) -> GitChange.Reason? {
        if !tree.submodules.isEmpty, let (submodule, inner) = tree.submodule(of: path) {
            seenInSubmodules.insert(path)
            return submodule.reason(of: input, at: inner)
        }
        guard let position = tree.position(of: path, near: next) else { return .untracked }
        next = position + 1
        isSeen[position] = true
        return tree.reason(of: input, at: position)
    }

    /// The paths of the commit that no input had, sorted by bytes, those of submodules last.
    func unseen() -> [String] {
        var paths = tree.paths(unmarked: isSeen)
        for submodule in tree.submodules {
            paths += Finder(submodule.tree).unseen().map { submodule.directory + "/" + $0 }
                .filter { !seenInSubmodules.contains($0) }
        }
        return paths
    }
}
