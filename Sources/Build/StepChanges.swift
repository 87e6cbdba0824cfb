internal import Cache
internal import SystemPackage

/// What a step did to its files.
struct StepChanges: Sendable, Equatable {
    /// Files that are new or different, and directories that are new.
    var files = FileSet()
    /// Paths that are gone, in any order.
    var removed: [String] = []

    /// Puts the changes over `set`.
    func apply(to set: inout FileSet) {
        for path in removed { set.remove(path) }
        for (path, node) in files.nodes { set.put(node, at: path) }
        for path in files.emptyDirectories { set.makeDirectory(path) }
    }

    /// Takes the files of a step into the store.
    /// - Parameters:
    ///   - directory: the changes alone, as an overlay has them, or everything when `isWhole`.
    ///   - before: the files before the step.
    static func capture(_ directory: FilePath, over before: FileSet, isWhole: Bool, in store: ContentStore)
        async throws -> StepChanges
    {
        var changes = StepChanges()
        let known = before.directories()
        if isWhole {
            let captured = try await store.capture(directory)
            let files = Set(captured.files.map(\.path))
            let directories = Set(captured.directories)
            for file in captured.files where before.nodes[file.path] != file.node {
                changes.files.put(file.node, at: file.path)
            }
            for path in directories.subtracting(known) { changes.files.makeDirectory(path) }
            changes.removed =
                before.nodes.keys.filter { !files.contains($0) } + known.filter { !directories.contains($0) }
        } else {
            let captured = try await store.captureChanges(directory, over: before.tree().directories)
            let removed = Set(captured.removed)
            for file in captured.files { changes.files.put(file.node, at: file.path) }
            for path in captured.directories where !known.contains(path) || removed.contains(path) {
                changes.files.makeDirectory(path)
            }
            // A file in place of a directory hides what is in that.
            changes.removed = captured.removed + captured.files.map(\.path).filter(known.contains)
        }
        return changes
    }
}
