internal import Bytes
internal import Keys

/// Passwords and secrets that were right before. To hash one as its file does takes tens of milliseconds, so that nobody
/// can guess; a program that asks for a token for each package of a build has proven its secret with the first.
///
/// What is kept is a code under a key of this process alone, over the secret and the very hash that it matched: when the
/// file changes, the secret has to be proven anew. A wrong one costs what it always did.
struct ProvenSecrets: Sendable {
    private static let greatestCount = 1024

    private let key: [UInt8]
    private var codes: Set<[UInt8]> = []

    init() {
        var generator = SystemRandomNumberGenerator()
        key = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// Whether `secret` is what `hash` is of.
    mutating func matches(_ secret: Secret, _ hash: PasswordHash) -> Bool {
        let code = MessageAuthentication.code(Array("\(hash)\n".utf8) + secret.bytes, key: key)
        if codes.contains(code) { return true }
        guard hash.matches(secret) else { return false }
        if codes.count >= Self.greatestCount { codes.removeAll(keepingCapacity: true) }
        codes.insert(code)
        return true
    }
}
