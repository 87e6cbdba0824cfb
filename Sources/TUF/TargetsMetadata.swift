package import Bytes

/// A file that a repository vouches for.
package struct TargetFile: Hashable, Sendable {
    package var length: Int
    package var hashes: FileHashes
    /// What the repository says of it beyond that; the framework gives it no meaning.
    package var custom: JSON?
    var others = JSONObject()

    package init(length: Int, hashes: FileHashes, custom: JSON? = nil) {
        self.length = length
        self.hashes = hashes
        self.custom = custom
    }

    init(_ fields: MetadataFields) throws(TUFError) {
        length = try fields.count("length", atLeast: 0)
        hashes = try FileHashes(try fields.fields("hashes"))
        custom = fields["custom"]
        others = fields.others(["length", "hashes", "custom"])
    }

    var json: JSON {
        var object: JSONObject = ["length": .integer(length), "hashes": hashes.json]
        object["custom"] = custom
        for member in others { object[member.key] = member.value }
        return .object(object)
    }

    /// Checks that `bytes` are this file.
    package func check(_ bytes: [UInt8], path: String) throws(TUFError) {
        let what = "the target \(path.safeForTerminal)"
        guard bytes.count == length else {
            throw TUFError(.mismatch, "\(what) has \(bytes.count) bytes, but \(length) were announced")
        }
        try hashes.check(bytes, what: what)
    }
}

/// Files that a role vouches for, and roles to which it delegates others (TUF specification section 4.5).
package struct TargetsMetadata: RoleMetadata {
    package static let type = "targets"
    package var header: MetadataHeader
    /// By path.
    package var targets: [String: TargetFile]
    package var delegations: Delegations?

    package init(header: MetadataHeader, targets: [String: TargetFile], delegations: Delegations? = nil) {
        self.header = header
        self.targets = targets
        self.delegations = delegations
    }

    package init(signed: JSON) throws(TUFError) {
        let fields = try MetadataFields(signed, at: "targets")
        header = try MetadataHeader(fields, type: Self.type, known: ["targets", "delegations"])
        let members = try fields.fields("targets")
        targets = try members.table(TargetFile.init)
        delegations = fields["delegations"] == nil ? nil : try Delegations(try fields.fields("delegations"))
    }

    /// What is said of the file at exactly `path`.
    package func target(at path: String) -> TargetFile? {
        targets.index(forKey: path).flatMap { targets[$0].key.hasSameBytes(as: path) ? targets[$0].value : nil }
    }

    package var json: JSON {
        var files = JSONObject()
        for (path, file) in targets.sorted(by: { $0.key < $1.key }) { files[path] = file.json }
        var members: JSONObject = ["targets": .object(files)]
        members["delegations"] = delegations?.json
        return header.members(Self.type, members)
    }
}
