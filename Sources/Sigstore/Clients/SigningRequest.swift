internal import Bytes
package import Keys

/// A request for a certificate (PKCS #10, RFC 2986) that says nothing but which key it is for: whom it is for is in the
/// token.
enum SigningRequest {
    /// The DER of a request, signed by the key that it is for.
    static func der(for signer: any Signer) async throws(KeyError) -> [UInt8] {
        let info = DERWriting.sequence(
            DERWriting.integer(0), DERWriting.sequence(), signer.publicKey.der, DERWriting.explicit(0, []))
        let signature = try await signer.sign(.bytes(info))
        return DERWriting.sequence(
            info, try DERWriting.signatureAlgorithm(of: signer.publicKey.algorithm), DERWriting.bits(signature))
    }
}

extension DERWriting {
    /// The AlgorithmIdentifier of what a key signs with by default.
    package static func signatureAlgorithm(of algorithm: KeyAlgorithm) throws(KeyError) -> [UInt8] {
        switch algorithm {
        case .ecdsaP256: sequence(identifier(1, 2, 840, 10045, 4, 3, 2))
        case .ecdsaP384: sequence(identifier(1, 2, 840, 10045, 4, 3, 3))
        case .ecdsaP521: sequence(identifier(1, 2, 840, 10045, 4, 3, 4))
        case .ed25519: sequence(identifier(1, 3, 101, 112))
        case .rsa: sequence(identifier(1, 2, 840, 113549, 1, 1, 11), null)
        case .mlDSA65, .mlDSA87:
            throw KeyError(.unsupported, "no certificate authority issues certificates for keys of \(algorithm)")
        }
    }
}
