package import Bytes

/// A DSSE envelope: bytes, what they are, and signatures over both (DSSE v1.0.2, envelope.md).
package struct Envelope: Hashable, Sendable {
    /// One signature.
    package struct Signature: Hashable, Sendable {
        /// A hint for finding the key; not to be trusted.
        package var keyID: String?
        /// The signature over `Envelope.signedBytes`.
        package var signature: [UInt8]

        package init(keyID: String? = nil, signature: [UInt8]) {
            self.keyID = keyID
            self.signature = signature
        }
    }

    /// The type of the payload, such as `Statement.payloadType`.
    package var payloadType: String
    /// The exact bytes that were signed. They are never decoded and written again.
    package var payload: [UInt8]
    /// Empty where nobody signed.
    package var signatures: [Signature]

    package init(payloadType: String, payload: [UInt8], signatures: [Signature] = []) {
        self.payloadType = payloadType
        self.payload = payload
        self.signatures = signatures
    }

    /// An unsigned envelope around a statement.
    package init(_ statement: Statement) {
        self.init(payloadType: Statement.payloadType, payload: statement.payload)
    }

    /// Reads the JSON of an envelope. The payload may be in either base64 alphabet, as verifiers must accept.
    package init(parsing bytes: [UInt8], limits: JSONLimits = .default) throws(AttestError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: limits)
        } catch {
            throw AttestError(.malformed, "the envelope is not JSON: \(error)")
        }
        try self.init(json, at: "envelope")
    }

    /// Reads the JSON of an envelope that is part of something else; `path` is its name in errors.
    package init(_ json: JSON, at path: String, alphabet: Base64.Alphabet = .either) throws(AttestError) {
        let fields = try Fields(json, at: path)
        payloadType = try fields.text("payloadType")
        payload = try Self.decode(fields, "payload", alphabet)
        signatures = try fields.objects("signatures") { fields throws(AttestError) in
            Signature(keyID: try fields.optionalText("keyid"), signature: try Self.decode(fields, "sig", alphabet))
        }
    }

    private static func decode(
        _ fields: Fields, _ name: String, _ alphabet: Base64.Alphabet
    ) throws(AttestError) -> [UInt8] {
        guard let text = try fields.optionalText(name) else {
            throw AttestError(.malformed, "\(fields.path).\(name) is missing")
        }
        do {
            return try Base64.decode(text, alphabet: alphabet)
        } catch {
            throw AttestError(.malformed, "\(fields.path).\(name): \(error)")
        }
    }

    /// The bytes that a signature covers: the pre-authentication encoding of type and payload (protocol.md, PAE).
    ///
    /// Signing the raw payload instead would let a signature made for one type count for another.
    package var signedBytes: [UInt8] {
        Self.preAuthenticationEncoding(type: payloadType, payload: payload)
    }

    /// `DSSEv1`, and type and payload each with its length in bytes, separated by single spaces.
    package static func preAuthenticationEncoding(type: String, payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
    }

    /// The JSON of this envelope on one line, without the line's end.
    package var line: [UInt8] { json.bytes() }

    /// The JSON of this envelope.
    package var json: JSON {
        let signatures = signatures.map { signature -> JSON in
            var object = JSONObject()
            object.set("keyid", signature.keyID.map(JSON.string))
            object["sig"] = .string(Base64.encode(signature.signature))
            return .object(object)
        }
        return [
            "payloadType": .string(payloadType), "payload": .string(Base64.encode(payload)),
            "signatures": .array(signatures),
        ]
    }
}
