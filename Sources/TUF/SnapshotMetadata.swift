package import Bytes

/// What referring metadata says of a metadata file: version, and perhaps length and digests.
package struct MetadataFile: Hashable, Sendable {
    package var version: Int
    package var length: Int?
    package var hashes: FileHashes?
    var others = JSONObject()

    package init(version: Int, length: Int? = nil, hashes: FileHashes? = nil) {
        self.version = version
        self.length = length
        self.hashes = hashes
    }

    init(_ fields: MetadataFields) throws(TUFError) {
        version = try fields.count("version", atLeast: 1)
        length = try fields.optionalCount("length", atLeast: 1)
        hashes = fields["hashes"] == nil ? nil : try FileHashes(try fields.fields("hashes"))
        others = fields.others(["version", "length", "hashes"])
    }

    var json: JSON {
        var object: JSONObject = ["version": .integer(version)]
        object["length"] = length.map { .integer($0) }
        object["hashes"] = hashes?.json
        for member in others { object[member.key] = member.value }
        return .object(object)
    }

    /// Checks length and digests, where they were given.
    func check(_ bytes: [UInt8], what: String) throws(TUFError) {
        if let length, bytes.count != length {
            throw TUFError(.mismatch, "\(what) has \(bytes.count) bytes, but \(length) were announced")
        }
        try hashes?.check(bytes, what: what)
    }
}

/// The version of every targets file at one moment (TUF specification section 4.4, snapshot.json).
package struct SnapshotMetadata: RoleMetadata {
    package static let type = "snapshot"
    package var header: MetadataHeader
    /// By file name, `targets.json` among them.
    package var files: [String: MetadataFile]

    package init(header: MetadataHeader, files: [String: MetadataFile]) {
        self.header = header
        self.files = files
    }

    package init(signed: JSON) throws(TUFError) {
        let fields = try MetadataFields(signed, at: "snapshot")
        header = try MetadataHeader(fields, type: Self.type, known: ["meta"])
        let members = try fields.fields("meta")
        files = try members.table(MetadataFile.init)
        guard files["targets.json"] != nil else {
            throw TUFError(.malformed, "snapshot.meta does not name targets.json", role: Self.type)
        }
    }

    package var json: JSON {
        var meta = JSONObject()
        for (name, file) in files.sorted(by: { $0.key < $1.key }) { meta[name] = file.json }
        return header.members(Self.type, ["meta": .object(meta)])
    }
}

/// Which snapshot is the newest (TUF specification section 4.6, timestamp.json).
package struct TimestampMetadata: RoleMetadata {
    package static let type = "timestamp"
    package var header: MetadataHeader
    package var snapshot: MetadataFile

    package init(header: MetadataHeader, snapshot: MetadataFile) {
        self.header = header
        self.snapshot = snapshot
    }

    package init(signed: JSON) throws(TUFError) {
        let fields = try MetadataFields(signed, at: "timestamp")
        header = try MetadataHeader(fields, type: Self.type, known: ["meta"])
        let members = try fields.fields("meta")
        guard members.object.count == 1 else {
            throw TUFError(.malformed, "timestamp.meta should name snapshot.json and nothing else", role: Self.type)
        }
        snapshot = try MetadataFile(try members.fields("snapshot.json"))
    }

    package var json: JSON { header.members(Self.type, ["meta": ["snapshot.json": snapshot.json]]) }
}
