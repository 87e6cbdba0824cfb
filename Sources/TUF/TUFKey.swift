package import Bytes
package import Keys

/// A public key in metadata (TUF specification section 4.2).
package struct TUFKey: Hashable, Sendable {
    /// How a key signs.
    package enum Scheme: String, Hashable, Sendable, CaseIterable {
        case ed25519
        case ecdsaP256 = "ecdsa-sha2-nistp256"
        case ecdsaP384 = "ecdsa-sha2-nistp384"
        case rsaPSS256 = "rsassa-pss-sha256"
        case rsaPSS384 = "rsassa-pss-sha384"
        case rsaPSS512 = "rsassa-pss-sha512"
    }

    /// The object as it was written. Its digest is the usual id of the key.
    package let json: JSON
    /// The key and what it signs with; `nil` where martlet knows neither scheme nor type. Such a key counts for nothing,
    /// and the others of its role must make up the threshold.
    package let usable: Usable?

    /// A key that can check signatures.
    package struct Usable: Hashable, Sendable {
        package let key: PublicKey
        package let scheme: Scheme
    }

    /// Reads the key object at `place`. A scheme that is known with a key that can't be read is an error.
    init(_ json: JSON, at place: String) throws(TUFError) {
        let fields = try MetadataFields(json, at: place)
        let type = try fields.text("keytype")
        let scheme = Scheme(rawValue: try fields.text("scheme"))
        let value = try fields.fields("keyval")
        self.json = json
        guard let scheme, Self.types(of: scheme).contains(type) else {
            usable = nil
            return
        }
        let text = try value.text("public")
        guard text.utf8.count <= Self.greatestTextLength else {
            throw TUFError(.limit, "\(place) is a key of \(text.utf8.count) characters")
        }
        do {
            let key = try Self.key(text, scheme)
            guard Self.fits(key.algorithm, scheme) else {
                throw TUFError(.malformed, "\(place) says \(scheme.rawValue) but holds a key of \(key.algorithm)")
            }
            usable = Usable(key: key, scheme: scheme)
        } catch let error as KeyError {
            throw TUFError(.malformed, "\(place) can't be read: \(error)")
        } catch let error as TUFError {
            throw error
        } catch {
            throw TUFError(.malformed, "\(place) can't be read")
        }
    }

    /// A key for metadata that martlet writes: PEM, and hexadecimal for Ed25519. `nil` for algorithms that the
    /// specification has no word for.
    package init?(_ key: PublicKey) {
        let (type, scheme, text): (String, Scheme, String)
        switch key.algorithm {
        case .ed25519: (type, scheme, text) = ("ed25519", .ed25519, Hex.encode(key.ed25519Bytes ?? []))
        case .ecdsaP256: (type, scheme, text) = ("ecdsa", .ecdsaP256, key.pem)
        case .ecdsaP384: (type, scheme, text) = ("ecdsa", .ecdsaP384, key.pem)
        case .rsa: (type, scheme, text) = ("rsa", .rsaPSS256, key.pem)
        default: return nil
        }
        json = ["keytype": .string(type), "scheme": .string(scheme.rawValue), "keyval": ["public": .string(text)]]
        usable = Usable(key: key, scheme: scheme)
    }

    /// The id that the specification gives the key: the SHA-256 of its canonical form, in hexadecimal.
    ///
    /// Readers take ids as names and nothing more (TAP 12): public repositories have keys whose description was edited
    /// while the id stayed. One key under two ids is still one key, because signatures are counted by key.
    package var id: String { Digest.of(json.canonicalOLPC() ?? []).hex }

    private static let greatestTextLength = 16 << 10

    private static func types(of scheme: Scheme) -> [String] {
        switch scheme {
        case .ed25519: ["ed25519"]
        // The second and third are older names that the public repositories' roots have.
        case .ecdsaP256: ["ecdsa", "ecdsa-sha2-nistp256"]
        case .ecdsaP384: ["ecdsa", "ecdsa-sha2-nistp384"]
        case .rsaPSS256, .rsaPSS384, .rsaPSS512: ["rsa"]
        }
    }

    private static func fits(_ algorithm: KeyAlgorithm, _ scheme: Scheme) -> Bool {
        switch (algorithm, scheme) {
        case (.ed25519, .ed25519), (.ecdsaP256, .ecdsaP256), (.ecdsaP384, .ecdsaP384), (.rsa, .rsaPSS256),
            (.rsa, .rsaPSS384), (.rsa, .rsaPSS512):
            true
        default: false
        }
    }

    private static func key(_ text: String, _ scheme: Scheme) throws(KeyError) -> PublicKey {
        if text.utf8.starts(with: "-----".utf8) { return try PublicKey(pem: Array(text.utf8)) }
        guard let bytes = Hex.decode(text.lowercased()) else {
            throw KeyError(.malformed, "the key is neither PEM nor hexadecimal")
        }
        switch scheme {
        case .ed25519: return try PublicKey(ed25519: bytes)
        // A point on the curve (SEC 1 section 2.3.3), as early repositories wrote it.
        case .ecdsaP256: return try PublicKey(der: p256Prefix + bytes)
        case .ecdsaP384: return try PublicKey(der: p384Prefix + bytes)
        default: throw KeyError(.malformed, "an RSA key is written as PEM")
        }
    }

    /// What stands before the point in the SubjectPublicKeyInfo of a key on P-256 and P-384 (RFC 5480).
    private static let p256Prefix: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
        0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ]
    private static let p384Prefix: [UInt8] = [
        0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05, 0x2B, 0x81, 0x04,
        0x00, 0x22, 0x03, 0x62, 0x00,
    ]
}

extension TUFKey.Usable {
    /// Checks a signature over `bytes`.
    func verify(_ signature: [UInt8], of bytes: [UInt8]) throws(KeyError) {
        switch scheme {
        case .ed25519: try key.verify(signature, of: .bytes(bytes))
        case .ecdsaP256: try key.verify(signature, of: .bytes(bytes), hash: .sha256)
        case .ecdsaP384: try key.verify(signature, of: .bytes(bytes), hash: .sha384)
        case .rsaPSS256: try key.verify(signature, of: .bytes(bytes), hash: .sha256, padding: .pss)
        case .rsaPSS384: try key.verify(signature, of: .bytes(bytes), hash: .sha384, padding: .pss)
        case .rsaPSS512: try key.verify(signature, of: .bytes(bytes), hash: .sha512, padding: .pss)
        }
    }
}
