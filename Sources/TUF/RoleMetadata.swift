package import Bytes

/// What the signed part of every metadata file has (TUF specification section 4.3).
package protocol RoleMetadata: Hashable, Sendable {
    /// The value of `_type`.
    static var type: String { get }
    var header: MetadataHeader { get }
    /// Reads the signed part of a file; errors name places below `type`.
    init(signed: JSON) throws(TUFError)
    /// The signed part as JSON, with members that martlet does not know.
    var json: JSON { get }
}

extension RoleMetadata {
    package var version: Int { header.version }
    package var expires: Timestamp { header.expires }
}

/// Version and expiry of metadata.
package struct MetadataHeader: Hashable, Sendable {
    package var specificationVersion = "1.0.34"
    package var version: Int
    package var expires: Timestamp
    /// Members that martlet does not know, which the signature covers all the same.
    package var others = JSONObject()

    package init(version: Int, expires: Timestamp) {
        self.version = version
        self.expires = expires
    }

    /// Reads the header of a file of type `type`; `known` are the members that the rest of the reader takes.
    init(_ fields: MetadataFields, type: String, known: [String]) throws(TUFError) {
        let found = try fields.text("_type")
        guard found.hasSameBytes(as: type) else {
            throw TUFError(.malformed, "the file is \(found.safeForTerminal) metadata, not \(type)", role: type)
        }
        specificationVersion = try fields.text("spec_version")
        // What a later major version means by these members is not known (section 4.3).
        guard specificationVersion.split(separator: ".").first == "1" else {
            throw TUFError(
                .malformed,
                "the file is of version \(specificationVersion.safeForTerminal) of the format; martlet reads 1",
                role: type)
        }
        version = try fields.count("version", atLeast: 1)
        expires = try fields.moment("expires")
        others = fields.others(Set(["_type", "spec_version", "version", "expires"] + known))
    }

    /// The members in front of those of `type`.
    func members(_ type: String, _ more: JSONObject) -> JSON {
        var object: JSONObject = [
            "_type": .string(type), "spec_version": .string(specificationVersion), "version": .integer(version),
            "expires": .string(expires.description),
        ]
        for member in more { object[member.key] = member.value }
        for member in others { object[member.key] = member.value }
        return .object(object)
    }
}

/// Digests of a file by the names of their functions.
package struct FileHashes: Hashable, Sendable {
    /// As written: lower-case hexadecimal by name, in order.
    package let entries: [Entry]

    package struct Entry: Hashable, Sendable {
        package let name: String
        package let hex: String
    }

    package init(sha256 digest: Digest) { entries = [Entry(name: "sha256", hex: digest.hex)] }

    init(_ fields: MetadataFields) throws(TUFError) {
        var entries: [Entry] = []
        for member in fields.object {
            let hex = try fields.text(member.key)
            guard let bytes = Hex.decode(hex.lowercased()), !bytes.isEmpty, bytes.count <= 64 else {
                throw fields.wrong(member.key, "a digest in hexadecimal")
            }
            if let known = HashAlgorithm(rawValue: member.key), known.byteCount != bytes.count {
                throw fields.wrong(member.key, "\(known.byteCount) bytes in hexadecimal")
            }
            entries.append(Entry(name: member.key, hex: Hex.encode(bytes)))
        }
        guard !entries.isEmpty, entries.count <= 8 else {
            throw TUFError(.malformed, "\(fields.place) has \(entries.count) digests; it should have one or a few")
        }
        self.entries = entries
    }

    /// The digests that martlet can compute.
    var known: [MessageDigest] {
        entries.compactMap { entry in
            HashAlgorithm(rawValue: entry.name).flatMap { algorithm in
                Hex.decode(entry.hex).flatMap { MessageDigest(algorithm, bytes: $0) }
            }
        }
    }

    /// Checks `bytes` against every digest that martlet can compute; there must be one.
    func check(_ bytes: [UInt8], what: String) throws(TUFError) {
        let known = known
        guard !known.isEmpty else {
            let names = entries.map { $0.name.safeForTerminal }.joined(separator: ", ")
            throw TUFError(.mismatch, "the digests of \(what) are by functions that martlet does not take: \(names)")
        }
        for digest in known {
            let found = digest.algorithm.digest(of: bytes)
            guard found == digest else {
                throw TUFError(.mismatch, "\(what) has the digest \(found), but \(digest) was announced")
            }
        }
    }

    var json: JSON {
        var object = JSONObject()
        for entry in entries { object[entry.name] = .string(entry.hex) }
        return .object(object)
    }
}
