internal import Bytes

extension JSON {
    /// An object of these rows; of two rows with one key the first counts.
    static func rows(_ rows: some Sequence<(String, JSON)>) -> JSON {
        var object = JSONObject()
        for (key, value) in rows { _ = object.append(key, value) }
        return .object(object)
    }

    /// An object of texts, sorted by key.
    static func table(_ rows: [String: String]) -> JSON {
        Self.rows(rows.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    }

    /// An array of texts.
    static func list(_ texts: some Sequence<String>) -> JSON { .array(texts.map(JSON.string)) }

    /// An array of argument vectors.
    static func commands(_ commands: [[String]]) -> JSON { .array(commands.map { list($0) }) }
}
