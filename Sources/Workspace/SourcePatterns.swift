/// The patterns by which a package finds its sources: its own and those of the variant.
package struct SourcePatterns: Hashable, Sendable {
    /// Relative to the workspace's root; empty for the root itself.
    private var component: String
    private var included: [String]
    private var excluded: [String]

    init(component: String = "//", included: [String] = [], excluded: [String] = []) {
        self.component = component == "//" ? "" : component + "/"
        self.included = included
        self.excluded = excluded
    }

    /// Whether a file at `path`, relative to the workspace's root, would be a source if it were there.
    package func matches(_ path: String) -> Bool {
        guard path.hasPrefix(component) else { return false }
        let own = String(path.dropFirst(component.count))
        return included.contains { Glob($0).matches(own) } && !excluded.contains { Glob($0).matches(own) }
    }
}
