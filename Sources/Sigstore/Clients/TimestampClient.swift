internal import Bytes
internal import Wire

/// Asks a timestamp authority (RFC 3161 section 3.4).
struct TimestampClient: Sendable {
    let url: String
    let transport: any HTTPTransport

    /// The response for `signature`. Whether the authority is to be believed is the verifier's matter; that the answer
    /// is to this question is checked here.
    func timestamp(for signature: [UInt8]) async throws(SigstoreError) -> [UInt8] {
        let digest = HashAlgorithm.sha256.digest(of: signature)
        // The top bit is left out, so that the number has one length and no sign.
        let nonce = (0..<16).map { $0 == 0 ? UInt8.random(in: 1...0x7F) : UInt8.random(in: 0...0xFF) }
        let query = Self.query(digest, nonce: nonce)
        let response: [UInt8]
        do {
            let request = HTTPRequest(
                .post, try HTTPURL(url),
                fields: ["Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"],
                body: .bytes(query), isRepeatable: true)
            response = try await transport.fetch(request, limit: TimestampToken.greatestByteCount).success()
        } catch {
            throw SigstoreError(error, asking: "for a timestamp")
        }
        let token = try TimestampToken(response: response)
        guard token.imprint == digest, token.nonce == nonce else {
            throw SigstoreError(.refused, "the timestamp authority answers another question than was asked")
        }
        return response
    }

    /// A TimeStampReq that asks for the authority's certificate too (RFC 3161 section 2.4.1).
    static func query(_ digest: MessageDigest, nonce: [UInt8]) -> [UInt8] {
        DERWriting.sequence(
            DERWriting.integer(1),
            DERWriting.sequence(DERWriting.algorithm(digest.algorithm), DERWriting.octets(digest.bytes)),
            DERWriting.integer(nonce), DERWriting.boolean(true))
    }
}
