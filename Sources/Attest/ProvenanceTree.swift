internal import Bytes

/// A bundle as a tree for people: each package with its commit, sandbox, tools and downloads, and below it the
/// packages that it depends on.
package struct ProvenanceTree: Sendable {
    /// With which characters branches are drawn.
    package enum Style: Sendable {
        case boxes, ascii

        fileprivate var branch: String { self == .boxes ? "├─ " : "|- " }
        fileprivate var last: String { self == .boxes ? "└─ " : "`- " }
        fileprivate var line: String { self == .boxes ? "│  " : "|  " }
    }

    /// A line and what hangs below it.
    fileprivate struct Node {
        var text: String
        var children: [Node] = []
    }

    /// Deeper dependencies are left out.
    private static let depthLimit = 100

    private let roots: [Node]

    /// - Parameters:
    ///   - views: the statements of a bundle in its order.
    ///   - target: the package to begin with; `nil` takes the last.
    ///
    /// Statements that the target does not lead to come after it, for Leeway's do not name their dependencies.
    package init(_ views: [ProvenanceView], target: String? = nil) {
        var builder = Builder(views)
        let first = target.flatMap { name in views.lastIndex { $0.entryPoint == name } } ?? views.indices.last
        var roots: [Node] = []
        if let first { roots.append(builder.node(first, depth: 0)) }
        for index in views.indices.reversed() where !builder.isShown(index) {
            roots.append(builder.node(index, depth: 0))
        }
        self.roots = roots
    }

    /// The lines, joined by line feeds; each is safe for a terminal. Empty for an empty bundle.
    package func text(style: Style = .boxes) -> String {
        var lines: [String] = []
        for root in roots {
            lines.append(root.text)
            Self.append(root.children, prefix: "", style, to: &lines)
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func append(_ nodes: [Node], prefix: String, _ style: Style, to lines: inout [String]) {
        for (index, node) in nodes.enumerated() {
            let isLast = index == nodes.count - 1
            lines.append(prefix + (isLast ? style.last : style.branch) + node.text)
            append(node.children, prefix: prefix + (isLast ? "   " : style.line), style, to: &lines)
        }
    }

    /// Makes the nodes, and remembers which statements were shown.
    private struct Builder {
        private let views: [ProvenanceView]
        private var byName: [String: Int] = [:]
        private var shown: Set<Int> = []

        init(_ views: [ProvenanceView]) {
            self.views = views
            for (index, view) in views.enumerated() { byName[view.entryPoint] = index }
        }

        func isShown(_ index: Int) -> Bool { shown.contains(index) }

        mutating func node(_ index: Int, depth: Int) -> Node {
            let view = views[index]
            shown.insert(index)
            var node = Node(text: Self.title(view))
            node.children = Self.facts(view).map { Node(text: $0.safeForTerminal) }
            for dependency in view.materials(.package) {
                let name = dependency.name ?? dependency.uri
                guard let next = byName[name] else {
                    node.children.append(
                        Node(text: "\(name)  \(Self.digest(dependency))  (no statement in this bundle)".safeForTerminal)
                    )
                    continue
                }
                if shown.contains(next) {
                    node.children.append(Node(text: "\(name)  (shown above)".safeForTerminal))
                } else if depth >= ProvenanceTree.depthLimit {
                    node.children.append(Node(text: "\(name)  (too deep to show)".safeForTerminal))
                } else {
                    node.children.append(self.node(next, depth: depth + 1))
                }
            }
            return node
        }

        private static func title(_ view: ProvenanceView) -> String {
            let name = view.entryPoint.isEmpty ? view.subjects.first?.name ?? view.buildType : view.entryPoint
            let type = view.isMartletBuild ? view.parameters["type"]?.stringValue.map { "  (\($0))" } : nil
            return (name + (type ?? "")).safeForTerminal
        }

        private static func facts(_ view: ProvenanceView) -> [String] {
            var lines: [String] = []
            var built = "built     \(view.builder.name)"
            if let version = view.builder.fullVersion { built += " \(shortened(version))" }
            if let finished = view.finishedOn { built += " on \(finished)" }
            lines.append(built)
            if let sandbox = view.sandbox {
                lines.append("sandbox   \(sandbox)" + (view.cacheOrigin.map { ", result \($0)" } ?? ""))
            }
            for subject in view.subjects.prefix(1) {
                let more = view.subjects.count > 1 ? "  and \(view.subjects.count - 1) more" : ""
                lines.append("subject   \(subject.name)  \(digest(subject.digest))\(more)")
            }
            let counted: [MartletBuild.Role] = [.package, .locked, .keyring, .index, .debian]
            for material in view.materials where !(material.role.map(counted.contains) ?? false) {
                lines.append(line(material))
            }
            let locked = view.materials(.locked).count
            if locked > 0 { lines.append("locked    \(locked) packages of lock files") }
            let debian = view.materials(.debian).count
            if debian > 0 { lines.append("debian    \(debian) packages of the archive") }
            return lines
        }

        private static func line(_ material: ProvenanceView.Material) -> String {
            let name = material.uri.isEmpty ? material.name ?? "" : material.uri
            let note = { (key: String) in material.annotations[key]?.stringValue.map { "  (\($0))" } ?? "" }
            switch material.role {
            case .source:
                let clean = material.annotations["clean"]?.boolValue == true ? "clean" : "not clean"
                return "source    \(name)  \(digest(material))\(note("ref"))  \(clean)"
            case .inputs:
                let files = material.annotations["files"]?.intValue.map { "\($0) files  " } ?? ""
                return "inputs    \(files)\(digest(material))"
            case .changed: return "changed   \(material.name ?? name)\(note("reason"))"
            case .tool: return "tool      \(material.name ?? name)  \(digest(material))\(note("version"))"
            case .fetched: return "fetched   \(name)  \(digest(material))"
            case .image: return "image     \(name)  \(digest(material))"
            case .release: return "archive   \(name)  \(digest(material))\(note("date"))"
            case .package, .locked, .keyring, .index, .debian, nil: return "material  \(name)  \(digest(material))"
            }
        }

        private static func digest(_ material: ProvenanceView.Material) -> String { digest(material.digest) }

        /// The first digest by algorithm, shortened to what tells versions apart.
        private static func digest(_ set: [String: String]) -> String {
            guard let (algorithm, value) = set.min(by: { $0.key < $1.key }) else { return "without digest" }
            return "\(algorithm):\(value.prefix(12))"
        }

        private static func shortened(_ version: String) -> String {
            let parts = version.split(separator: ":", maxSplits: 1)
            return parts.count == 2 ? "\(parts[0]):\(parts[1].prefix(12))" : version
        }
    }
}
