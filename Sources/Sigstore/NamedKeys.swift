internal import Attest
internal import Bytes
package import Keys

/// Keys under names, each with its time, as npm's registry publishes those that sign its attestations
/// (`registry.npmjs.org/keys.json`, a target of Sigstore's TUF repository).
package struct NamedKeys: Sendable {
    package struct Entry: Sendable {
        /// What a bundle's hint says.
        package let hint: String
        package let details: KeyDetails
        package let key: PublicKey
        package let period: ValidityPeriod
    }

    package let entries: [Entry]

    package init(_ entries: [Entry]) { self.entries = entries }

    /// Reads `{"keys":[{"keyId","keyUsage","publicKey":{"rawBytes","keyDetails","validFor"}}]}`; keys for another use
    /// than `usage` are left out.
    package init(parsing bytes: [UInt8], usage: String) throws(SigstoreError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: 1 << 20, depth: 16))
        } catch {
            throw SigstoreError(.malformed, "the keys are not JSON: \(error)")
        }
        entries = try SigstoreError.mapping { () throws(AttestError) in
            try Fields(json, at: "keys").objects("keys") { fields throws(AttestError) -> Entry? in
                guard try fields.text("keyUsage").hasSameBytes(as: usage) else { return nil }
                let material = try fields.fields("publicKey")
                let name = try material.text("keyDetails")
                guard let details = KeyDetails(rawValue: name) else {
                    throw AttestError(.unsupported, "\(material.path).keyDetails is \(name.safeForTerminal)")
                }
                do {
                    return Entry(
                        hint: try fields.text("keyId"), details: details,
                        key: try details.key(material.bytes("rawBytes")),
                        period: try ValidityPeriod(material.optionalFields("validFor")))
                } catch let error as AttestError {
                    throw error
                } catch {
                    throw AttestError(.malformed, "\(material.path): \(error)")
                }
            }.compactMap(\.self)
        }
    }
}
