internal import Bytes
internal import Workspace

/// Reads a mapping of a policy file, names the line in every error, and refuses keys that have no meaning.
struct PolicyFields {
    let file: String
    /// Where in the file, such as `builders[0]`; empty at the top.
    let path: String
    let line: Int
    private let members: [YAMLValue.Member]

    init(_ value: YAMLValue, file: String, path: String, keys: [String]? = nil) throws(PolicyError) {
        self.file = file
        self.path = path
        line = value.line
        guard case .mapping(let members) = value.content else {
            throw Self.failure(
                file, value.line, "\(path.isEmpty ? "the policy" : path) is \(value.kind); it should be a mapping")
        }
        self.members = members
        if let keys {
            for member in members where !keys.contains(member.key) {
                let close = keys.first {
                    $0.lowercased() == member.key.lowercased() || $0.hasPrefix(member.key) || member.key.hasPrefix($0)
                }
                throw Self.failure(
                    file, member.line, "\(self.name(member.key).safeForTerminal) has no meaning",
                    close.map { "did you mean \($0)?" } ?? "known are \(keys.joined(separator: ", "))")
            }
        }
    }

    static func failure(_ file: String, _ line: Int, _ message: String, _ remedy: String? = nil) -> PolicyError {
        PolicyError("\(file):\(line): \(message)" + (remedy.map { "; \($0)" } ?? ""))
    }

    func failure(_ key: String, _ message: String, _ remedy: String? = nil) -> PolicyError {
        Self.failure(file, value(key)?.line ?? line, "\(name(key)) \(message)", remedy)
    }

    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// All members in order.
    var all: [YAMLValue.Member] { members }

    /// The value called `key`; `nil` where it is absent or null.
    func value(_ key: String) -> YAMLValue? {
        guard let value = members.first(where: { $0.key.hasSameBytes(as: key) })?.value, !value.isNull else {
            return nil
        }
        return value
    }

    func text(_ key: String) throws(PolicyError) -> String? {
        guard let value = value(key) else { return nil }
        return try text(value, name(key))
    }

    func text(_ value: YAMLValue, _ name: String) throws(PolicyError) -> String {
        switch value.content {
        case .text(let text): return text
        // A version such as 1.0 or a name such as 42 is meant as a text.
        case .integer, .float, .bool: return value.text
        default: throw Self.failure(file, value.line, "\(name) is \(value.kind); it should be a text")
        }
    }

    func requiredText(_ key: String) throws(PolicyError) -> String {
        guard let text = try text(key), !text.isEmpty else { throw failure(key, "is missing") }
        return text
    }

    func bool(_ key: String) throws(PolicyError) -> Bool {
        guard let value = value(key) else { return false }
        guard case .bool(let truth) = value.content else {
            throw failure(key, "is \(value.kind); it should be true or false")
        }
        return truth
    }

    func count(_ key: String, _ range: ClosedRange<Int>) throws(PolicyError) -> Int? {
        guard let value = value(key) else { return nil }
        guard case .integer(let number) = value.content, let number = Int(exactly: number), range.contains(number)
        else {
            throw failure(key, "should be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A list; a single value counts as one of one.
    func list(_ key: String) -> [YAMLValue] {
        guard let value = value(key) else { return [] }
        if case .list(let items) = value.content { return items }
        return [value]
    }

    func texts(_ key: String) throws(PolicyError) -> [String] {
        var out: [String] = []
        for item in list(key) { out.append(try text(item, name(key))) }
        return out
    }

    /// The mappings of a list.
    func objects(_ key: String, keys: [String]?) throws(PolicyError) -> [PolicyFields] {
        var out: [PolicyFields] = []
        for (index, item) in list(key).enumerated() {
            out.append(try PolicyFields(item, file: file, path: "\(name(key))[\(index)]", keys: keys))
        }
        return out
    }

    func object(_ key: String, keys: [String]?) throws(PolicyError) -> PolicyFields? {
        guard let value = value(key) else { return nil }
        return try PolicyFields(value, file: file, path: name(key), keys: keys)
    }

    /// A span of time such as `30d` or `12h30m`.
    func span(_ key: String) throws(PolicyError) -> Duration? {
        guard let text = try text(key) else { return nil }
        var rest = text[...]
        var days: Int64 = 0
        if let mark = text.firstIndex(of: "d") {
            guard let count = Int64(text[..<mark]), 0...36_500 ~= count else {
                throw failure(key, "is no span of time", "write it as 30d or 12h30m")
            }
            days = count
            rest = text[text.index(after: mark)...]
        }
        guard let span = rest.isEmpty ? .zero : ExpressionDuration.parse(String(rest)), span >= .zero, !text.isEmpty
        else {
            throw failure(key, "is no span of time", "write it as 30d or 12h30m")
        }
        return .seconds(days * 86400) + span
    }

    /// A text that may have `*` in it.
    func rule(_ text: String, _ key: String) throws(PolicyError) -> ArtifactPolicy.TextRule {
        guard text.contains("*") else { return .exactly(text) }
        do {
            return .glob(try Glob(text))
        } catch {
            throw failure(key, error.message)
        }
    }

    func pattern(_ text: String, _ key: String) throws(PolicyError) -> RegularExpression {
        do {
            return try RegularExpression(text)
        } catch {
            throw failure(key, "can't be read: \(error.message)")
        }
    }

    func rules(_ key: String) throws(PolicyError) -> [ArtifactPolicy.TextRule] {
        var out: [ArtifactPolicy.TextRule] = []
        for text in try texts(key) { out.append(try rule(text, key)) }
        return out
    }

    /// `key` as a text with `*`, or `keyPattern` as a regular expression.
    func ruleOrPattern(_ key: String) throws(PolicyError) -> ArtifactPolicy.TextRule? {
        let patternKey = key + "Pattern"
        switch (try text(key), try text(patternKey)) {
        case (let text?, nil): return try rule(text, key)
        case (nil, let text?): return .pattern(try pattern(text, patternKey))
        case (nil, nil): return nil
        case (_?, _?): throw failure(patternKey, "stands beside \(key)", "give one of them")
        }
    }
}
