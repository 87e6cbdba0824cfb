internal import Bytes

/// The patterns by which a package finds its sources: its own and those of the variant.
package struct SourcePatterns: Hashable, Sendable {
    /// Relative to the workspace's root; empty for the root itself.
    private var component: String
    private var included: [String]
    private var excluded: [String]
    /// What no package gets.
    private var ignores: WorkspaceTree.Ignores?

    init(
        component: String = "//", included: [String] = [], excluded: [String] = [],
        ignores: WorkspaceTree.Ignores? = nil
    ) {
        self.ignores = ignores
        self.component = component == "//" ? "" : component + "/"
        self.included = included
        self.excluded = excluded
    }

    func pack(into writer: inout PackedWriter) {
        writer.add(component)
        writer.add(included)
        writer.add(excluded)
    }

    init(from reader: inout PackedReader, ignores: WorkspaceTree.Ignores) throws(ParseError) {
        self.ignores = ignores
        component = try reader.string()
        included = try reader.strings()
        excluded = try reader.strings()
    }

    /// Whether a file at `path`, relative to the workspace's root, would be a source if it were there.
    package func matches(_ path: String) -> Bool {
        guard path.hasPrefix(component), ignores?.contains(path) != true else { return false }
        let own = String(path.dropFirst(component.count))
        return included.contains { Glob($0).matches(own) } && !excluded.contains { Glob($0).matches(own) }
    }
}
