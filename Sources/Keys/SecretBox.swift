/// NaCl's `crypto_secretbox_xsalsa20poly1305` ("Cryptography in NaCl", sections 9 and 10): a message that only holders
/// of the key can read or have written.
enum SecretBox {
    static let keyByteCount = 32
    static let nonceByteCount = 24
    static let tagByteCount = 16

    /// The tag and behind it the encrypted message. A nonce must never be used twice with one key.
    static func seal(_ message: [UInt8], key: [UInt8], nonce: [UInt8]) -> [UInt8] {
        precondition(key.count == keyByteCount && nonce.count == nonceByteCount)
        let (authenticationKey, encrypted) = apply(to: message, key: key, nonce: nonce)
        return Poly1305.tag(of: encrypted, key: authenticationKey) + encrypted
    }

    /// The message; `nil` where the tag is not that of this key, nonce and box.
    static func open(_ box: [UInt8], key: [UInt8], nonce: [UInt8]) -> [UInt8]? {
        precondition(key.count == keyByteCount && nonce.count == nonceByteCount)
        guard box.count >= tagByteCount else { return nil }
        let encrypted = Array(box[tagByteCount...])
        let (authenticationKey, message) = apply(to: encrypted, key: key, nonce: nonce)
        let tag = Poly1305.tag(of: encrypted, key: authenticationKey)
        // In a time that says nothing of where the tags differ.
        var difference: UInt8 = 0
        for index in 0..<tagByteCount { difference |= tag[index] ^ box[index] }
        return difference == 0 ? message : nil
    }

    /// The stream's first 32 bytes authenticate, and the rest encrypts.
    private static func apply(to bytes: [UInt8], key: [UInt8], nonce: [UInt8]) -> (key: [UInt8], out: [UInt8]) {
        let stream = XSalsa20.stream(count: 32 + bytes.count, key: key, nonce: nonce)
        return (Array(stream[..<32]), zip(bytes, stream[32...]).map { $0 ^ $1 })
    }
}
