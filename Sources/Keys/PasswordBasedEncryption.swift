internal import Bytes
internal import Crypto
internal import CryptoExtras
internal import SwiftASN1

/// How long a function makes a guesser of passphrases work. Whoever writes a key file chooses the numbers, so what is
/// read is capped: 64 MiB, and about a second.
struct ScryptCost: Hashable {
    let rounds: Int
    let blockSize: Int
    let parallelism: Int

    /// What `EncryptedPrivateKeyInfo` writes. OpenSSL refuses what needs more than 32 MiB.
    static let pkcs8 = ScryptCost(rounds: 1 << 14, blockSize: 8, parallelism: 5)
    /// What cosign writes today.
    static let cosign = ScryptCost(rounds: 1 << 16, blockSize: 8, parallelism: 1)

    /// The key that `passphrase` and `salt` give (RFC 7914).
    func key(_ passphrase: Secret, salt: [UInt8], byteCount: Int) throws(KeyError) -> SymmetricKey {
        guard rounds > 1, rounds <= 1 << 20, rounds & (rounds - 1) == 0, blockSize > 0, blockSize <= 64,
            parallelism > 0,
            parallelism <= 64, rounds * blockSize <= 1 << 19, rounds * blockSize * parallelism <= 1 << 20
        else {
            throw KeyError(
                .unsupported,
                "the key file asks for scrypt with N=\(rounds), r=\(blockSize), p=\(parallelism), which is not read: no power of two, or more than 64 MiB or a second of work"
            )
        }
        guard !salt.isEmpty, salt.count <= 1024 else {
            throw KeyError(.malformed, "the key file has a salt of \(salt.count) bytes")
        }
        do {
            return try KDF.Scrypt.deriveKey(
                from: passphrase.derivable, salt: salt, outputByteCount: byteCount, rounds: rounds,
                blockSize: blockSize, parallelism: parallelism)
        } catch {
            throw KeyError(.unsupported, "the cryptographic library does not compute scrypt: \(error)")
        }
    }
}

/// A private key under a passphrase as PKCS #8 and PBES2 have it (RFC 5958 section 3, RFC 8018 section 6.2, RFC 7914
/// section 7).
struct EncryptedPrivateKeyInfo: DERParseable {
    /// How the passphrase becomes a key.
    private enum Derivation {
        case scrypt(ScryptCost, salt: [UInt8])
        case pbkdf2(KDF.Insecure.PBKDF2.HashFunction, rounds: Int, salt: [UInt8])
    }

    private static let greatestRounds = 1 << 21

    private let derivation: Derivation
    private let keyByteCount: Int
    private let initializationVector: [UInt8]
    private let encrypted: [UInt8]

    /// Encrypts with AES-256-CBC under a key that scrypt gives, with new randomness.
    init(_ key: Secret, passphrase: Secret) throws(KeyError) {
        let salt = Random.bytes(16)
        let vector = Random.bytes(16)
        derivation = .scrypt(.pkcs8, salt: salt)
        keyByteCount = 32
        initializationVector = vector
        let derived = try ScryptCost.pkcs8.key(passphrase, salt: salt, byteCount: 32)
        do {
            encrypted = Array(try AES._CBC.encrypt(key.bytes, using: derived, iv: .init(ivBytes: vector)))
        } catch {
            throw KeyError(.unsupported, "the cryptographic library does not encrypt: \(error)")
        }
    }

    init(derEncoded node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { nodes in
            guard let algorithm = nodes.next() else {
                throw ASN1Error.invalidASN1Object(reason: "the algorithm is missing")
            }
            let (derivation, keyByteCount, vector) = try Self.parameters(algorithm)
            let encrypted = try ASN1OctetString(derEncoded: &nodes)
            return Self(
                derivation: derivation, keyByteCount: keyByteCount, initializationVector: vector,
                encrypted: Array(encrypted.bytes))
        }
    }

    private init(
        derivation: Derivation, keyByteCount: Int, initializationVector: [UInt8], encrypted: [UInt8]
    ) {
        self.derivation = derivation
        self.keyByteCount = keyByteCount
        self.initializationVector = initializationVector
        self.encrypted = encrypted
    }

    /// The DER of the PrivateKeyInfo inside. A wrong passphrase shows as padding or as DER that is broken, for CBC has
    /// no other check.
    func open(_ passphrase: Secret) throws(KeyError) -> [UInt8] {
        let key: SymmetricKey
        switch derivation {
        case .scrypt(let cost, let salt): key = try cost.key(passphrase, salt: salt, byteCount: keyByteCount)
        case .pbkdf2(let hash, let rounds, let salt):
            do {
                key = try KDF.Insecure.PBKDF2.deriveKey(
                    from: passphrase.derivable, salt: salt, using: hash, outputByteCount: keyByteCount,
                    unsafeUncheckedRounds: rounds)
            } catch {
                throw KeyError(.unsupported, "the cryptographic library does not compute PBKDF2: \(error)")
            }
        }
        guard !encrypted.isEmpty, encrypted.count % 16 == 0 else {
            throw KeyError(.malformed, "the encrypted private key has \(encrypted.count) bytes, no multiple of 16")
        }
        guard
            let plain = try? AES._CBC.decrypt(encrypted, using: key, iv: .init(ivBytes: initializationVector)),
            plain.first == 0x30, (try? DER.parse(Array(plain))) != nil
        else { throw KeyError.wrongPassphrase }
        return Array(plain)
    }

    /// The DER of this value.
    func der() throws(KeyError) -> [UInt8] {
        guard case .scrypt(let cost, let salt) = derivation else {
            throw KeyError(.unsupported, "keys are encrypted with scrypt only")
        }
        do {
            var coder = DER.Serializer()
            try coder.appendConstructedNode(identifier: .sequence) { coder in
                try coder.appendConstructedNode(identifier: .sequence) { coder in
                    try coder.serialize(ASN1ObjectIdentifier.pbes2)
                    try coder.appendConstructedNode(identifier: .sequence) { coder in
                        try coder.appendConstructedNode(identifier: .sequence) { coder in
                            try coder.serialize(ASN1ObjectIdentifier.scrypt)
                            try coder.appendConstructedNode(identifier: .sequence) { coder in
                                try coder.serialize(ASN1OctetString(contentBytes: salt[...]))
                                try coder.serialize(cost.rounds)
                                try coder.serialize(cost.blockSize)
                                try coder.serialize(cost.parallelism)
                                try coder.serialize(keyByteCount)
                            }
                        }
                        try coder.appendConstructedNode(identifier: .sequence) { coder in
                            try coder.serialize(ASN1ObjectIdentifier.aes256CBC)
                            try coder.serialize(ASN1OctetString(contentBytes: initializationVector[...]))
                        }
                    }
                }
                try coder.serialize(ASN1OctetString(contentBytes: encrypted[...]))
            }
            return coder.serializedBytes
        } catch {
            throw KeyError(.unsupported, "the encrypted private key can't be written: \(error)")
        }
    }

    private static func parameters(_ node: ASN1Node) throws -> (Derivation, Int, [UInt8]) {
        try DER.sequence(node, identifier: .sequence) { nodes in
            let algorithm = try ASN1ObjectIdentifier(derEncoded: &nodes)
            guard algorithm == .pbes2 else {
                throw KeyError(
                    .unsupported,
                    "the private key is encrypted by \(algorithm), not by PBES2; convert it with `openssl pkcs8 -topk8 -scrypt`"
                )
            }
            guard let parameters = nodes.next() else {
                throw ASN1Error.invalidASN1Object(reason: "PBES2 has no parameters")
            }
            return try DER.sequence(parameters, identifier: .sequence) { nodes in
                guard let function = nodes.next(), let scheme = nodes.next() else {
                    throw ASN1Error.invalidASN1Object(reason: "PBES2 lacks a parameter")
                }
                let (cipher, vector) = try DER.sequence(scheme, identifier: .sequence) { nodes in
                    let cipher = try ASN1ObjectIdentifier(derEncoded: &nodes)
                    guard let byteCount = Self.keyByteCounts[cipher] else {
                        throw KeyError(
                            .unsupported,
                            "the private key is encrypted by the cipher \(cipher); AES in CBC mode is supported")
                    }
                    return (byteCount, Array(try ASN1OctetString(derEncoded: &nodes).bytes))
                }
                guard vector.count == 16 else {
                    throw ASN1Error.invalidASN1Object(reason: "an initialization vector of \(vector.count) bytes")
                }
                let (derivation, byteCount) = try Self.derivation(function)
                guard byteCount == nil || byteCount == cipher else {
                    throw ASN1Error.invalidASN1Object(reason: "the key's length is not the cipher's")
                }
                return (derivation, cipher, vector)
            }
        }
    }

    private static func derivation(_ node: ASN1Node) throws -> (Derivation, Int?) {
        try DER.sequence(node, identifier: .sequence) { nodes in
            let function = try ASN1ObjectIdentifier(derEncoded: &nodes)
            guard let parameters = nodes.next() else {
                throw ASN1Error.invalidASN1Object(reason: "the key derivation function has no parameters")
            }
            return try DER.sequence(parameters, identifier: .sequence) { nodes in
                let salt = Array(try ASN1OctetString(derEncoded: &nodes).bytes)
                let rounds = try Int(derEncoded: &nodes)
                switch function {
                case .scrypt:
                    let cost = ScryptCost(
                        rounds: rounds, blockSize: try Int(derEncoded: &nodes), parallelism: try Int(derEncoded: &nodes)
                    )
                    return (.scrypt(cost, salt: salt), try Self.integer(&nodes))
                case .pbkdf2:
                    guard (1...greatestRounds).contains(rounds), !salt.isEmpty, salt.count <= 1024 else {
                        throw KeyError(
                            .unsupported,
                            "the key file asks for PBKDF2 with \(rounds) rounds; between 1 and \(greatestRounds) are computed"
                        )
                    }
                    let byteCount = try Self.integer(&nodes)
                    return (.pbkdf2(try Self.hash(nodes.next()), rounds: rounds, salt: salt), byteCount)
                default:
                    throw KeyError(
                        .unsupported, "the passphrase is hashed by \(function); scrypt and PBKDF2 are supported")
                }
            }
        }
    }

    /// The key's length, which is optional.
    private static func integer(_ nodes: inout ASN1NodeCollection.Iterator) throws -> Int? {
        var ahead = nodes
        guard let node = ahead.next(), node.identifier == .integer else { return nil }
        nodes = ahead
        return try Int(derEncoded: node)
    }

    /// The pseudorandom function of PBKDF2; HMAC with SHA-1 where none is named.
    private static func hash(_ node: ASN1Node?) throws -> KDF.Insecure.PBKDF2.HashFunction {
        guard let node else { return .insecureSHA1 }
        return try DER.sequence(node, identifier: .sequence) { nodes in
            let function = try ASN1ObjectIdentifier(derEncoded: &nodes)
            if let parameters = nodes.next() { _ = try ASN1Null(derEncoded: parameters) }
            guard let hash = Self.hashes[function] else {
                throw KeyError(.unsupported, "the passphrase is hashed by PBKDF2 with \(function)")
            }
            return hash
        }
    }

    private static let keyByteCounts: [ASN1ObjectIdentifier: Int] = [
        [2, 16, 840, 1, 101, 3, 4, 1, 2]: 16, [2, 16, 840, 1, 101, 3, 4, 1, 22]: 24, .aes256CBC: 32,
    ]

    private static let hashes: [ASN1ObjectIdentifier: KDF.Insecure.PBKDF2.HashFunction] = [
        [1, 2, 840, 113549, 2, 7]: .insecureSHA1, [1, 2, 840, 113549, 2, 9]: .sha256,
        [1, 2, 840, 113549, 2, 10]: .sha384, [1, 2, 840, 113549, 2, 11]: .sha512,
    ]
}

extension KeyError {
    static let wrongPassphrase = KeyError(
        .wrongPassphrase, "the passphrase does not open the private key; give the right one, or the file is damaged")
}

extension ASN1ObjectIdentifier {
    static let pbes2: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 5, 13]
    static let pbkdf2: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 5, 12]
    static let scrypt: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 11591, 4, 11]
    static let aes256CBC: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 1, 42]
}

/// The system's randomness.
enum Random {
    static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
