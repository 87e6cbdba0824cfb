package import Bytes

/// Reads the members of one JSON object, and names the member in every error.
///
/// `null` counts as absent, because writers in Go print empty lists and maps so. Members that nobody asks for are
/// passed over, as the parsing rules of the in-toto Attestation Framework ask.
package struct Fields {
    private let object: JSONObject
    /// The name of the object in errors.
    package let path: String

    /// Takes an object; `path` is its name in errors.
    package init(_ json: JSON?, at path: String) throws(AttestError) {
        guard let json else { throw AttestError(.malformed, "\(path) is missing") }
        guard let object = json.objectValue else {
            throw AttestError(.malformed, "\(path) is \(json.kind); it should be an object")
        }
        self.object = object
        self.path = path
    }

    /// The value called `key`; `nil` where it is absent or null.
    package func value(_ key: String) -> JSON? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// A text that must be there and not be empty.
    package func text(_ key: String) throws(AttestError) -> String {
        guard let text = try optionalText(key) else { throw AttestError(.malformed, "\(path).\(key) is missing") }
        guard !text.isEmpty else { throw AttestError(.malformed, "\(path).\(key) is empty") }
        return text
    }

    /// A text that may be absent.
    package func optionalText(_ key: String) throws(AttestError) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.stringValue else {
            throw AttestError(.malformed, "\(path).\(key) is \(value.kind); it should be a string")
        }
        return text
    }

    /// The elements of a list; none where it is absent.
    package func list(_ key: String) throws(AttestError) -> [JSON] {
        guard let value = value(key) else { return [] }
        guard let list = value.arrayValue else {
            throw AttestError(.malformed, "\(path).\(key) is \(value.kind); it should be an array")
        }
        return list
    }

    /// The elements of a list of objects, each read by `read`; none where the list is absent.
    package func objects<Element>(
        _ key: String, _ read: (Fields) throws(AttestError) -> Element
    ) throws(AttestError) -> [Element] {
        var out: [Element] = []
        for (index, element) in try list(key).enumerated() {
            out.append(try read(Fields(element, at: "\(path).\(key)[\(index)]")))
        }
        return out
    }

    /// An object of texts, such as a digest set; empty where it is absent.
    package func texts(_ key: String) throws(AttestError) -> [String: String] {
        guard let value = value(key) else { return [:] }
        guard let members = value.objectValue else {
            throw AttestError(.malformed, "\(path).\(key) is \(value.kind); it should be an object")
        }
        var out: [String: String] = [:]
        for member in members {
            guard let text = member.value.stringValue else {
                throw AttestError(.malformed, "\(path).\(key).\(member.key) is \(member.value.kind), not a string")
            }
            out[member.key] = text
        }
        return out
    }

    /// The object called `key`, which must be there.
    package func fields(_ key: String) throws(AttestError) -> Fields {
        try Fields(value(key), at: "\(path).\(key)")
    }

    /// The object called `key`; `nil` where it is absent.
    package func optionalFields(_ key: String) throws(AttestError) -> Fields? {
        value(key) == nil ? nil : try fields(key)
    }
}

extension JSONObject {
    /// Sets a member only where there is a value.
    mutating func set(_ key: String, _ value: JSON?) {
        if let value { self[key] = value }
    }

    /// Sets a list only where it is not empty.
    mutating func set(_ key: String, list: [JSON]) {
        if !list.isEmpty { self[key] = .array(list) }
    }
}

extension JSON {
    /// An object of texts, its members sorted by the bytes of their names, so that equal maps give equal bytes.
    package static func texts(_ map: [String: String]) -> JSON {
        var object = JSONObject()
        for (key, value) in map.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            object[key] = .string(value)
        }
        return .object(object)
    }
}
