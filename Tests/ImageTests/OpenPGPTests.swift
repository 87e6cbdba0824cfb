import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Image

/// Verdicts over clearsigned texts, beside those of gpgv and sqop.
@Suite(.enabled(if: GnuPG.isPresent, "\(GnuPG.absence)"))
struct OpenPGPTests {
    private static let text = "Origin: Test\nSuite: stable\n- dashed line\ntrailing blanks  \t\n\nlast line\n"
    private static let now = Int(Clocks.nowNanoseconds() / 1_000_000_000)

    private static func verdict(_ message: [UInt8], _ keyring: [UInt8]) -> Result<Keyring.VerifiedText, any Error> {
        Result { try Keyring(parsing: keyring).verify(try ClearsignedText(parsing: message), at: now) }
    }

    private func isAccepted(_ message: [UInt8], _ keyring: [UInt8]) -> Bool {
        (try? Self.verdict(message, keyring).get()) != nil
    }

    @Test("RSA and Ed25519 signatures are accepted as gpgv and sqop accept them", arguments: ["ed25519", "rsa2048"])
    func good(_ algorithm: String) async throws {
        let gpg = try GnuPG()
        try await gpg.makeKey("one@example.org", algorithm)
        let keyring = try await gpg.keyring(["one@example.org"])
        let message = try await gpg.clearsign(Self.text, by: ["one@example.org"])
        let verified = try Self.verdict(message, keyring).get()
        #expect(verified.signers.map(\.fingerprint) == [try await gpg.fingerprint("one@example.org")])
        #expect(
            String(decoding: verified.text, as: UTF8.self)
                == "Origin: Test\nSuite: stable\n- dashed line\ntrailing blanks\n\nlast line\n")
        #expect(try await gpg.gpgvAccepts(message, keyring))
        #expect(try await gpg.sqopAccepts(message, keyring) ?? true)
    }

    @Test("A subkey signs for its primary key")
    func subkey() async throws {
        let gpg = try GnuPG()
        try await gpg.makeKey("one@example.org", "ed25519")
        try await gpg.addSubkey("one@example.org", "rsa2048")
        let keyring = try await gpg.keyring(["one@example.org"])
        let message = try await gpg.clearsign(Self.text, by: ["one@example.org"])
        let signer = try #require(try Self.verdict(message, keyring).get().signers.first)
        #expect(signer.primaryFingerprint == (try await gpg.fingerprint("one@example.org")))
        #expect(signer.fingerprint != signer.primaryFingerprint)
        #expect(try await gpg.gpgvAccepts(message, keyring))
        // Without the signatures that bind the subkey it is nobody's.
        var packets: [UInt8] = []
        for packet in try OpenPGPPacket.all(in: keyring[...]) where packet.kind != .signature {
            packets += Self.encoded(packet)
        }
        #expect(!isAccepted(message, packets))
    }

    private static func encoded(_ packet: OpenPGPPacket) -> [UInt8] {
        let tag: UInt8 =
            switch packet.kind {
            case .publicKey: 6
            case .publicSubkey: 14
            default: 13
            }
        let count = packet.content.count
        return [0xC0 | tag, 255, 0, 0, UInt8(count >> 8), UInt8(count & 255)] + packet.content
    }

    @Test("One changed byte of text, of the signature or of its numbers is refused")
    func tampered() async throws {
        let gpg = try GnuPG()
        try await gpg.makeKey("one@example.org", "ed25519")
        let keyring = try await gpg.keyring(["one@example.org"])
        let message = try await gpg.clearsign(Self.text, by: ["one@example.org"])
        let changed = Array(String(decoding: message, as: UTF8.self).replacing("stable", with: "stablf").utf8)
        #expect(!isAccepted(changed, keyring))
        #expect(try await !gpg.gpgvAccepts(changed, keyring))
        #expect(try await !(gpg.sqopAccepts(changed, keyring) ?? false))
        var accepted = 0
        for index in message.indices where !isWhiteSpace(message[index]) {
            var damaged = message
            damaged[index] ^= 1
            if isAccepted(damaged, keyring) { accepted += 1 }
            if index % 64 == 0 { await Task.yield() }
        }
        // Armor's own headers, of which there are none by default, and unhashed hints may change without a word.
        #expect(accepted <= 12, "\(accepted) changes were accepted")
    }

    private func isWhiteSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x09 }

    @Test("A signature by a key that is not in the keyring is refused, unless another one is good")
    func wrongKey() async throws {
        let gpg = try GnuPG()
        try await gpg.makeKey("one@example.org", "ed25519")
        try await gpg.makeKey("two@example.org", "ed25519")
        let keyring = try await gpg.keyring(["one@example.org"])
        let wrong = try await gpg.clearsign(Self.text, by: ["two@example.org"])
        #expect(!isAccepted(wrong, keyring))
        #expect(try await !gpg.gpgvAccepts(wrong, keyring))
        #expect(try await !(gpg.sqopAccepts(wrong, keyring) ?? false))
        let both = try await gpg.clearsign(Self.text, by: ["two@example.org", "one@example.org"])
        #expect(isAccepted(both, keyring))
        #expect(try await gpg.gpgvAccepts(both, keyring))
        #expect(try await gpg.sqopAccepts(both, keyring) ?? true)
    }

    @Test("An expired signature, an expired key and a revoked key are refused as gpgv refuses them")
    func expiredAndRevoked() async throws {
        let gpg = try GnuPG()
        try await gpg.makeKey("old@example.org", "ed25519", time: "20200101T000000")
        try await gpg.makeKey("ended@example.org", "ed25519", expiry: "1d", time: "20200101T000000")
        try await gpg.makeKey("revoked@example.org", "ed25519")
        let expired = try await gpg.clearsign(
            Self.text, by: ["old@example.org"], lifetime: "1d", time: "20200101T000100")
        let byExpired = try await gpg.clearsign(Self.text, by: ["ended@example.org"], time: "20200101T000100")
        let byRevoked = try await gpg.clearsign(Self.text, by: ["revoked@example.org"])
        try await gpg.revoke("revoked@example.org")
        let keyring = try await gpg.keyring(["old@example.org", "ended@example.org", "revoked@example.org"])
        for message in [expired, byExpired, byRevoked] {
            #expect(!isAccepted(message, keyring))
            #expect(try await !gpg.gpgvAccepts(message, keyring))
        }
        #expect(try await !(gpg.sqopAccepts(expired, keyring) ?? false))
        #expect(try await !(gpg.sqopAccepts(byRevoked, keyring) ?? false))
        // At the time of the signature both were good.
        let then = try #require(Timestamp("2020-01-01T00:02:00Z")).seconds
        for message in [expired, byExpired] {
            let verified = try Keyring(parsing: keyring).verify(ClearsignedText(parsing: message), at: Int(then))
            #expect(verified.signers.count == 1)
        }
    }

    @Test("What stands around a signed text is refused, and so are two texts in one file")
    func surroundings() async throws {
        let gpg = try GnuPG()
        try await gpg.makeKey("one@example.org", "ed25519")
        let keyring = try await gpg.keyring(["one@example.org"])
        let message = try await gpg.clearsign(Self.text, by: ["one@example.org"])
        #expect(isAccepted(Array("\n\n".utf8) + message + Array("\n".utf8), keyring))
        for other in [
            Array("Suite: evil\n".utf8) + message, message + Array("Suite: evil\n".utf8), message + message,
            Array(String(decoding: message, as: UTF8.self).replacing("Hash: ", with: "Suite: evil\nHash: ").utf8),
        ] {
            #expect(!isAccepted(other, keyring))
        }
    }
}

@Suite(.enabled(if: (try? Files.exists("/usr/share/keyrings/debian-archive-keyring.gpg")) == true))
struct DebianKeyringTests {
    @Test("Debian's own keyring holds keys that may sign")
    func keyring() throws {
        let bytes = try Files.read("/usr/share/keyrings/debian-archive-keyring.gpg", limit: 1 << 24)
        let keys = try Keyring(parsing: bytes).certificates.flatMap(\.keys)
        #expect(keys.filter { $0.flaw == nil }.count >= 8)
        #expect(Set(keys.compactMap { $0.key.algorithm }).isSuperset(of: [.rsa, .eddsa]))
    }
}
