package import Bytes
package import Keys
package import Sigstore

/// Says that bytes existed at a moment (RFC 3161).
package struct TimestampAuthority: Sendable {
    private let signer: any Signer
    /// Its own certificate first, the root last.
    package let chain: [Certificate]
    /// The policy under which it works.
    package let policy: String

    /// The arc that Sigstore's authorities use.
    package static let defaultPolicy = "1.3.6.1.4.1.57264.2"
    /// By how much the stated moment may be off, in seconds: it is cut to whole ones.
    private static let accuracy: UInt8 = 1

    private static let content = DERWriting.identifier(1, 2, 840, 113549, 1, 9, 16, 1, 4)

    package init(
        _ signer: any Signer, chain: [Certificate], policy: String = defaultPolicy
    ) throws(AuthorityError) {
        guard let own = chain.first, own.keyBytes == signer.publicKey.der else {
            throw AuthorityError(.damaged, "the timestamp authority's certificate is for another key")
        }
        guard Self.numbers(policy) != nil else {
            throw AuthorityError(.malformed, "\(policy.safeForTerminal) is no object identifier")
        }
        do {
            try own.checkTimestamping()
            for (certificate, issuer) in zip(chain, chain.dropFirst()) { try certificate.checkSignature(of: issuer) }
        } catch {
            throw AuthorityError(.damaged, "the timestamp authority's chain does not hold: \(error)")
        }
        self.signer = signer
        self.chain = chain
        self.policy = policy
    }

    /// The numbers of an object identifier; `nil` for what is none.
    private static func numbers(_ text: String) -> [UInt]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { UInt($0) }
        guard numbers.count == parts.count, 2...32 ~= numbers.count, numbers[0] <= 2,
            numbers[0] == 2 || numbers[1] < 40,
            numbers.allSatisfy({ $0 < 1 << 40 })
        else { return nil }
        return numbers
    }

    /// The TimeStampResp for a request in DER: granted, or refused with its reason.
    package func response(der: [UInt8], at now: Timestamp) async -> (der: [UInt8], refusal: TimestampRefusal?) {
        do throws(TimestampRefusal) {
            return (try await response(to: try TimestampRequest(der: der), at: now), nil)
        } catch {
            return (error.response, error)
        }
    }

    /// The TimeStampResp that says `now`.
    package func response(
        to request: TimestampRequest, at now: Timestamp, serial: [UInt8] = CertificateTemplate.randomSerial()
    ) async throws(TimestampRefusal) -> [UInt8] {
        if let asked = request.policy, asked != policy {
            throw TimestampRefusal(
                .unacceptedPolicy, "the policy \(asked.prefix(80).description.safeForTerminal) is not \(policy)")
        }
        // A clock outside of the certificates' time would give timestamps that no one can believe.
        guard chain.allSatisfy({ $0.isValid(at: now) }) else {
            throw TimestampRefusal(.timeNotAvailable, "the authority's certificates are not valid at \(now)")
        }
        let info = info(request, at: now, serial: serial)
        do {
            return try await Self.response(
                info, certificate: chain[0], signer: signer,
                embedded: request.wantsCertificate ? (chain.count > 1 ? Array(chain.dropLast()) : chain) : [])
        } catch {
            throw TimestampRefusal(.systemFailure, "the authority's key does not sign now; try again later")
        }
    }

    /// A TSTInfo (section 2.4.2).
    private func info(_ request: TimestampRequest, at now: Timestamp, serial: [UInt8]) -> [UInt8] {
        DERWriting.sequence(
            DERWriting.integer(1), DERWriting.identifier(Self.numbers(policy) ?? []),
            DERWriting.sequence(
                DERWriting.algorithm(request.imprint.algorithm), DERWriting.octets(request.imprint.bytes)),
            DERWriting.integer(serial), DERWriting.time(now, isGeneralized: true),
            DERWriting.sequence(DERWriting.integer(Self.accuracy)),
            request.nonce.map { DERWriting.element(0x02, $0) } ?? [])
    }

    /// A TimeStampResp around `info`, signed with `certificate`'s key (RFC 5652 section 5, RFC 5035).
    package static func response(
        _ info: [UInt8], certificate: Certificate, signer: any Signer, embedded: [Certificate]
    ) async throws(KeyError) -> [UInt8] {
        let algorithm = signer.publicKey.algorithm
        let hash = algorithm.defaultHash ?? .sha512
        func attribute(_ identifier: [UInt8], _ value: [UInt8]) -> [UInt8] {
            DERWriting.sequence(identifier, DERWriting.set([value]))
        }
        let attributes = DERWriting.set([
            attribute(DERWriting.identifier(1, 2, 840, 113549, 1, 9, 3), content),
            attribute(
                DERWriting.identifier(1, 2, 840, 113549, 1, 9, 4), DERWriting.octets(hash.digest(of: info).bytes)),
            attribute(
                DERWriting.identifier(1, 2, 840, 113549, 1, 9, 16, 2, 47),
                DERWriting.sequence(
                    DERWriting.sequence(
                        DERWriting.sequence(DERWriting.octets(certificate.fingerprint.bytes))))),
        ])
        // What is signed has the tag of a SET, what is sent that of [0] (RFC 5652 section 5.4).
        let signature = try await signer.sign(.bytes(attributes))
        let signerInfo = DERWriting.sequence(
            DERWriting.integer(1),
            DERWriting.sequence(Array(certificate.issuerBytes), DERWriting.integer(certificate.serialNumber)),
            DERWriting.algorithm(hash), [0xA0] + attributes.dropFirst(),
            try DERWriting.signatureAlgorithm(of: algorithm), DERWriting.octets(signature))
        let certificates = embedded.map(\.der).sorted { $0.lexicographicallyPrecedes($1) }.flatMap(\.self)
        let signed = DERWriting.sequence(
            DERWriting.integer(3), DERWriting.set([DERWriting.algorithm(hash)]),
            DERWriting.sequence(content, DERWriting.explicit(0, DERWriting.octets(info))),
            certificates.isEmpty ? [] : DERWriting.explicit(0, certificates), DERWriting.set([signerInfo]))
        return DERWriting.sequence(
            DERWriting.sequence(DERWriting.integer(0)),
            DERWriting.sequence(
                DERWriting.identifier(1, 2, 840, 113549, 1, 7, 2), DERWriting.explicit(0, signed)))
    }
}
