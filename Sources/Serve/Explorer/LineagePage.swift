internal import Bytes
internal import Lineage

/// What statements say of one thing: where it comes from, who uses it, and when it was built.
struct LineagePage {
    let query: String
    let origin: OriginAnswer
    let usage: UsageAnswer
    let history: HistoryAnswer
    /// The statements that the server keeps whole, for the timeline.
    let payloads: [(digest: Digest, payload: [UInt8])]

    /// The most lines of a tree; a bill of materials may have thousands.
    private static let lineLimit = 600
    private static let listLimit = 200

    var page: Page {
        Page(title: query, content: content, query: query)
    }

    private var content: HTML {
        let roots = origin.roots.prefix(20).compactMap { origin.items[$0] }
        let heading: HTML = roots.first.map { HTML.name($0.name ?? $0.node.text, limit: 160) } ?? .name(query)
        let kinds = roots.map { item -> HTML in
            "<li><span class=\"kind\">\(item.node.kind.word)</span> \(Parts.digest(item.node.text))</li>\n"
        }
        return """
            <h1>\(heading)</h1>
            <ul class="plain lead">
            \(kinds.joined())</ul>
            \(Timeline(payloads: payloads).section)\(originSection)\(usageSection)\(historySection)
            """
    }

    // MARK: Where it comes from

    private var originSection: HTML {
        var branches: [Int64: [OriginAnswer.Part]] = [:]
        for part in origin.parts { branches[part.whole, default: []].append(part) }
        var drawing = Drawing(items: origin.items, branches: branches, room: Self.lineLimit)
        let roots = origin.roots.filter { branches[$0] != nil }
        let trees = roots.prefix(20).map { root -> HTML in
            "<li>\(Self.link(origin.items[root]))\(drawing.below(root, depth: 0))</li>\n"
        }
        let isCut = origin.isTruncated || drawing.isCut
        let more: HTML =
            isCut ? "<p>There is more than a page can hold: <code>martlet tree</code> shows all of it.</p>\n" : ""
        let body: HTML =
            trees.isEmpty
            ? "<p>No statement says what it was made from.</p>\n" : "<ul class=\"tree\">\n\(trees.joined())</ul>\n"
        return """
            <section aria-labelledby="origin">
            <h2 id="origin">Where it comes from</h2>
            \(body)\(more)</section>

            """
    }

    /// The tree on its way onto the page. A thing is drawn out once, so that cycles end.
    private struct Drawing {
        let items: [Int64: LineageSearch.Item]
        let branches: [Int64: [OriginAnswer.Part]]
        var room: Int
        var drawn: Set<Int64> = []
        var isCut = false

        mutating func below(_ number: Int64, depth: Int) -> HTML {
            guard drawn.insert(number).inserted, depth < 30 else { return "" }
            let parts = branches[number] ?? []
            if parts.isEmpty { return "" }
            var lines: HTML = ""
            var nameless: [OriginAnswer.Part] = []
            for part in parts where part.relation == .material && items[part.part]?.node.kind != .commit {
                if items[part.part]?.name == nil, items[part.part]?.node.kind == .artifact, branches[part.part] == nil {
                    nameless.append(part)
                } else {
                    lines += line(part, depth)
                }
            }
            lines += folded(nameless, nameless.count == 1 ? "other input" : "other inputs", depth)
            let contained = parts.filter { $0.relation == .contains }
            lines += folded(contained, contained.count == 1 ? "part" : "parts", depth)
            return "\(about(parts))\(lines.text.isEmpty ? lines : "\n<ul>\n\(lines)</ul>")"
        }

        /// Who made it from what source, in a line of its own.
        private func about(_ parts: [OriginAnswer.Part]) -> HTML {
            var words: [HTML] = []
            for (relation, word) in [(Relation.builtBy, "built by"), (.signedBy, "signed by"), (.repository, "from")] {
                for part in parts where part.relation == relation {
                    let text = items[part.part]?.node.text ?? ""
                    // Builders carry a digest behind their version.
                    let shown = relation == .builtBy ? String(text.prefix { $0 != "@" }) : text
                    words.append("\(word) \(Parts.thing(text, shown: .name(shown, limit: 120)))")
                }
            }
            for part in parts where part.relation == .material && items[part.part]?.node.kind == .commit {
                let text = items[part.part]?.node.text ?? ""
                words.append("at \(Parts.thing(text, shown: "<code>\(String(text.prefix(12)))</code>"))")
            }
            if words.isEmpty { return "" }
            let standing = parts.contains { $0.standing == .verified } ? Standing.verified : .unverified
            return " <span class=\"about\">\(words.joined(separator: ", "))\(LineagePage.mark(standing))</span>"
        }

        private mutating func folded(_ parts: [OriginAnswer.Part], _ words: String, _ depth: Int) -> HTML {
            if parts.isEmpty { return "" }
            var lines: HTML = ""
            for part in parts { lines += line(part, depth) }
            return """
                <li><details><summary>\(HTML.count(parts.count)) \(words)</summary>
                <ul>
                \(lines)</ul></details></li>

                """
        }

        private mutating func line(_ part: OriginAnswer.Part, _ depth: Int) -> HTML {
            guard room > 0 else {
                isCut = true
                return ""
            }
            room -= 1
            let isAbove = drawn.contains(part.part) && branches[part.part] != nil
            let again: HTML = isAbove ? " <span class=\"note\">(above)</span>" : ""
            return "<li>\(LineagePage.link(items[part.part]))\(again)\(below(part.part, depth: depth + 1))</li>\n"
        }
    }

    private static func mark(_ standing: Standing) -> HTML {
        standing == .verified
            ? " <span class=\"mark good\">verified</span>" : " <span class=\"mark\">not verified</span>"
    }

    private static func link(_ item: LineageSearch.Item?) -> HTML {
        guard let item else { return "something that is not known" }
        let name: HTML? = item.name.map { "\(HTML.name($0, limit: 48)) " }
        let id: HTML
        if case .digest(let digest) = item.node.key {
            id = Parts.short(digest)
        } else {
            id = .name(item.node.text, limit: 120)
        }
        return Parts.thing(item.node.text, shown: "\(name)\(id)")
    }

    // MARK: Who uses it

    private var usageSection: HTML {
        let rows = usage.uses.prefix(Self.listLimit).map { use -> [HTML] in
            let through = use.through.prefix(10).map { Self.link(usage.items[$0]) }.joined(separator: ", ")
            return [
                Self.link(usage.items[use.user]), "\(use.relation.words) \(Self.link(usage.items[use.used]))", through,
                use.standing == .verified ? "yes" : "no",
            ]
        }
        let count = usage.released.count
        let body: HTML =
            rows.isEmpty
            ? "<p>Nothing that a statement here speaks of.</p>\n"
            : """
            <p>\(HTML.count(count)) released \(count == 1 ? "artifact uses" : "artifacts use") it\
            \(usage.isTruncated ? ", as far as was looked" : "").</p>
            \(Parts.table("Who uses it", ["Artifact", "How", "Through", "Verified"], Array(rows)))
            """
        return """
            <section aria-labelledby="usage">
            <h2 id="usage">Who uses it</h2>
            \(body)</section>

            """
    }

    // MARK: What was said

    private var historySection: HTML {
        let rows = history.events.suffix(Self.listLimit).reversed().map { Self.row($0) }
        return """
            <section aria-labelledby="history">
            <h2 id="history">What was said</h2>
            \(rows.isEmpty ? "<p>Nothing yet.</p>\n" : Self.table(Array(rows)))</section>

            """
    }

    static func table(_ rows: [[HTML]]) -> HTML {
        Parts.table("Statements", ["About", "What", "When", "Signed by", "Statement"], rows)
    }

    static func row(_ event: HistoryAnswer.Event) -> [HTML] {
        let signers = event.identities.prefix(3).map { Parts.search($0, shown: .name($0, limit: 60)) }
        let text: HTML? = event.statement.map { "<a href=\"/explore/statement/\($0.hex)\">read</a>" }
        return [
            link(event.subject), StatementView.kind(event.predicateType), event.time.map { Parts.time($0) } ?? "",
            "\(signers.joined(separator: ", "))\(mark(event.standing))", "\(text)",
        ]
    }
}
