internal import Bytes

/// A role to which another one leaves some of its paths (TUF specification section 4.5).
package struct DelegatedRole: Hashable, Sendable {
    /// Which paths the role may speak about.
    package enum Scope: Hashable, Sendable {
        /// Shell patterns, matched component by component.
        case patterns([String])
        /// Beginnings of the hexadecimal SHA-256 of the path.
        case hashPrefixes([String])
    }

    package var name: String
    package var keys: RoleKeys
    package var scope: Scope
    /// Whether the search for a path ends with this role where the path is in its scope.
    package var isTerminating: Bool
    var others = JSONObject()

    package init(name: String, keys: RoleKeys, scope: Scope, isTerminating: Bool) {
        self.name = name
        self.keys = keys
        self.scope = scope
        self.isTerminating = isTerminating
    }

    init(_ fields: MetadataFields) throws(TUFError) {
        name = try fields.text("name")
        guard !name.isEmpty, name.utf8.count <= 256, RootMetadata.Role(rawValue: name) == nil else {
            throw fields.wrong("name", "the name of a role that is not one of the four of every repository")
        }
        keys = try RoleKeys(fields)
        isTerminating = fields["terminating"] == nil ? false : try fields.truth("terminating")
        switch (fields["paths"], fields["path_hash_prefixes"]) {
        case (_?, nil): scope = .patterns(try fields.texts("paths"))
        case (nil, _?): scope = .hashPrefixes(try fields.texts("path_hash_prefixes"))
        case (nil, nil): scope = .patterns([])
        case (_?, _?): throw TUFError(.malformed, "\(fields.place) has both paths and path_hash_prefixes")
        }
        others = fields.others(["name", "keyids", "threshold", "terminating", "paths", "path_hash_prefixes"])
    }

    var json: JSON {
        var object: JSONObject = ["name": .string(name)]
        for member in keys.members { object[member.key] = member.value }
        switch scope {
        case .patterns(let patterns): object["paths"] = .array(patterns.map { .string($0) })
        case .hashPrefixes(let prefixes): object["path_hash_prefixes"] = .array(prefixes.map { .string($0) })
        }
        object["terminating"] = .bool(isTerminating)
        for member in others { object[member.key] = member.value }
        return .object(object)
    }

    /// Whether the role may speak about the target at `path`, whose SHA-256 is `hash` in hexadecimal.
    func covers(_ path: String, hash: String) -> Bool {
        switch scope {
        case .patterns(let patterns): patterns.contains { PathPattern($0).matches(path) }
        case .hashPrefixes(let prefixes): prefixes.contains { !$0.isEmpty && hash.utf8.starts(with: $0.utf8) }
        }
    }
}

/// Roles for the bins of a hash of the path, all with the same keys (TAP 15).
package struct SuccinctRoles: Hashable, Sendable {
    package var keys: RoleKeys
    /// How many bits of the hash choose the bin; 1 to 32.
    package var bitLength: Int
    package var namePrefix: String
    var others = JSONObject()

    package init(keys: RoleKeys, bitLength: Int, namePrefix: String) {
        self.keys = keys
        self.bitLength = bitLength
        self.namePrefix = namePrefix
    }

    init(_ fields: MetadataFields) throws(TUFError) {
        keys = try RoleKeys(fields)
        bitLength = try fields.count("bit_length", atLeast: 1)
        guard bitLength <= 32 else { throw fields.wrong("bit_length", "an integer from 1 to 32") }
        namePrefix = try fields.text("name_prefix")
        guard !namePrefix.isEmpty, namePrefix.utf8.count <= 256 else {
            throw fields.wrong("name_prefix", "the beginning of a role's name")
        }
        others = fields.others(["keyids", "threshold", "bit_length", "name_prefix"])
    }

    var json: JSON {
        var object = keys.members
        object["bit_length"] = .integer(bitLength)
        object["name_prefix"] = .string(namePrefix)
        for member in others { object[member.key] = member.value }
        return .object(object)
    }

    /// The role of the bin of `path`.
    package func role(for path: String) -> DelegatedRole {
        let first = Digest.of(path).bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return role(ofBin: first >> UInt32(32 - bitLength))
    }

    private func role(ofBin bin: UInt32) -> DelegatedRole {
        let digits = String(bin, radix: 16)
        let width = (bitLength + 3) / 4
        let name = "\(namePrefix)-\(String(repeating: "0", count: width - digits.utf8.count))\(digits)"
        return DelegatedRole(name: name, keys: keys, scope: .patterns([]), isTerminating: true)
    }

    /// The role called `name`, where it is one of the bins.
    func role(named name: String) -> DelegatedRole? {
        guard
            let bin = name.utf8.split(separator: UInt8(ascii: "-")).last.flatMap({ UInt32(Substring($0), radix: 16) }),
            UInt64(bin) < UInt64(1) << UInt64(bitLength)
        else { return nil }
        let role = role(ofBin: bin)
        return role.name.hasSameBytes(as: name) ? role : nil
    }
}

/// The roles to which one leaves paths, the first before the second, and their keys.
package struct Delegations: Hashable, Sendable {
    package var keys: KeyTable
    package var roles: [DelegatedRole]
    package var succinct: SuccinctRoles?
    var others = JSONObject()

    /// More roles than this in one file are refused.
    static let roleCount = 65536

    package init(keys: KeyTable, roles: [DelegatedRole], succinct: SuccinctRoles? = nil) {
        self.keys = keys
        self.roles = roles
        self.succinct = succinct
    }

    init(_ fields: MetadataFields) throws(TUFError) {
        keys = try KeyTable(try fields.fields("keys"))
        roles = []
        let list = fields["roles"]?.arrayValue
        if fields["succinct_roles"] != nil {
            guard fields["roles"] == nil else {
                throw TUFError(.malformed, "\(fields.place) has both roles and succinct_roles")
            }
            succinct = try SuccinctRoles(try fields.fields("succinct_roles"))
        } else {
            guard let list, list.count <= Self.roleCount else { throw fields.wrong("roles", "an array of roles") }
            var names: Set<String> = []
            for (index, element) in list.enumerated() {
                let role = try DelegatedRole(try MetadataFields(element, at: "\(fields.place).roles[\(index)]"))
                guard names.insert(role.name).inserted else {
                    throw TUFError(
                        .malformed, "\(fields.place).roles has two roles called \(role.name.safeForTerminal)")
                }
                roles.append(role)
            }
        }
        others = fields.others(["keys", "roles", "succinct_roles"])
    }

    var json: JSON {
        var object: JSONObject = ["keys": keys.json]
        if let succinct {
            object["succinct_roles"] = succinct.json
        } else {
            object["roles"] = .array(roles.map(\.json))
        }
        for member in others { object[member.key] = member.value }
        return .object(object)
    }

    /// The roles that may speak about `path`, the most trusted first, up to the first that ends the search.
    func roles(for path: String) -> [DelegatedRole] {
        if let succinct { return [succinct.role(for: path)] }
        var out: [DelegatedRole] = []
        let hash = Digest.of(path).hex
        for role in roles where role.covers(path, hash: hash) {
            out.append(role)
            if role.isTerminating { break }
        }
        return out
    }

    /// The role called `name`.
    func role(named name: String) -> DelegatedRole? {
        if let succinct { return succinct.role(named: name) }
        return roles.first { $0.name.hasSameBytes(as: name) }
    }
}
