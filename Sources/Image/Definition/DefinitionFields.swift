internal import Bytes

/// The members of a mapping in a definition or a test file, read by name: whatever is not read is an error, so that a
/// misspelled key can't change an image without a word.
struct DefinitionFields {
    let place: String
    private let object: JSONObject
    private var read: Set<String> = []

    init(_ json: JSON, at place: String) throws(ImageError) {
        guard let object = json.isNull ? JSONObject() : json.objectValue else {
            throw ImageError(.malformed, "\(place) is \(json.kind); it has to be a mapping")
        }
        self.object = object
        self.place = place
    }

    var keys: [String] { object.keys }

    private func path(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

    func wrong(_ key: String, _ what: String) -> ImageError { ImageError(.malformed, "\(path(key)) has to be \(what)") }

    mutating func value(_ key: String) -> JSON? {
        read.insert(key)
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// A text; numbers and truth values count as their text, as YAML's writers often forget the quotes.
    mutating func text(_ key: String) throws(ImageError) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = Self.text(value) else { throw wrong(key, "a text") }
        return text
    }

    static func text(_ value: JSON) -> String? {
        switch value {
        case .string(let text): text
        case .number(let number): number.text
        case .bool(let truth): truth ? "true" : "false"
        default: nil
        }
    }

    mutating func requiredText(_ key: String) throws(ImageError) -> String {
        guard let text = try text(key), !text.isEmpty else { throw ImageError(.malformed, "\(path(key)) is missing") }
        return text
    }

    mutating func bool(_ key: String) throws(ImageError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard let truth = value.boolValue else { throw wrong(key, "true or false") }
        return truth
    }

    mutating func integer(_ key: String) throws(ImageError) -> Int? {
        guard let value = value(key) else { return nil }
        guard let number = value.intValue else { throw wrong(key, "a whole number") }
        return number
    }

    /// Permission bits: `"0755"`, or a number whose decimal digits are meant as octal ones, as YAML 1.1 reads them.
    mutating func mode(_ key: String) throws(ImageError) -> UInt16? {
        guard let value = value(key) else { return nil }
        guard let text = Self.text(value),
            let mode = UInt16(text.hasPrefix("0o") ? String(text.dropFirst(2)) : text, radix: 8),
            mode <= 0o7777
        else { throw wrong(key, "permission bits such as \"0755\"") }
        return mode
    }

    mutating func texts(_ key: String) throws(ImageError) -> [String]? {
        guard let value = value(key) else { return nil }
        guard let items = value.arrayValue else { throw wrong(key, "a list of texts") }
        var out: [String] = []
        for item in items {
            guard let text = Self.text(item) else { throw wrong(key, "a list of texts") }
            out.append(text)
        }
        return out
    }

    /// A mapping of texts, sorted by key.
    mutating func map(_ key: String) throws(ImageError) -> [String: String]? {
        guard let value = value(key) else { return nil }
        guard let object = value.objectValue else { throw wrong(key, "a mapping of texts") }
        var out: [String: String] = [:]
        for member in object {
            guard let text = Self.text(member.value) else { throw wrong("\(key).\(member.key)", "a text") }
            out[member.key] = text
        }
        return out
    }

    mutating func list(_ key: String) throws(ImageError) -> [DefinitionFields]? {
        guard let value = value(key) else { return nil }
        guard let items = value.arrayValue else { throw wrong(key, "a list") }
        var out: [DefinitionFields] = []
        for (index, item) in items.enumerated() {
            out.append(try DefinitionFields(item, at: "\(path(key))[\(index)]"))
        }
        return out
    }

    mutating func mapping(_ key: String) throws(ImageError) -> DefinitionFields? {
        guard let value = value(key) else { return nil }
        return try DefinitionFields(value, at: path(key))
    }

    mutating func requiredMapping(_ key: String) throws(ImageError) -> DefinitionFields {
        guard let fields = try mapping(key) else { throw ImageError(.malformed, "\(path(key)) is missing") }
        return fields
    }

    /// Refuses what was not read.
    func finish() throws(ImageError) {
        guard let unknown = object.keys.first(where: { !read.contains($0) }) else { return }
        throw ImageError(
            .malformed, "\(path(unknown)) is not known here; known are \(read.sorted().joined(separator: ", "))")
    }
}
