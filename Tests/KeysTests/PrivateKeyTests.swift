import Bytes
import Testing

@testable import Keys

@Suite struct PrivateKeyTests {
    static let message = Array("a message".utf8)
    /// RSA has tests of its own: making a key takes a second.
    static let algorithms: [KeyAlgorithm] = [.ecdsaP256, .ecdsaP384, .ecdsaP521, .ed25519, .mlDSA65, .mlDSA87]

    private func key(_ text: String, _ passphrase: String? = nil) throws(KeyError) -> PrivateKey {
        try PrivateKeyText(Secret(text)).open(passphrase.map { Secret($0) })
    }

    private func code(_ body: () throws -> Void) -> KeyError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? KeyError)?.code
        }
    }

    @Test("what a new key signs, its public key accepts, and nothing else", arguments: algorithms)
    func signing(algorithm: KeyAlgorithm) async throws {
        let key = try PrivateKey.generate(algorithm)
        #expect(key.algorithm == algorithm)
        #expect(try PublicKey(pem: Array(key.publicKey.pem.utf8)) == key.publicKey)
        let signature = try await PrivateKeySigner(key).sign(.bytes(Self.message))
        try key.publicKey.verify(signature, of: .bytes(Self.message))
        #expect(code { try key.publicKey.verify(signature, of: .bytes(Self.message + [0])) } == .invalidSignature)
        let other = try PrivateKey.generate(algorithm)
        #expect(code { try other.publicKey.verify(signature, of: .bytes(Self.message)) } == .invalidSignature)
        if let hash = algorithm.defaultHash {
            let digest = SignedMessage.digest(hash.digest(of: Self.message))
            try key.publicKey.verify(try key.signature(of: digest), of: .bytes(Self.message))
        } else {
            let digest = SignedMessage.digest(HashAlgorithm.sha256.digest(of: Self.message))
            #expect(code { _ = try key.signature(of: digest) } == .unsupported)
            #expect(code { _ = try key.signature(of: .bytes(Self.message), hash: .sha512) } == .unsupported)
        }
    }

    @Test("a key is the same after PKCS #8, and no byte of it may be cut off or follow", arguments: algorithms)
    func pkcs8(algorithm: KeyAlgorithm) throws {
        let key = try PrivateKey.generate(algorithm)
        let der = try key.pkcs8.bytes
        #expect(try PrivateKey(pkcs8: der).publicKey == key.publicKey)
        #expect(try PrivateKey(pkcs8: der).pkcs8.bytes == der)
        for count in 0..<der.count { #expect(throws: KeyError.self) { try PrivateKey(pkcs8: Array(der[..<count])) } }
        #expect(code { _ = try PrivateKey(pkcs8: der + [0]) } == .malformed)
    }

    @Test("RSA signs with either padding and each hash function, and its key stays the same")
    func rsa() async throws {
        let key = try key(KeyVectors.rsa)
        #expect(key.algorithm == .rsa(bits: 2048))
        #expect(key.publicKey.id.hex == KeyVectors.rsaID)
        for padding in [RSAPadding.pkcs1v15, .pss] {
            for hash in HashAlgorithm.allCases {
                let signature = try key.signature(of: .bytes(Self.message), hash: hash, padding: padding)
                try key.publicKey.verify(signature, of: .bytes(Self.message), hash: hash, padding: padding)
                let other: RSAPadding = padding == .pss ? .pkcs1v15 : .pss
                let crossed = code {
                    try key.publicKey.verify(signature, of: .bytes(Self.message), hash: hash, padding: other)
                }
                #expect(crossed == .invalidSignature)
            }
            let signer = PrivateKeySigner(key, padding: padding)
            #expect(signer.padding == padding)
            let signature = try await signer.sign(.bytes(Self.message))
            try key.publicKey.verify(signature, of: .bytes(Self.message), padding: padding)
        }
        #expect(try PrivateKey(pkcs8: key.pkcs8.bytes).publicKey == key.publicKey)
        #expect(code { _ = try PrivateKey.generate(.rsa(bits: 1024)) } == .unsupported)
    }

    @Test(
        "OpenSSL's files of one key are all that key",
        arguments: [
            (KeyVectors.p256SEC1, nil, PrivateKeyText.Container.sec1), (KeyVectors.p256PKCS8, nil, .pkcs8),
            (KeyVectors.p256PBKDF2, KeyVectors.passphrase, .encryptedPKCS8),
            (KeyVectors.p256PBKDF2SHA1, "", .encryptedPKCS8),
            (KeyVectors.p256Scrypt, KeyVectors.passphrase, .encryptedPKCS8),
        ])
    func openssl(text: String, passphrase: String?, container: PrivateKeyText.Container) throws {
        let file = try PrivateKeyText(Secret(text))
        #expect(file.container == container)
        #expect(file.isEncrypted == (passphrase != nil))
        let key = try file.open(passphrase.map { Secret($0) })
        #expect(key.publicKey == (try PublicKey(der: Base64.decode(KeyVectors.p256Public))))
        guard passphrase != nil else { return }
        for wrong in ["wrong", "Open sesame", "open sesame "] {
            #expect(code { _ = try file.open(Secret(wrong)) } == .wrongPassphrase)
        }
        #expect(code { _ = try file.open() } == .wrongPassphrase)
    }

    @Test("an Ed25519 key of OpenSSL has OpenSSL's public key")
    func ed25519() throws {
        #expect(
            try key(KeyVectors.ed25519).publicKey == PublicKey(der: Base64.decode(KeyVectors.ed25519Public)))
    }

    @Test("cosign's encrypted keys open, with both labels and costs")
    func cosign() throws {
        let first = try key(KeyVectors.cosign1, "")
        #expect(first.publicKey == (try PublicKey(der: Base64.decode(KeyVectors.cosign1Public))))
        // The key inside has its public key beside it, and reading compares them.
        #expect(try key(KeyVectors.cosign2, "").algorithm == .ecdsaP256)
        #expect(code { _ = try key(KeyVectors.cosign1, "x") } == .wrongPassphrase)
    }

    @Test(
        "an encrypted key opens with its passphrase only",
        arguments: [PrivateKeyText.Container.cosign, .encryptedPKCS8])
    func encrypted(container: PrivateKeyText.Container) throws {
        let key = try key(KeyVectors.ed25519)
        let text = try PrivateKeyText.text(of: key, in: container, passphrase: Secret("pässphrase"))
        let file = try PrivateKeyText(text)
        #expect(file.container == container)
        #expect(try file.open(Secret("pässphrase")).publicKey == key.publicKey)
        #expect(code { _ = try file.open(Secret("passphrase")) } == .wrongPassphrase)
        let other = try PrivateKeyText.text(of: key, in: container, passphrase: Secret("pässphrase"))
        #expect(other.bytes != text.bytes)
        #expect(code { _ = try PrivateKeyText.text(of: key, in: container, passphrase: nil) } == .wrongPassphrase)
    }

    @Test("a file that asks for more memory or time than a key needs is refused before any work")
    func costs() throws {
        for cost in [
            ScryptCost(rounds: 1 << 20, blockSize: 8, parallelism: 1),
            ScryptCost(rounds: 1 << 30, blockSize: 1 << 30, parallelism: 1 << 30),
            ScryptCost(rounds: 1000, blockSize: 8, parallelism: 1), ScryptCost(rounds: 0, blockSize: 8, parallelism: 1),
            ScryptCost(rounds: .max, blockSize: .max, parallelism: .max),
            ScryptCost(rounds: .min, blockSize: .min, parallelism: .min),
            ScryptCost(rounds: 1 << 15, blockSize: 8, parallelism: 64),
        ] {
            #expect(code { _ = try cost.key(Secret("x"), salt: [1], byteCount: 32) } == .unsupported, "\(cost)")
        }
        #expect(code { _ = try ScryptCost.cosign.key(Secret("x"), salt: [], byteCount: 32) } == .malformed)
    }

    @Test(
        "what is no private key, or one in a weak container, is refused with what to do",
        arguments: [
            (KeyVectors.p256Traditional, "openssl pkcs8 -topk8"), (KeyVectors.p256PKCS5, "openssl pkcs8 -topk8"),
            (KeyVectors.p256TripleDES, "AES in CBC mode"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", "ssh-keygen"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "public key, which can't sign"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "no private key"), ("", "no PEM block"),
            ("-----BEGIN PRIVATE KEY-----\n", "not PEM"),
        ])
    func refused(text: String, remedy: String) throws {
        let error = #expect(throws: KeyError.self) { try key(text, "x") }
        #expect(error?.message.contains(remedy) == true, "\(error?.message ?? "")")
    }

    @Test("a key whose public half is another's is refused")
    func mismatch() throws {
        var der = try key(KeyVectors.p256PKCS8).pkcs8.bytes
        let other = try PrivateKey.generate(.ecdsaP256).publicKey.der.suffix(65)
        der.replaceSubrange(der.count - 65..<der.count, with: other)
        #expect(code { _ = try PrivateKey(pkcs8: der) } == .malformed)
        var zero = try key(KeyVectors.p256PKCS8).pkcs8.bytes
        let scalar = try #require(zero.firstRange(of: [0x04, 0x20]))
        zero.replaceSubrange(scalar.upperBound..<scalar.upperBound + 32, with: [UInt8](repeating: 0, count: 32))
        #expect(code { _ = try PrivateKey(pkcs8: zero) } == .malformed)
    }

    @Test("neither keys nor passphrases print themselves")
    func silence() throws {
        let key = try key(KeyVectors.p256PKCS8)
        #expect("\(key) \(String(reflecting: key))" == "(private key, ECDSA P-256) (private key, ECDSA P-256)")
        var dumped = ""
        dump(key, to: &dumped)
        dump(Secret("hidden"), to: &dumped)
        dump([Secret("hidden")], to: &dumped)
        #expect(!dumped.contains("hidden") && !dumped.contains("239"))
        #expect("\(Secret("hidden"))" == "(secret)")
    }
}
