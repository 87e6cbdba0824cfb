/// The members of a JSON object, in the order in which they were written; no two have the same key.
package struct JSONObject: Sendable {
    /// A key and its value.
    package struct Member: Hashable, Sendable {
        package let key: String
        package var value: JSON

        package init(key: String, value: JSON) {
            self.key = key
            self.value = value
        }

        package static func == (left: Member, right: Member) -> Bool {
            left.key.hasSameBytes(as: right.key) && left.value == right.value
        }
    }

    /// The members in order.
    package private(set) var members: [Member] = []
    /// Where each key is, once there are too many members to look at one by one.
    private var positions: [ExactKey: Int]?

    /// Up to this many members, looking at each is faster than hashing.
    private static let scanLimit = 12

    package init() {}

    /// How many members there are.
    package var count: Int { members.count }

    /// Whether there is no member.
    package var isEmpty: Bool { members.isEmpty }

    /// The keys in order.
    package var keys: [String] { members.map(\.key) }

    /// Adds a member at the end; returns `false` and changes nothing where the key is there already.
    package mutating func append(_ key: String, _ value: JSON) -> Bool {
        guard position(of: key) == nil else { return false }
        members.append(Member(key: key, value: value))
        if positions != nil {
            positions?[ExactKey(key)] = members.count - 1
        } else if members.count > Self.scanLimit {
            reindex()
        }
        return true
    }

    /// The value of the member called `key`. Setting replaces it where it stands, or adds it at the end; setting
    /// `nil` removes the member.
    package subscript(key: String) -> JSON? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): members[position].value = value
            case (nil, let value?): _ = append(key, value)
            case (let position?, nil):
                members.remove(at: position)
                positions = nil
                if members.count > Self.scanLimit { reindex() }
            case (nil, nil): break
            }
        }
    }

    private func position(of key: String) -> Int? {
        if let positions { return positions[ExactKey(key)] }
        return members.firstIndex { $0.key.hasSameBytes(as: key) }
    }

    private mutating func reindex() {
        var table: [ExactKey: Int] = [:]
        table.reserveCapacity(members.count * 2)
        for (position, member) in members.enumerated() { table[ExactKey(member.key)] = position }
        positions = table
    }
}

extension JSONObject: Hashable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool { left.members == right.members }
    package func hash(into hasher: inout Hasher) { hasher.combine(members) }
}

extension JSONObject: Sequence {
    package func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// The keys must differ from each other.
    package init(dictionaryLiteral elements: (String, JSON)...) {
        for (key, value) in elements {
            precondition(append(key, value), "two members are called \(key)")
        }
    }
}
