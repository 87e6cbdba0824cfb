internal import Bytes
internal import Crypto

/// A private key under a passphrase as cosign keeps it: JSON that names scrypt and NaCl's secret box, with a
/// PrivateKeyInfo inside.
struct CosignKey {
    /// The label of what cosign 2 and later write.
    static let label = "ENCRYPTED SIGSTORE PRIVATE KEY"
    /// Both labels there have been.
    static let labels = [label, "ENCRYPTED COSIGN PRIVATE KEY"]

    private let cost: ScryptCost
    private let salt: [UInt8]
    private let nonce: [UInt8]
    private let box: [UInt8]

    /// Encrypts a PrivateKeyInfo with new randomness.
    init(_ key: Secret, passphrase: Secret) throws(KeyError) {
        cost = .cosign
        salt = Random.bytes(32)
        nonce = Random.bytes(SecretBox.nonceByteCount)
        box = SecretBox.seal(key.bytes, key: try Self.key(cost, passphrase, salt), nonce: nonce)
    }

    /// Reads the JSON inside of the PEM block.
    init(parsing bytes: [UInt8]) throws(KeyError) {
        guard let json = try? JSON(parsing: bytes, limits: JSONLimits(byteCount: 64 << 10, depth: 8)) else {
            throw KeyError(.malformed, "the encrypted key is not the JSON that cosign writes")
        }
        func text(_ value: JSON?, _ name: String) throws(KeyError) -> String {
            guard let text = value?.stringValue else {
                throw KeyError(.malformed, "the encrypted key lacks \(name)")
            }
            return text
        }
        func decoded(_ value: JSON?, _ name: String) throws(KeyError) -> [UInt8] {
            do {
                return try Base64.decode(try text(value, name))
            } catch let error as KeyError {
                throw error
            } catch {
                throw KeyError(.malformed, "\(name) of the encrypted key is not base64")
            }
        }
        let function = try text(json["kdf"]?["name"], "kdf.name")
        let cipher = try text(json["cipher"]?["name"], "cipher.name")
        guard function == "scrypt", cipher == "nacl/secretbox" else {
            throw KeyError(
                .unsupported,
                "the key is encrypted by \(function.debugDescription) and \(cipher.debugDescription); scrypt and nacl/secretbox are supported"
            )
        }
        let parameters = json["kdf"]?["params"]
        guard let rounds = parameters?["N"]?.intValue, let blockSize = parameters?["r"]?.intValue,
            let parallelism = parameters?["p"]?.intValue
        else { throw KeyError(.malformed, "the encrypted key lacks kdf.params N, r or p") }
        cost = ScryptCost(rounds: rounds, blockSize: blockSize, parallelism: parallelism)
        salt = try decoded(json["kdf"]?["salt"], "kdf.salt")
        nonce = try decoded(json["cipher"]?["nonce"], "cipher.nonce")
        box = try decoded(json["ciphertext"], "ciphertext")
        guard nonce.count == SecretBox.nonceByteCount else {
            throw KeyError(.malformed, "the encrypted key has a nonce of \(nonce.count) bytes, not 24")
        }
    }

    /// The DER of the PrivateKeyInfo inside.
    func open(_ passphrase: Secret) throws(KeyError) -> [UInt8] {
        guard let key = SecretBox.open(box, key: try Self.key(cost, passphrase, salt), nonce: nonce) else {
            throw KeyError.wrongPassphrase
        }
        return key
    }

    /// The JSON, in cosign's order.
    var json: [UInt8] {
        let json: JSON = [
            "kdf": [
                "name": "scrypt",
                "params": [
                    "N": .integer(cost.rounds), "r": .integer(cost.blockSize), "p": .integer(cost.parallelism),
                ],
                "salt": .string(Base64.encode(salt)),
            ],
            "cipher": ["name": "nacl/secretbox", "nonce": .string(Base64.encode(nonce))],
            "ciphertext": .string(Base64.encode(box)),
        ]
        return json.bytes()
    }

    private static func key(_ cost: ScryptCost, _ passphrase: Secret, _ salt: [UInt8]) throws(KeyError) -> [UInt8] {
        let key = try cost.key(passphrase, salt: salt, byteCount: SecretBox.keyByteCount)
        return unsafe key.withUnsafeBytes { unsafe Array($0) }
    }
}
