internal import Bytes
internal import Keys

/// A metadata file as it was received: who signed it, and over which bytes (TUF specification section 4.2).
///
/// Reading it checks no signature; `TrustedMetadata` does.
package struct SignedMetadata<Role: RoleMetadata>: Hashable, Sendable {
    /// One signature. An empty one says that its key has not signed yet.
    package struct Signature: Hashable, Sendable {
        package let keyID: String
        package let hex: String

        package init(keyID: String, hex: String) {
            self.keyID = keyID
            self.hex = hex
        }
    }

    /// The whole file.
    package let bytes: [UInt8]
    package let role: Role
    package let signatures: [Signature]
    /// The canonical form of the signed part: what the signatures are over.
    package let signedBytes: [UInt8]

    /// Reads a file of at most `limit` bytes.
    package init(parsing bytes: [UInt8], limit: Int) throws(TUFError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: limit, depth: TUFLimits.depth))
        } catch {
            throw TUFError(.malformed, "the metadata is not JSON: \(error)", role: Role.type)
        }
        self.bytes = bytes
        do throws(TUFError) {
            let file = try MetadataFields(json, at: "the file")
            guard let signed = file["signed"], let canonical = signed.canonicalOLPC() else {
                throw TUFError(.malformed, "the file has no part \"signed\", or numbers in it that are no integers")
            }
            signedBytes = canonical
            role = try Role(signed: signed)
            signatures = try Self.signatures(file)
        } catch {
            throw TUFError(error.code, error.message, role: Role.type)
        }
    }

    private static func signatures(_ file: MetadataFields) throws(TUFError) -> [Signature] {
        guard let list = file["signatures"]?.arrayValue else { throw file.wrong("signatures", "an array") }
        guard list.count <= TUFLimits.signatureCount else {
            throw TUFError(.limit, "the file has \(list.count) signatures; the limit is \(TUFLimits.signatureCount)")
        }
        var out: [Signature] = []
        var ids: Set<String> = []
        for (index, element) in list.enumerated() {
            let fields = try MetadataFields(element, at: "signatures[\(index)]")
            let signature = Signature(keyID: try fields.text("keyid"), hex: try fields.text("sig"))
            guard ids.insert(signature.keyID).inserted else {
                throw TUFError(.malformed, "the key \(signature.keyID.safeForTerminal) signs twice")
            }
            out.append(signature)
        }
        return out
    }

    /// A file with `role` and no signature yet; `sign` gives what they are over.
    package init(_ role: Role, signatures: [Signature] = []) {
        self.role = role
        self.signatures = signatures
        let signed = role.json
        signedBytes = signed.canonicalOLPC() ?? []
        let json: JSON = [
            "signatures": .array(signatures.map { ["keyid": .string($0.keyID), "sig": .string($0.hex)] }),
            "signed": signed,
        ]
        bytes = json.bytes(indented: true)
    }

    /// Checks that as many keys of `keys` have signed as its threshold says.
    ///
    /// Keys are counted, not ids: one key under two ids would otherwise be two signers. What is not a signature of one
    /// of the keys is passed over, for others may sign too.
    package func verify(_ keys: RoleKeys, in table: KeyTable, named name: String) throws(TUFError) {
        var signers: Set<PublicKey> = []
        var failures: [String] = []
        for id in keys.keyIDs {
            guard let signature = signatures.first(where: { $0.keyID.hasSameBytes(as: id) }), !signature.hex.isEmpty
            else { continue }
            guard let key = table[id]?.usable else {
                failures.append("\(id.prefix(12).description.safeForTerminal): a key that martlet can't use")
                continue
            }
            guard let bytes = Hex.decode(signature.hex.lowercased()) else {
                failures.append("\(id.prefix(12).description.safeForTerminal): a signature that is not hexadecimal")
                continue
            }
            do {
                try key.verify(bytes, of: signedBytes)
                signers.insert(key.key)
            } catch {
                failures.append("\(id.prefix(12).description.safeForTerminal): \(error)")
            }
        }
        guard signers.count >= keys.threshold else {
            let why = failures.isEmpty ? "" : " (\(failures.prefix(8).joined(separator: ", ")))"
            throw TUFError(
                .signatures,
                "\(signers.count) of the \(keys.keyIDs.count) keys have signed version \(role.version), \(keys.threshold) must\(why)",
                role: name)
        }
    }

    /// Checks that the metadata has not expired at `now`, where there is one.
    func checkExpiry(at now: Timestamp?, named name: String) throws(TUFError) {
        guard let now else { return }
        guard now < role.expires else {
            throw TUFError(
                .expired,
                "version \(role.version) was good until \(role.expires), and it is \(now); update it, or check the clock",
                role: name, expires: role.expires)
        }
    }
}
