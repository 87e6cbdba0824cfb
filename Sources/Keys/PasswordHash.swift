internal import Bytes
internal import Crypto

/// What a file keeps of a password: scrypt over it (RFC 7914), which is dear to guess at.
///
/// As text `$scrypt$ln=15,r=8,p=1$SALT$HASH`, the form of the Password Hashing Competition.
package struct PasswordHash: Hashable, Sendable, CustomStringConvertible {
    private let cost: ScryptCost
    private let salt: [UInt8]
    private let hash: [UInt8]

    /// The longest password that is looked at.
    package static let greatestByteCount = 1024

    /// A new hash of `password`, with a salt of its own.
    /// - Parameter costExponent: by default, a guess takes 32 MiB and some ten milliseconds.
    package init(of password: Secret, costExponent: Int = 15) throws(KeyError) {
        guard !password.bytes.isEmpty, password.bytes.count <= Self.greatestByteCount else {
            throw KeyError(.refused, "a password has between 1 and \(Self.greatestByteCount) bytes")
        }
        cost = ScryptCost(rounds: 1 << costExponent, blockSize: 8, parallelism: 1)
        salt = Random.bytes(16)
        hash = try Self.derive(password, cost, salt, 32)
    }

    /// Reads what `description` wrote.
    package init(_ text: String) throws(KeyError) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt",
            let salt = try? Base64.decode(parts[3], requiresPadding: false),
            let hash = try? Base64.decode(parts[4], requiresPadding: false), 16...64 ~= hash.count, !salt.isEmpty
        else { throw KeyError(.malformed, "a password's hash should be $scrypt$ln=…,r=…,p=…$SALT$HASH") }
        var numbers: [String: Int] = [:]
        for pair in parts[2].split(separator: ",") {
            let sides = pair.split(separator: "=")
            if sides.count == 2 { numbers[String(sides[0])] = Int(sides[1]) }
        }
        guard let exponent = numbers["ln"], 1...20 ~= exponent, let blockSize = numbers["r"],
            let parallelism = numbers["p"]
        else { throw KeyError(.malformed, "a password's hash lacks a number of scrypt's") }
        cost = ScryptCost(rounds: 1 << exponent, blockSize: blockSize, parallelism: parallelism)
        (self.salt, self.hash) = (salt, hash)
    }

    package var description: String {
        let exponent = cost.rounds.trailingZeroBitCount
        return "$scrypt$ln=\(exponent),r=\(cost.blockSize),p=\(cost.parallelism)"
            + "$\(Base64.encode(salt, padded: false))$\(Base64.encode(hash, padded: false))"
    }

    /// Whether `password` is the one. It computes for tens of milliseconds.
    package func matches(_ password: Secret) -> Bool {
        guard password.bytes.count <= Self.greatestByteCount,
            let found = try? Self.derive(password, cost, salt, hash.count)
        else { return false }
        // In a time that says nothing of where they differ.
        var difference: UInt8 = 0
        for (left, right) in zip(found, hash) { difference |= left ^ right }
        return difference == 0
    }

    private static func derive(
        _ password: Secret, _ cost: ScryptCost, _ salt: [UInt8], _ count: Int
    ) throws(KeyError) -> [UInt8] {
        unsafe try cost.key(password, salt: salt, byteCount: count).withUnsafeBytes { unsafe Array($0) }
    }
}
