internal import Bytes
package import Keys
internal import Sigstore
internal import SwiftASN1

/// A request for a certificate (PKCS #10, RFC 2986), of which the key alone counts.
package enum CertificateRequest {
    /// The most bytes of a request.
    package static let greatestByteCount = 32 << 10

    /// The key that the request is for, and which has signed it.
    package static func verifiedKey(der: [UInt8]) throws(AuthorityError) -> PublicKey {
        guard der.count <= greatestByteCount else {
            throw AuthorityError(.limit, "a request of \(der.count) bytes; the limit is \(greatestByteCount)")
        }
        let outline: Outline
        do {
            outline = try Outline(der)
        } catch {
            throw AuthorityError(.malformed, "the certificate signing request is no PKCS #10 in DER: \(error)")
        }
        do {
            let key = try PublicKey(der: outline.key)
            try CertifiedKey.check(key)
            try key.verify(outline.signature, of: .bytes(outline.info), hash: outline.hash)
            return key
        } catch let error as AuthorityError {
            throw error
        } catch {
            throw AuthorityError(
                .malformed, "the certificate signing request is not signed by the key that it is for: \(error)")
        }
    }

    /// The key of a request in PEM.
    package static func verifiedKey(pem text: [UInt8]) throws(AuthorityError) -> PublicKey {
        guard text.count <= greatestByteCount * 2, let blocks = try? PEM.blocks(in: text), blocks.count == 1,
            ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"].contains(blocks[0].label)
        else { throw AuthorityError(.malformed, "the certificate signing request is no PEM block CERTIFICATE REQUEST") }
        return try verifiedKey(der: blocks[0].bytes)
    }

    private struct Outline {
        var info: [UInt8] = []
        var key: [UInt8] = []
        var signature: [UInt8] = []
        var hash: HashAlgorithm?

        init(_ der: [UInt8]) throws {
            var out: (info: [UInt8], key: [UInt8], signature: [UInt8], hash: HashAlgorithm?) = ([], [], [], nil)
            try DER.sequence(try DER.parse(der), identifier: .sequence) { nodes in
                guard let info = nodes.next(), let algorithm = nodes.next() else {
                    throw ASN1Error.invalidASN1Object(reason: "no request")
                }
                let bits = try ASN1BitString(derEncoded: &nodes)
                guard bits.paddingBits == 0 else { throw ASN1Error.invalidASN1Object(reason: "broken octets") }
                (out.info, out.signature) = (Array(info.encodedBytes), Array(bits.bytes))
                out.hash = try Self.hash(algorithm)
                out.key = try DER.sequence(info, identifier: .sequence) { nodes in
                    _ = try Int(derEncoded: &nodes)
                    guard nodes.next() != nil, let key = nodes.next() else {
                        throw ASN1Error.invalidASN1Object(reason: "no key")
                    }
                    while nodes.next() != nil {}
                    return Array(key.encodedBytes)
                }
            }
            (info, key, signature, hash) = out
        }

        /// The hash function that the signature names; `nil` for algorithms without one.
        private static func hash(_ node: ASN1Node) throws -> HashAlgorithm? {
            try DER.sequence(node, identifier: .sequence) { nodes in
                let oid = try ASN1ObjectIdentifier(derEncoded: &nodes)
                if let parameters = nodes.next() { _ = try ASN1Null(derEncoded: parameters) }
                switch oid {
                case [1, 2, 840, 10045, 4, 3, 2], [1, 2, 840, 113549, 1, 1, 11]: return .sha256
                case [1, 2, 840, 10045, 4, 3, 3], [1, 2, 840, 113549, 1, 1, 12]: return .sha384
                case [1, 2, 840, 10045, 4, 3, 4], [1, 2, 840, 113549, 1, 1, 13]: return .sha512
                case [1, 3, 101, 112]: return nil
                default:
                    throw AuthorityError(
                        .unsupported,
                        "requests signed with \(oid) are not taken; ECDSA, RSA with PKCS #1 and Ed25519 are")
                }
            }
        }
    }
}

/// Which keys are certified.
package enum CertifiedKey {
    /// Refuses keys that Fulcio would refuse: RSA of other lengths than 2048 to 4096 bits or with another exponent than
    /// 65537, and algorithms that signers do not have.
    package static func check(_ key: PublicKey) throws(AuthorityError) {
        switch key.algorithm {
        case .ecdsaP256, .ecdsaP384, .ecdsaP521, .ed25519: return
        case .rsa(let bits):
            guard [2048, 3072, 4096].contains(bits) else {
                throw AuthorityError(
                    .unsupported, "RSA keys of \(bits) bits are not certified; 2048, 3072 and 4096 are")
            }
            // The modulus first, then the exponent; 65537 is three bytes, and the last of the key.
            guard key.der.suffix(5) == [0x02, 0x03, 0x01, 0x00, 0x01] else {
                throw AuthorityError(.unsupported, "RSA keys with another exponent than 65537 are not certified")
            }
        case .mlDSA65, .mlDSA87:
            throw AuthorityError(.unsupported, "no certificates are issued for keys of \(key.algorithm)")
        }
    }

    /// Checks the proof that whoever asks has the key: its signature over `challenge`.
    package static func checkProof(
        _ signature: [UInt8], of challenge: String, by key: PublicKey
    ) throws(AuthorityError) {
        let message = SignedMessage.bytes(Array(challenge.utf8))
        // Clients hash with SHA-256 whatever the curve, or with what suits it.
        let hashes: [HashAlgorithm?] =
            switch key.algorithm {
            case .ecdsaP384: [.sha384, .sha256]
            case .ecdsaP521: [.sha512, .sha256]
            case .ed25519: [nil]
            default: [.sha256]
            }
        for hash in hashes where (try? key.verify(signature, of: message, hash: hash)) != nil { return }
        throw AuthorityError(
            .refused, "the proof of possession is no signature by the key over the challenge of the token")
    }
}
