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
        var changes: [GitChange] = []
        var present: Set<String> = []
        for input in inputs {
            if expected != nil { present.insert(input.path) }
            if let reason = reason(of: input, at: prefix + input.path) {
                changes.append(GitChange(path: input.path, reason: reason))
            }
        }
        guard let expected else { return changes }
        for entry in allEntries where entry.path.hasPrefix(prefix) && entry.mode != "160000" {
            let path = String(entry.path.dropFirst(prefix.count))
            if !present.contains(path), expected(path) { changes.append(GitChange(path: path, reason: .deleted)) }
        }
        return changes
    }

    private func reason(of input: GitInput, at path: String) -> GitChange.Reason? {
        guard let entry = entry(at: path) else { return .untracked }
        switch (input.kind, entry.mode) {
        case (.link, "120000"): return input.id == entry.id ? nil : .modified
        case (.file(let isExecutable), "100644"), (.file(let isExecutable), "100755"):
            if input.id != entry.id { return .modified }
            return isExecutable == (entry.mode == "100755") ? nil : .mode
        default: return .type
        }
    }

    /// The entries of this tree and of its submodules.
    private var allEntries: [Entry] {
        var out = Array(entries)
        for submodule in submodules {
            out += submodule.tree.allEntries.map { entry in
                Entry(path: submodule.directory + "/" + entry.path, mode: entry.mode, id: entry.id)
            }
        }
        return out
    }
}
