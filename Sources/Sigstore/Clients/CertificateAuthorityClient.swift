internal import Bytes
internal import Keys
internal import Wire

/// Asks a Fulcio for a certificate (fulcio.proto, `CreateSigningCertificate`; before that, `/api/v1/signingCert`).
struct CertificateAuthorityClient: Sendable {
    let url: String
    let transport: any HTTPTransport

    /// The most bytes of an answer.
    static let answerLimit = 256 << 10

    /// A certificate for the signer's key and the token's owner, its own first.
    func certificates(for signer: any Signer, token: IdentityToken) async throws(SigstoreError) -> [Certificate] {
        do {
            let base = try HTTPURL(url)
            // Whoever reads a token can sign in its owner's name as long as it is good.
            guard base.isConfidential else {
                throw SigstoreError(.refused, "\(base.shown) is not encrypted, and no token is sent there")
            }
            let request = PEM(label: "CERTIFICATE REQUEST", bytes: try await SigningRequest.der(for: signer)).text
            let encoded = JSON.string(Base64.encode(Array(request.utf8)))
            var answer = try await post(
                try base.appending("api/v2/signingCert"),
                ["credentials": ["oidcIdentityToken": .string(token.text)], "certificateSigningRequest": encoded],
                fields: [:])
            if [404, 405, 501].contains(answer.status) {
                answer = try await post(
                    try base.appending("api/v1/signingCert"), ["certificateSigningRequest": encoded],
                    fields: ["Authorization": "Bearer \(token.text)", "Accept": "application/pem-certificate-chain"])
            }
            return try Self.certificates(in: try answer.success())
        } catch let error as SigstoreError {
            throw error
        } catch let error as KeyError {
            throw SigstoreError(.unsupported, "\(error)")
        } catch let error as WireError {
            throw SigstoreError(error, asking: "for a certificate")
        } catch {
            throw SigstoreError(.unreachable, "\(error)")
        }
    }

    private func post(_ url: HTTPURL, _ body: JSON, fields: HTTPFields) async throws(WireError) -> HTTPAnswer {
        var fields = fields
        fields["Content-Type"] = "application/json"
        // Two certificates for one token and key are as good as one.
        var request = HTTPRequest(.post, url, fields: fields, body: .bytes(body.bytes()), isRepeatable: true)
        request.staysAtOrigin = true
        return try await transport.fetch(request, limit: Self.answerLimit)
    }

    /// The chain in an answer: JSON from version 2, PEM from version 1.
    static func certificates(in answer: [UInt8]) throws(SigstoreError) -> [Certificate] {
        var text = answer
        if let json = try? JSON(parsing: answer) {
            guard
                let chain = (json["signedCertificateEmbeddedSct"] ?? json["signedCertificateDetachedSct"])?["chain"],
                let list = chain["certificates"]?.arrayValue, list.count <= UnverifiedBundle.Limits.certificateCount
            else { throw SigstoreError(.refused, "the certificate authority's answer holds no chain of certificates") }
            text = list.flatMap { Array(($0.stringValue ?? "").utf8) + [0x0A] }
        }
        let certificates = try Certificate.list(pem: text)
        guard !certificates.isEmpty, certificates.count <= UnverifiedBundle.Limits.certificateCount else {
            throw SigstoreError(.refused, "the certificate authority's answer has \(certificates.count) certificates")
        }
        return certificates
    }
}
