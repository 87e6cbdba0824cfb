internal import Bytes

/// Whose signatures a role's metadata needs, and how many (TUF specification section 4.3, ROLE).
package struct RoleKeys: Hashable, Sendable {
    package var keyIDs: [String]
    package var threshold: Int

    package init(keyIDs: [String], threshold: Int) {
        self.keyIDs = keyIDs
        self.threshold = threshold
    }

    init(_ fields: MetadataFields) throws(TUFError) {
        keyIDs = try fields.texts("keyids")
        threshold = try fields.count("threshold", atLeast: 1)
        guard keyIDs.count <= TUFLimits.keyCount else {
            throw TUFError(.limit, "\(fields.place) names \(keyIDs.count) keys; the limit is \(TUFLimits.keyCount)")
        }
        guard Set(keyIDs).count == keyIDs.count else {
            throw TUFError(.malformed, "\(fields.place).keyids names a key twice")
        }
    }

    var members: JSONObject {
        ["keyids": .array(keyIDs.map { .string($0) }), "threshold": .integer(threshold)]
    }
}

/// Keys by the ids under which metadata names them.
package struct KeyTable: Hashable, Sendable {
    package private(set) var keys: [String: TUFKey] = [:]
    /// The ids in the order in which they were written.
    package private(set) var ids: [String] = []

    package init() {}

    init(_ fields: MetadataFields) throws(TUFError) {
        guard fields.object.count <= TUFLimits.keyCount else {
            throw TUFError(
                .limit, "\(fields.place) has \(fields.object.count) keys; the limit is \(TUFLimits.keyCount)")
        }
        ids = fields.object.keys
        keys = try fields.table { (key) throws(TUFError) in try TUFKey(.object(key.object), at: key.place) }
    }

    package mutating func add(_ key: TUFKey, as id: String) {
        if keys.updateValue(key, forKey: id) == nil { ids.append(id) }
    }

    package subscript(id: String) -> TUFKey? { keys[id] }

    var json: JSON {
        var object = JSONObject()
        for id in ids { object[id] = keys[id]?.json }
        return .object(object)
    }
}
