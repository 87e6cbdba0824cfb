internal import Crypto

/// HMAC with SHA-256 (RFC 2104).
package enum MessageAuthentication {
    /// The code of `message` under `key`.
    package static func code(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
    }
}
