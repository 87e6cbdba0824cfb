internal import Bytes

/// The members of a JSON object in metadata, read by name; where something is amiss, the error says where.
struct MetadataFields {
    let object: JSONObject
    /// Where the object is, for messages: `root`, `root.keys`.
    let place: String

    init(_ json: JSON?, at place: String) throws(TUFError) {
        guard let object = json?.objectValue else {
            throw TUFError(.malformed, "\(place) should be an object but is \(json?.kind ?? "absent")")
        }
        self.object = object
        self.place = place
    }

    subscript(key: String) -> JSON? { object[key] }

    func text(_ key: String) throws(TUFError) -> String {
        guard let text = object[key]?.stringValue else { throw wrong(key, "a string") }
        return text
    }

    /// A count that is at least `least`.
    func count(_ key: String, atLeast least: Int) throws(TUFError) -> Int {
        guard let count = object[key]?.intValue, count >= least else {
            throw wrong(key, "an integer of at least \(least)")
        }
        return count
    }

    func optionalCount(_ key: String, atLeast least: Int) throws(TUFError) -> Int? {
        object[key] == nil ? nil : try count(key, atLeast: least)
    }

    func truth(_ key: String) throws(TUFError) -> Bool {
        guard let value = object[key]?.boolValue else { throw wrong(key, "true or false") }
        return value
    }

    func texts(_ key: String) throws(TUFError) -> [String] {
        guard let array = object[key]?.arrayValue else { throw wrong(key, "an array of strings") }
        var out: [String] = []
        out.reserveCapacity(array.count)
        for element in array {
            guard let text = element.stringValue else { throw wrong(key, "an array of strings") }
            out.append(text)
        }
        return out
    }

    func fields(_ key: String) throws(TUFError) -> MetadataFields {
        try MetadataFields(object[key], at: "\(place).\(key.safeForTerminal)")
    }

    func moment(_ key: String) throws(TUFError) -> Timestamp {
        let text = try text(key)
        guard let moment = Timestamp(text) else { throw wrong(key, "a moment such as 2030-01-01T00:00:00Z") }
        return moment
    }

    /// The members that are not in `known`: they are carried along, because the signature covers them.
    func others(_ known: Set<String>) -> JSONObject {
        var out = JSONObject()
        for member in object where !known.contains(member.key) { _ = out.append(member.key, member.value) }
        return out
    }

    /// The members by name, each read from an object of its own.
    ///
    /// A dictionary takes two spellings of one text in Unicode for one key, and JSON for two; such a pair is refused,
    /// because readers would differ in which of them counts.
    func table<Value>(_ read: (MetadataFields) throws(TUFError) -> Value) throws(TUFError) -> [String: Value] {
        var table: [String: Value] = [:]
        table.reserveCapacity(object.count)
        for key in object.keys {
            guard table.updateValue(try read(try fields(key)), forKey: key) == nil else {
                throw TUFError(.malformed, "\(place) has two members that differ only in how Unicode spells their name")
            }
        }
        return table
    }

    func wrong(_ key: String, _ expected: String) -> TUFError {
        let found = object[key].map { value in
            value.stringValue.map { "\"\($0.prefix(80).description.safeForTerminal)\"" } ?? value.kind
        }
        return TUFError(.malformed, "\(place).\(key) should be \(expected) but is \(found ?? "absent")")
    }
}
