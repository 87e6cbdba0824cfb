package import Bytes
package import Keys
internal import Sigstore

/// The keys of an issuer (JSON Web Key Set, RFC 7517).
package struct WebKeySet: Sendable {
    package struct Entry: Hashable, Sendable {
        package let keyID: String?
        /// The only algorithm that the issuer uses the key with, where it says so.
        package let algorithm: String?
        package let key: PublicKey

        package init(keyID: String?, algorithm: String?, key: PublicKey) {
            self.keyID = keyID
            self.algorithm = algorithm
            self.key = key
        }
    }

    package let entries: [Entry]

    package static let greatestByteCount = 256 << 10
    private static let greatestCount = 64

    package init(_ entries: [Entry]) { self.entries = entries }

    /// Reads a set. Keys of types that no token here can be signed with are left out, secrets and keys for encryption
    /// among them.
    package init(parsing bytes: [UInt8]) throws(AuthorityError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: Self.greatestByteCount, depth: 16))
        } catch {
            throw AuthorityError(.malformed, "the issuer's keys are not JSON: \(error)")
        }
        guard let list = json["keys"]?.arrayValue, list.count <= Self.greatestCount else {
            throw AuthorityError(.malformed, "the issuer's keys are no list of at most \(Self.greatestCount)")
        }
        entries = list.compactMap { key in
            guard key["use"]?.stringValue ?? "sig" == "sig", let publicKey = Self.key(key) else { return nil }
            return Entry(keyID: key["kid"]?.stringValue, algorithm: key["alg"]?.stringValue, key: publicKey)
        }
    }

    private static func key(_ json: JSON) -> PublicKey? {
        func number(_ name: String) -> [UInt8]? {
            json[name]?.stringValue.flatMap { try? Base64.decode($0, alphabet: .urlSafe, requiresPadding: false) }
        }
        switch json["kty"]?.stringValue {
        case "RSA":
            guard let modulus = number("n"), let exponent = number("e"), modulus.count <= 1024, exponent.count <= 8
            else { return nil }
            return try? PublicKey(
                pkcs1: DERWriting.sequence(DERWriting.integer(modulus), DERWriting.integer(exponent)))
        case "EC":
            let curves: [String: (identifier: [UInt], byteCount: Int)] = [
                "P-256": ([1, 2, 840, 10045, 3, 1, 7], 32), "P-384": ([1, 3, 132, 0, 34], 48),
                "P-521": ([1, 3, 132, 0, 35], 66),
            ]
            guard let curve = json["crv"]?.stringValue.flatMap({ curves[$0] }), let x = number("x"),
                let y = number("y"), x.count == curve.byteCount, y.count == curve.byteCount
            else { return nil }
            return try? PublicKey(
                der: DERWriting.sequence(
                    DERWriting.sequence(
                        DERWriting.identifier(1, 2, 840, 10045, 2, 1), DERWriting.identifier(curve.identifier)),
                    DERWriting.bits([4] + x + y)))
        case "OKP":
            guard json["crv"]?.stringValue == "Ed25519", let x = number("x") else { return nil }
            return try? PublicKey(ed25519: x)
        default: return nil
        }
    }

    /// Keys that may have signed `token`: of the id that it names, and of the type that its algorithm needs.
    func candidates(for token: WebToken) -> [Entry] {
        entries.filter { entry in
            (token.keyID == nil || entry.keyID == nil || entry.keyID?.hasSameBytes(as: token.keyID ?? "") == true)
                && (entry.algorithm ?? token.algorithm.rawValue) == token.algorithm.rawValue
                && token.algorithm.fits(entry.key.algorithm)
        }
    }

    /// A key as one writes it for others: ECDSA P-256 alone.
    package static func json(_ key: PublicKey, keyID: String) -> JSON? {
        guard key.algorithm == .ecdsaP256 else { return nil }
        // The point is the last 65 bytes of the SubjectPublicKeyInfo: 4, x, y.
        let point = Array(key.der.suffix(64))
        func text(_ bytes: ArraySlice<UInt8>) -> JSON {
            .string(Base64.encode(Array(bytes), alphabet: .urlSafe, padded: false))
        }
        return [
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": .string(keyID),
            "x": text(point[..<32]), "y": text(point[32...]),
        ]
    }
}

extension WebToken.Algorithm {
    /// Whether keys of `algorithm` sign so. A token can't choose how a key is used.
    func fits(_ algorithm: KeyAlgorithm) -> Bool {
        switch (self, algorithm) {
        case (.es256, .ecdsaP256), (.es384, .ecdsaP384), (.es512, .ecdsaP521), (.edDSA, .ed25519),
            (.rs256, .rsa), (.rs384, .rsa), (.rs512, .rsa), (.ps256, .rsa), (.ps384, .rsa), (.ps512, .rsa):
            true
        default: false
        }
    }
}
