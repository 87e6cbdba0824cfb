internal import Bytes
internal import Cache

/// A step's result as the action cache has it.
struct StepResultRecord {
    var changes: StepChanges
    var fetched: Digest?
    var seconds: Double

    init(changes: StepChanges, fetched: Digest?, seconds: Double) {
        self.changes = changes
        self.fetched = fetched
        self.seconds = seconds
    }

    /// Reads a record; `nil` when a part of the result is no longer in the store, which makes it a miss.
    init?(_ result: ActionResult, store: ContentStore) throws {
        changes = StepChanges()
        for file in try store.flatten(result.tree, directories: true) {
            if case .directory = file.node {
                changes.files.makeDirectory(file.path)
            } else {
                changes.files.put(file.node, at: file.path)
            }
        }
        guard
            changes.files.nodes.values.allSatisfy({ node in
                if case .file(let digest, _, _) = node { store.contains(digest) } else { true }
            })
        else { return nil }
        if let removed = result.facts["removed"] {
            guard let list = try? JSON(parsing: removed).arrayValue?.compactMap(\.stringValue) else { return nil }
            changes.removed = list
        }
        if let tree = result.trees["fetched"] {
            guard store.contains(tree) else { return nil }
            fetched = tree
        }
        seconds = result.facts["milliseconds"].flatMap(Int.init).map { Double($0) / 1000 } ?? 0
    }

    /// The record for the action cache; stores the directories that it names.
    func actionResult(key: Digest, log: Digest, store: ContentStore) throws -> ActionResult {
        let tree = try changes.files.tree()
        for directory in tree.directories { _ = try store.put(directory) }
        var facts = ["milliseconds": String(Int((seconds * 1000).rounded()))]
        if !changes.removed.isEmpty {
            facts["removed"] = JSON.array(changes.removed.sorted().map(JSON.string)).text()
        }
        var trees: [String: Digest] = [:]
        trees["fetched"] = fetched
        return ActionResult(key: key, tree: tree.root.digest, log: log, trees: trees, facts: facts)
    }
}
