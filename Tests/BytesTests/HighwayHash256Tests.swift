import Testing

@testable import Bytes

@Suite("HighwayHash-256")
struct HighwayHash256Tests {
    /// The key of Leeway's content hashes (specs/build.md section 4).
    static let leewayKey = Hex.decode("0340f3c8947cad7875140f4c4af7c62b43131dc2a8c7fc4628f0685e369a3b0b") ?? []

    static func hash(_ bytes: [UInt8], key: [UInt8] = leewayKey, piece: Int = .max) throws -> String {
        var hasher = try #require(HighwayHash256(key: key))
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(piece)
            hasher.update(Array(part))
            rest = rest.dropFirst(part.count)
        }
        return Hex.encode(hasher.finalize())
    }

    @Test(
        "gives the hashes that Leeway gives",
        arguments: [
            ("", "18dc1fa787226a1c4c6f3968110f39f190b7acddb90cb7b9b151d0e06e576eee"),
            ("package main\n", "3a42479238d67ee326738fa192526f72b5a2e07417b646e36b146c2229fb6fff"),
            (
                "arch: amd64\ngo: go version go1.24.9 linux/amd64\nos: linux\n",
                "c516c8e77e0a69379d98b37850d85c84b3b720d0d7acd779b9f76ced02f9be38"
            ),
            (
                "name: app\ntype: go\nsrcs: [\"*.go\"]\nconfig:\n    packaging: app\n",
                "3ed9e497571bf2d45162b7519b4a67f1c5a8d96cfa6fb07ce801cdf943641c59"
            ),
            (
                "name: gen\ntype: generic\nconfig:\n    commands: [[\"echo\", \"${foo}\"]]\n",
                "2c7bce5b50348100dca2c83aa2cd3404750ca432ac92847a11a21880c59ffa7b"
            ),
        ])
    func leewayVectors(text: String, expected: String) throws {
        #expect(try Self.hash(Array(text.utf8)) == expected)
    }

    @Test(
        "gives the same hash however the message is cut into pieces",
        arguments: [1, 3, 31, 32, 33, 64, 100])
    func pieces(size: Int) throws {
        for count in [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 200, 1000] {
            let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            #expect(try Self.hash(message, piece: size) == Self.hash(message))
        }
    }

    @Test("the processor's vectors give what the portable form gives")
    func vectors() throws {
        var generator = SplitMix(state: 7)
        for count in Array(0...130) + [1000, 4096, 65_537] {
            let message = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            var portable = try #require(HighwayHash256(key: Self.leewayKey, isPortable: true))
            portable.update(message)
            #expect(try Self.hash(message) == Hex.encode(portable.finalize()))
            #expect(try Self.hash(message, piece: 77) == Self.hash(message))
        }
    }

    @Test("refuses a key that is not 32 bytes long")
    func keyLength() {
        #expect(HighwayHash256(key: [1, 2, 3]) == nil)
    }
}
