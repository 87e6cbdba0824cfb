/// A JSON value (RFC 8259), as it was written: members keep their order and numbers keep their text.
///
/// Equality is that of the text, not of Unicode or of arithmetic: strings are equal when their code points are the
/// same, and `1` differs from `1.0`. Swift's own string equality would take the Kelvin sign for the letter K, and
/// two readers of one document would then disagree about it.
package enum JSON: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

extension JSON {
    /// An integer.
    package static func integer(_ value: some FixedWidthInteger) -> JSON { .number(JSONNumber(value)) }

    /// The member called `key`; `nil` where this is no object or has no such member.
    package subscript(key: String) -> JSON? { objectValue?[key] }

    /// The element at `index`; `nil` where this is no array or is shorter.
    package subscript(index: Int) -> JSON? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The text of a string; `nil` for every other kind.
    package var stringValue: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The elements of an array; `nil` for every other kind.
    package var arrayValue: [JSON]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// The members of an object; `nil` for every other kind.
    package var objectValue: JSONObject? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// A number that is exactly an `Int`; `nil` for every other number and kind.
    package var intValue: Int? {
        guard case .number(let number) = self else { return nil }
        return number.intValue
    }

    /// A number as the nearest binary64 value; `nil` for every other kind.
    package var doubleValue: Double? {
        guard case .number(let number) = self else { return nil }
        return number.doubleValue
    }

    /// A truth value; `nil` for every other kind.
    package var boolValue: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// Whether this is `null`.
    package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// What kind of value this is, in the words of RFC 8259, for messages.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a truth value"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSON: Hashable {
    package static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0 as UInt8)
        case .bool(let value):
            hasher.combine(1 as UInt8)
            hasher.combine(value)
        case .number(let number):
            hasher.combine(2 as UInt8)
            hasher.combine(number)
        case .string(let text):
            hasher.combine(3 as UInt8)
            hasher.combine(ExactKey(text))
        case .array(let elements):
            hasher.combine(4 as UInt8)
            hasher.combine(elements)
        case .object(let members):
            hasher.combine(5 as UInt8)
            hasher.combine(members)
        }
    }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    package init(nilLiteral: ()) { self = .null }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }

    /// The literal must be finite.
    package init(floatLiteral value: Double) {
        guard let number = JSONNumber(value) else { preconditionFailure("JSON has no word for \(value)") }
        self = .number(number)
    }

    /// The keys must differ from each other.
    package init(dictionaryLiteral elements: (String, JSON)...) {
        var object = JSONObject()
        for (key, value) in elements {
            precondition(object.append(key, value), "two members are called \(key)")
        }
        self = .object(object)
    }
}

extension String {
    /// Whether both texts are the same sequence of code points; `==` would also accept canonical equivalents.
    package func hasSameBytes(as other: String) -> Bool {
        // The first comparison is the fast one, and it never says no to equal bytes.
        self == other && utf8.elementsEqual(other.utf8)
    }
}

/// A text as a dictionary key that is compared by its code points.
struct ExactKey: Hashable {
    private let text: String

    init(_ text: String) { self.text = text }

    static func == (left: ExactKey, right: ExactKey) -> Bool { left.text.hasSameBytes(as: right.text) }

    func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
