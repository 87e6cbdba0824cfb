import Bytes
import Crypto
import Keys
import TUF

/// The value of what can't fail in a test.
func must<Value>(_ body: () throws -> Value?) -> Value {
    do {
        if let value = try body() { return value }
        preconditionFailure("the test's own value is absent")
    } catch {
        preconditionFailure("the test's own value can't be made: \(error)")
    }
}

/// A key that signs metadata in tests. The same seed gives the same key.
struct TestSigner: Sendable {
    private let ed25519: Curve25519.Signing.PrivateKey?
    private let p256: P256.Signing.PrivateKey?
    let key: TUFKey
    let id: String

    init(_ seed: String) {
        let key = must { try Curve25519.Signing.PrivateKey(rawRepresentation: SHA256.hash(data: Array(seed.utf8))) }
        (ed25519, p256) = (key, nil)
        self.key = must { TUFKey(try PublicKey(ed25519: Array(key.publicKey.rawRepresentation))) }
        id = self.key.id
    }

    init(p256 seed: String) {
        let key = must { try P256.Signing.PrivateKey(rawRepresentation: SHA256.hash(data: Array(seed.utf8))) }
        (ed25519, p256) = (nil, key)
        self.key = must { TUFKey(try PublicKey(der: Array(key.publicKey.derRepresentation))) }
        id = self.key.id
    }

    func sign(_ bytes: [UInt8]) -> String {
        must {
            if let p256 { return Hex.encode(Array(try p256.signature(for: bytes).derRepresentation)) }
            return try ed25519.map { Hex.encode(Array(try $0.signature(for: bytes))) }
        }
    }
}

extension SignedMetadata {
    /// The file with `role`, signed by `signers`.
    init(_ role: Role, by signers: [TestSigner]) {
        let unsigned = SignedMetadata(role)
        self.init(role, signatures: signers.map { Signature(keyID: $0.id, hex: $0.sign(unsigned.signedBytes)) })
    }
}
