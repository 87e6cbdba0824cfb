package import Bytes

/// Which keys sign which role (TUF specification section 4.3, root.json).
package struct RootMetadata: RoleMetadata {
    package static let type = "root"
    /// The four roles that every repository has.
    package enum Role: String, Hashable, Sendable, CaseIterable { case root, timestamp, snapshot, targets }

    package var header: MetadataHeader
    /// Whether files carry their version or digest in front of their name.
    package var consistentSnapshot: Bool
    package var keys: KeyTable
    package var roles: [Role: RoleKeys]

    package init(header: MetadataHeader, consistentSnapshot: Bool, keys: KeyTable, roles: [Role: RoleKeys]) {
        self.header = header
        self.consistentSnapshot = consistentSnapshot
        self.keys = keys
        self.roles = roles
    }

    package init(signed: JSON) throws(TUFError) {
        let fields = try MetadataFields(signed, at: "root")
        header = try MetadataHeader(fields, type: Self.type, known: ["consistent_snapshot", "keys", "roles"])
        consistentSnapshot = fields["consistent_snapshot"] == nil ? false : try fields.truth("consistent_snapshot")
        keys = try KeyTable(try fields.fields("keys"))
        roles = [:]
        let members = try fields.fields("roles")
        for role in Role.allCases { roles[role] = try RoleKeys(try members.fields(role.rawValue)) }
    }

    package var json: JSON {
        var roles = JSONObject()
        for role in Role.allCases { roles[role.rawValue] = self.roles[role].map { .object($0.members) } }
        return header.members(
            Self.type,
            ["consistent_snapshot": .bool(consistentSnapshot), "keys": keys.json, "roles": .object(roles)])
    }

    /// The keys that may sign for `role`, by id.
    package func keys(of role: Role) -> (role: RoleKeys, keys: KeyTable) {
        (roles[role] ?? RoleKeys(keyIDs: [], threshold: 1), keys)
    }

    /// Whether `other` asks for other signatures than this one on the metadata of `role`.
    func hasOtherKeys(of role: Role, than other: RootMetadata) -> Bool {
        func material(_ root: RootMetadata) -> Set<TUFKey.Usable> {
            Set(root.roles[role]?.keyIDs.compactMap { root.keys[$0]?.usable } ?? [])
        }
        return material(self) != material(other) || roles[role]?.threshold != other.roles[role]?.threshold
    }
}
