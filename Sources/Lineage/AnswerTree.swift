package import Bytes

/// Writes an answer as a tree, as JSON and as a graph. A thing is drawn out once; where it appears again, it refers to
/// itself above, so that cycles end.
struct AnswerTree {
    struct Branch {
        var to: Int64
        var label: String
    }

    var items: [Int64: LineageSearch.Item]
    var branches: [Int64: [Branch]]
    /// The deepest line.
    static let depthLimit = 200

    /// The tree below `roots`, a line for each thing.
    func text(_ roots: [Int64], isASCII: Bool) -> String {
        var out = ""
        var drawn: Set<Int64> = []
        for root in roots {
            out += title(root) + "\n"
            drawn.insert(root)
            draw(root, indent: "", depth: 0, &drawn, &out, isASCII)
        }
        return out
    }

    private func draw(
        _ number: Int64, indent: String, depth: Int, _ drawn: inout Set<Int64>, _ out: inout String, _ isASCII: Bool
    ) {
        let list = branches[number] ?? []
        for (place, branch) in list.enumerated() {
            let isLast = place == list.count - 1
            let knot = isASCII ? (isLast ? "`- " : "|- ") : (isLast ? "└─ " : "├─ ")
            out += indent + knot + title(branch.to) + (branch.label.isEmpty ? "" : "  " + branch.label)
            let hasMore = branches[branch.to]?.isEmpty == false
            guard drawn.insert(branch.to).inserted, depth < Self.depthLimit else {
                out += hasMore ? "  (above)\n" : "\n"
                continue
            }
            out += "\n"
            let bar = isLast ? "   " : isASCII ? "|  " : "│  "
            draw(branch.to, indent: indent + bar, depth: depth + 1, &drawn, &out, isASCII)
        }
    }

    /// A thing in a line: its name, and what identifies it.
    func title(_ number: Int64) -> String { items[number]?.title ?? "?" }

    /// The graph in the language of Graphviz.
    func dot(_ roots: [Int64]) -> String {
        func quoted(_ text: String) -> String {
            "\"" + text.safeForTerminal.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }
        var out = "digraph lineage {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
        for number in items.keys.sorted() {
            let mark = roots.contains(number) ? ", penwidth=2" : ""
            out += "  n\(number) [label=\(quoted(title(number)))\(mark)];\n"
        }
        for number in branches.keys.sorted() {
            for branch in branches[number] ?? [] {
                out += "  n\(number) -> n\(branch.to) [label=\(quoted(branch.label))];\n"
            }
        }
        return out + "}\n"
    }
}

extension LineageSearch.Item {
    /// The name, where there is one, and a digest that is short enough to read.
    package var title: String {
        var text = node.text
        if case .digest(let digest) = node.key { text = "sha256:" + digest.hex.prefix(12) }
        let shown = name.map { "\($0) \(text)" } ?? text
        return shown.safeForTerminal
    }

    /// The thing for programs.
    package var json: JSON {
        var object: JSONObject = ["kind": .string(node.kind.word), "id": .string(node.text)]
        if let name { object["name"] = .string(name) }
        return .object(object)
    }
}

extension Standing {
    /// What stands behind a line that nobody vouches for.
    var mark: String { self == .verified ? "" : " [unverified]" }
}
