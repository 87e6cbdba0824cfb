/// Reads typed values from a YAML tree, and collects what is wrong with it.
///
/// Types are as loose as Go's yaml.v3 has them: any scalar is a string, `null` is an empty value, and `yes` is true.
struct YAMLReader {
    /// The path relative to the workspace root, for messages.
    let file: String
    let document: YAMLDocument
    /// Whether unknown keys are worth a message, and how serious it is.
    let unknownKeys: Diagnostic.Severity?
    private(set) var diagnostics: [Diagnostic] = []
    /// Aliases can make a small file describe a huge value; this is how many values one file may expand to.
    private var budget = 1_000_000

    init(file: String, document: YAMLDocument, unknownKeys: Diagnostic.Severity?) {
        self.file = file
        self.document = document
        self.unknownKeys = unknownKeys
    }

    func location(_ node: YAMLNode) -> SourceLocation { SourceLocation(file: file, line: max(1, node.line)) }

    mutating func report(
        _ severity: Diagnostic.Severity, _ message: String, at node: YAMLNode, remedy: String = ""
    ) {
        diagnostics.append(Diagnostic(severity, message, at: location(node), remedy: remedy))
    }

    /// The node itself, or what it refers to when it is an alias.
    func resolve(_ node: YAMLNode) -> YAMLNode {
        guard node.kind == .alias, document.anchored.indices.contains(node.target) else { return node }
        return document.anchored[node.target]
    }

    /// Whether the value is `null` or missing.
    func isNull(_ node: YAMLNode) -> Bool {
        let node = resolve(node)
        guard node.kind == .scalar, node.style == .plain else { return false }
        return node.tag.isEmpty ? YAMLTag.resolve(node.value) == "!!null" : node.tag == "!!null"
    }

    private mutating func spend(_ node: YAMLNode) -> Bool {
        budget -= 1
        if budget == 0 {
            report(.error, "aliases expand to more than 1,000,000 values", at: node, remedy: "write fewer aliases")
        }
        return budget > 0
    }

    // MARK: - Mappings

    /// The members of a mapping, those of `<<` merged in. `nil` when it is no mapping; `null` is an empty one.
    mutating func fields(_ node: YAMLNode, _ what: String) -> [(key: String, value: YAMLNode, keyNode: YAMLNode)]? {
        let node = resolve(node)
        if isNull(node) { return [] }
        guard node.kind == .mapping else {
            report(.error, "\(what) has to be a mapping", at: node)
            return nil
        }
        var out: [(key: String, value: YAMLNode, keyNode: YAMLNode)] = []
        var merged: [(key: String, value: YAMLNode, keyNode: YAMLNode)] = []
        var seen: Set<String> = []
        for index in stride(from: 0, to: node.content.count - 1, by: 2) {
            let keyNode = resolve(node.content[index])
            let value = node.content[index + 1]
            guard spend(keyNode) else { return nil }
            guard keyNode.kind == .scalar else {
                report(.error, "a key of \(what) has to be a string", at: keyNode)
                return nil
            }
            if keyNode.tag == "!!merge" {
                let target = resolve(value)
                for source in target.kind == .sequence ? target.content : [target] {
                    // A mapping that merges itself would have no end; the parser refuses such anchors.
                    for field in fields(source, what) ?? [] { merged.append(field) }
                }
                continue
            }
            guard seen.insert(keyNode.value).inserted else {
                report(.error, "'\(keyNode.value)' appears twice in \(what)", at: keyNode)
                return nil
            }
            out.append((keyNode.value, value, keyNode))
        }
        for field in merged where seen.insert(field.key).inserted { out.append(field) }
        return out
    }

    /// Says that a key has no meaning.
    mutating func reportUnknown(_ key: String, at node: YAMLNode, in what: String, known: [String]) {
        guard let unknownKeys else { return }
        let close = known.filter { $0.lowercased() == key.lowercased() || Self.distance($0, key) <= 2 }
        let remedy = close.first.map { "did you mean '\($0)'?" } ?? "remove it; it has no effect"
        report(unknownKeys, "unknown key '\(key)' in \(what)", at: node, remedy: remedy)
    }

    /// The number of insertions, deletions and replacements between two words.
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8.prefix(64))
        let right = Array(right.utf8.prefix(64))
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var previous = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let keep = row[j + 1]
                row[j + 1] = a == b ? previous : min(previous, row[j], keep) + 1
                previous = keep
            }
        }
        return row[right.count]
    }

    // MARK: - Values

    mutating func string(_ node: YAMLNode, _ what: String) -> String {
        let node = resolve(node)
        guard spend(node) else { return "" }
        guard node.kind == .scalar else {
            report(.error, "\(what) has to be a string", at: node)
            return ""
        }
        return isNull(node) ? "" : node.value
    }

    mutating func bool(_ node: YAMLNode, _ what: String) -> Bool {
        let node = resolve(node)
        if isNull(node) { return false }
        if node.kind == .scalar {
            let isQuoted = node.style != .plain
            switch node.value {
            case "true", "True", "TRUE": if !isQuoted { return true }
            case "false", "False", "FALSE": if !isQuoted { return false }
            case "y", "Y", "yes", "on": return true
            case "n", "N", "no", "off": return false
            default: break
            }
        }
        report(.error, "\(what) has to be true or false", at: node)
        return false
    }

    mutating func integer(_ node: YAMLNode, _ what: String) -> Int? {
        let node = resolve(node)
        if isNull(node) { return nil }
        if node.kind == .scalar, node.style == .plain, let value = Int(node.value), value > 0 { return value }
        report(.error, "\(what) has to be a whole number above 0", at: node)
        return nil
    }

    /// A list; a single value counts as a list of one, as in Go.
    private mutating func items(_ node: YAMLNode, _ what: String) -> [YAMLNode]? {
        let node = resolve(node)
        if isNull(node) { return [] }
        guard node.kind == .sequence else {
            report(.error, "\(what) has to be a list", at: node)
            return nil
        }
        return node.content
    }

    mutating func strings(_ node: YAMLNode, _ what: String) -> [String] {
        var out: [String] = []
        for item in items(node, what) ?? [] { out.append(string(item, "an item of \(what)")) }
        return out
    }

    mutating func commands(_ node: YAMLNode, _ what: String) -> [[String]] {
        var out: [[String]] = []
        for item in items(node, what) ?? [] {
            guard spend(item) else { return out }
            out.append(strings(item, "a command in \(what)"))
        }
        return out
    }

    mutating func nodes(_ node: YAMLNode, _ what: String) -> [YAMLNode] { items(node, what) ?? [] }

    mutating func stringMap(_ node: YAMLNode, _ what: String) -> [String: String] {
        var out: [String: String] = [:]
        for field in fields(node, what) ?? [] { out[field.key] = string(field.value, "'\(field.key)' in \(what)") }
        return out
    }
}
