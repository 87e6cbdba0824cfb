internal import Attest
internal import Bytes
package import Sigstore

/// An entry as a remote cache keeps it: the signed statement about the result, the signed provenance, and the documents
/// that belong to it. Nothing in it counts before `EntryVerifier` has been through it.
///
/// docs/formats/remote-cache.md describes it.
package struct CacheEntry: Sendable {
    /// The most bytes that are taken.
    package static let greatestByteCount = 16 << 20
    private static let version = 1

    /// What vouches for the result.
    package var entry: UnverifiedBundle
    package var provenance: UnverifiedBundle
    /// The documents but the provenance, by their names.
    package var documents: [String: [UInt8]]

    init(entry: UnverifiedBundle, provenance: UnverifiedBundle, documents: [String: [UInt8]]) {
        self.entry = entry
        self.provenance = provenance
        self.documents = documents
    }

    /// One line of JSON.
    package var bytes: [UInt8] {
        var names = JSONObject()
        for (name, bytes) in documents.sorted(by: { $0.key < $1.key }) { names[name] = .string(Base64.encode(bytes)) }
        let json: JSON = [
            "version": .integer(Self.version), "entry": entry.json, "provenance": provenance.json,
            "documents": .object(names),
        ]
        return json.bytes() + [UInt8(ascii: "\n")]
    }

    package init(parsing bytes: [UInt8]) throws(RemoteCacheError) {
        guard bytes.count <= Self.greatestByteCount else {
            throw RemoteCacheError(.limit, "the entry has more than \(Self.greatestByteCount) bytes")
        }
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: Self.greatestByteCount, depth: 32))
        } catch {
            throw RemoteCacheError(.malformed, "the entry is no JSON: \(error)")
        }
        guard json["version"]?.intValue == Self.version, let documents = json["documents"]?.objectValue,
            documents.count <= 100
        else { throw RemoteCacheError(.malformed, "the bytes are no cache entry of version \(Self.version)") }
        entry = try Self.bundle(json["entry"], "entry")
        provenance = try Self.bundle(json["provenance"], "provenance")
        self.documents = [:]
        for member in documents {
            guard let text = member.value.stringValue, let bytes = try? Base64.decode(text) else {
                throw RemoteCacheError(.malformed, "the document \(member.key.safeForTerminal) is not base64")
            }
            self.documents[member.key] = bytes
        }
    }

    private static func bundle(_ json: JSON?, _ what: String) throws(RemoteCacheError) -> UnverifiedBundle {
        // An envelope without a signature, or a statement alone, is no bundle either.
        guard let json, json["verificationMaterial"] != nil,
            json["dsseEnvelope"]?["signatures"]?.arrayValue?.isEmpty == false
        else {
            throw RemoteCacheError(.unsigned, "its \(what) is not signed")
        }
        do {
            return try UnverifiedBundle(json)
        } catch {
            throw RemoteCacheError(.malformed, "its \(what) is no bundle: \(error)")
        }
    }
}
