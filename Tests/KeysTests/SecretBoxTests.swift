import Bytes
import Testing

@testable import Keys

/// Vectors of "Cryptography in NaCl" (sections 8 to 10) and RFC 8439.
@Suite struct SecretBoxTests {
    static let key = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"
    static let nonce = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"
    static let message = """
        be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4\
        1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52\
        f0a089bc76897040e082f937763848645e0705
        """
    static let box = """
        f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b\
        4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da\
        99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5
        """

    private func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

    @Test("a key is derived from NaCl's shared secret")
    func derivation() throws {
        let shared = try bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        #expect(Hex.encode(XSalsa20.derive(key: shared, nonce: [UInt8](repeating: 0, count: 16))) == Self.key)
    }

    @Test("NaCl's message gives NaCl's box, and the box the message")
    func vector() throws {
        let (key, nonce) = (try bytes(Self.key), try bytes(Self.nonce))
        #expect(Hex.encode(SecretBox.seal(try bytes(Self.message), key: key, nonce: nonce)) == Self.box)
        #expect(SecretBox.open(try bytes(Self.box), key: key, nonce: nonce) == (try bytes(Self.message)))
    }

    @Test("a box with any bit turned, cut short or under another key stays shut")
    func tampering() throws {
        let (key, nonce, box) = (try bytes(Self.key), try bytes(Self.nonce), try bytes(Self.box))
        for index in box.indices {
            var changed = box
            changed[index] ^= 1 << UInt8(index % 8)
            #expect(SecretBox.open(changed, key: key, nonce: nonce) == nil)
        }
        for count in 0..<box.count where count % 7 == 0 || count < 20 {
            #expect(SecretBox.open(Array(box[..<count]), key: key, nonce: nonce) == nil)
        }
        #expect(SecretBox.open(box, key: key.reversed(), nonce: nonce) == nil)
        #expect(SecretBox.open(box, key: key, nonce: nonce.reversed()) == nil)
    }

    @Test("messages of every length around the block size come back")
    func lengths() throws {
        let (key, nonce) = (try bytes(Self.key), try bytes(Self.nonce))
        for count in [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129] {
            let message = (0..<count).map { UInt8($0 & 0xFF) }
            let box = SecretBox.seal(message, key: key, nonce: nonce)
            #expect(box.count == count + 16)
            #expect(SecretBox.open(box, key: key, nonce: nonce) == message)
        }
    }

    struct Authentication: Sendable {
        let key: String
        let message: String
        let tag: String
    }

    /// RFC 8439 section 2.5.2 and, of appendix A.3, the vectors 1 and 7 to 11, at the edges of the modulus.
    static let authentications = [
        Authentication(
            key: "85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b",
            message: "43727970746f6772617068696320466f72756d2052657365617263682047726f7570",
            tag: "a8061dc1305136c6c22b8baf0c0127a9"),
        Authentication(
            key: String(repeating: "00", count: 32), message: String(repeating: "00", count: 64),
            tag: "00000000000000000000000000000000"),
        Authentication(
            key: "02" + String(repeating: "00", count: 31), message: String(repeating: "ff", count: 16),
            tag: "03000000000000000000000000000000"),
        Authentication(
            key: "02" + String(repeating: "00", count: 15) + String(repeating: "ff", count: 16),
            message: "02" + String(repeating: "00", count: 15), tag: "03000000000000000000000000000000"),
        Authentication(
            key: "01" + String(repeating: "00", count: 31),
            message: String(repeating: "ff", count: 16) + "f0" + String(repeating: "ff", count: 15) + "11"
                + String(repeating: "00", count: 15),
            tag: "05000000000000000000000000000000"),
        Authentication(
            key: "01" + String(repeating: "00", count: 31),
            message: String(repeating: "ff", count: 16) + "fb" + String(repeating: "fe", count: 15)
                + String(repeating: "01", count: 16),
            tag: "00000000000000000000000000000000"),
        Authentication(
            key: "02" + String(repeating: "00", count: 31), message: "fd" + String(repeating: "ff", count: 15),
            tag: "faffffffffffffffffffffffffffffff"),
        Authentication(
            key: "0100000000000000040000000000000000000000000000000000000000000000",
            message:
                "e33594d7505e43b900000000000000003394d7505e4379cd01000000000000000000000000000000000000000000000001"
                + String(repeating: "00", count: 15),
            tag: "14000000000000005500000000000000"),
    ]

    @Test("Poly1305 gives the tags of RFC 8439", arguments: authentications)
    func authentication(_ vector: Authentication) throws {
        #expect(Hex.encode(Poly1305.tag(of: try bytes(vector.message), key: try bytes(vector.key))) == vector.tag)
    }
}
