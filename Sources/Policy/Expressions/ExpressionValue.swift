package import Bytes

/// A value of the Common Expression Language (cel-spec, "Values").
package enum ExpressionValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list(ExpressionList)
    case map(ExpressionMap)
    case timestamp(Timestamp)
    case duration(Duration)
    /// The type of a value, by its name.
    case type(String)
    indirect case optional(ExpressionValue?)
}

/// A list; elements of JSON arrays become values when somebody asks for them.
package enum ExpressionList: Sendable {
    case values([ExpressionValue])
    case json([JSON])

    package var count: Int {
        switch self {
        case .values(let values): values.count
        case .json(let elements): elements.count
        }
    }

    package subscript(index: Int) -> ExpressionValue {
        switch self {
        case .values(let values): values[index]
        case .json(let elements): ExpressionValue(elements[index])
        }
    }

    var values: [ExpressionValue] {
        switch self {
        case .values(let values): values
        case .json(let elements): elements.map { ExpressionValue($0) }
        }
    }
}

/// A map; members of JSON objects become values when somebody asks for them.
package enum ExpressionMap: Sendable {
    case entries([ExpressionKey: ExpressionValue])
    case json(JSONObject)

    package var count: Int {
        switch self {
        case .entries(let entries): entries.count
        case .json(let object): object.count
        }
    }

    package subscript(key: ExpressionKey) -> ExpressionValue? {
        switch self {
        case .entries(let entries): return entries[key]
        case .json(let object):
            guard case .string(let text) = key else { return nil }
            return object[text.text].map { ExpressionValue($0) }
        }
    }

    /// The keys, in an order that does not change from run to run.
    var keys: [ExpressionKey] {
        switch self {
        case .entries(let entries): entries.keys.sorted()
        case .json(let object): object.keys.map { .string(ExpressionText($0)) }
        }
    }
}

/// A text that is compared by its code points.
package struct ExpressionText: Hashable, Sendable, Comparable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }
    package static func < (left: Self, right: Self) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
    package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// A key of a map: a truth value, whole number or text. Equal numbers are one key, whatever their type.
package enum ExpressionKey: Hashable, Sendable, Comparable {
    case bool(Bool)
    case int(Int64)
    /// Above what `int` holds.
    case large(UInt64)
    case string(ExpressionText)

    init?(_ value: ExpressionValue) {
        switch value {
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .uint(let value): self = Int64(exactly: value).map(ExpressionKey.int) ?? .large(value)
        case .double(let value):
            guard let whole = Int64(exactly: value) else { return nil }
            self = .int(whole)
        case .string(let text): self = .string(ExpressionText(text))
        default: return nil
        }
    }

    var value: ExpressionValue {
        switch self {
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .large(let value): .uint(value)
        case .string(let text): .string(text.text)
        }
    }

    private var rank: Int {
        switch self {
        case .bool: 0
        case .int: 1
        case .large: 2
        case .string: 3
        }
    }

    package static func < (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.bool(let left), .bool(let right)): !left && right
        case (.int(let left), .int(let right)): left < right
        case (.large(let left), .large(let right)): left < right
        case (.string(let left), .string(let right)): left < right
        default: left.rank < right.rank
        }
    }
}

extension ExpressionValue {
    /// A JSON value. Whole numbers that fit are `int`, as Kubernetes has them; others are `double`.
    package init(_ json: JSON) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .number(let number): self = Int64(number.text).map(ExpressionValue.int) ?? .double(number.doubleValue)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .list(.json(elements))
        case .object(let members): self = .map(.json(members))
        }
    }

    /// A map with texts for keys.
    package static func object(_ members: [String: ExpressionValue]) -> ExpressionValue {
        var entries: [ExpressionKey: ExpressionValue] = [:]
        for (key, value) in members { entries[.string(ExpressionText(key))] = value }
        return .map(.entries(entries))
    }

    /// The name that `type()` gives.
    package var typeName: String {
        switch self {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .list: "list"
        case .map: "map"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .type: "type"
        case .optional: "optional_type"
        }
    }

    /// The value as JSON, for people and tests; what JSON has no word for becomes a text.
    package var json: JSON {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .int(let value): .integer(value)
        case .uint(let value): .integer(value)
        case .double(let value): JSONNumber(value).map(JSON.number) ?? .string("\(value)")
        case .string(let text): .string(text)
        case .bytes(let bytes): .string(Base64.encode(bytes))
        case .list(let list): .array(list.values.map(\.json))
        case .map(.json(let object)): .object(object)
        case .map(let map): Self.json(map)
        case .timestamp(let moment): .string(moment.description)
        case .duration(let duration): .string(ExpressionDuration.text(duration))
        case .type(let name): .string(name)
        case .optional(let value): value?.json ?? .null
        }
    }

    private static func json(_ map: ExpressionMap) -> JSON {
        var object = JSONObject()
        for key in map.keys {
            if let value = map[key] {
                let name = key.value.json
                object[name.stringValue ?? name.text()] = value.json
            }
        }
        return .object(object)
    }
}
