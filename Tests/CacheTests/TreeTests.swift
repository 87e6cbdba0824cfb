import Bytes
import Cache
import Testing

@Suite struct TreeTests {
    private let sample = [
        Tree.Entry(name: "run", node: .file(.of("hello"), size: 5, isExecutable: true)),
        Tree.Entry(name: "sub", node: .directory(.of(""), size: 0)),
        Tree.Entry(name: "link", node: .link("../x")),
        Tree.Entry(name: "a", node: .file(.of(""), size: 0, isExecutable: false)),
    ]

    @Test("the bytes are those that Python's protobuf gives for the same Directory message")
    func vector() throws {
        // Made with protobuf 7.36 for Python, SerializeToString(deterministic=True), from the field numbers of
        // remote_execution.proto; also derived by hand.
        let tree = try Tree(sample)
        #expect(tree.digest.hex == "67d8b96247205ce397bc51a4b9a23031e927e30fea7c3ce6ebb2f5846f73cc3e")
        #expect(tree.encoded.count == 241)
        #expect(Tree.empty.encoded.isEmpty)
    }

    @Test("a tree survives the way to bytes and back")
    func roundTrip() throws {
        let tree = try Tree(sample)
        #expect(tree.entries.map(\.name) == ["a", "link", "run", "sub"])
        #expect(try Tree(decoding: tree.encoded) == tree)
        #expect(tree["link"] == .link("../x"))
        #expect(tree["b"] == nil)
        #expect(try Tree(decoding: []) == .empty)
    }

    @Test(
        "names that can't be one are refused",
        arguments: ["", ".", "..", "a/b", "a\0", String(repeating: "x", count: 256)])
    func invalidNames(name: String) {
        #expect(throws: CacheError.self) { try Tree([Tree.Entry(name: name, node: .link("x"))]) }
    }

    @Test("a repeated name is refused, equivalent spellings are two names")
    func repeated() throws {
        #expect(throws: CacheError.self) {
            try Tree([Tree.Entry(name: "a", node: .link("x")), Tree.Entry(name: "a", node: .link("y"))])
        }
        let tree = try Tree([
            Tree.Entry(name: "e\u{301}", node: .link("x")), Tree.Entry(name: "\u{e9}", node: .link("y")),
        ])
        #expect(tree.entries.count == 2)
        #expect(tree["\u{e9}"] == .link("y"))
    }

    @Test("bytes that are cut, altered, unordered or not canonical are refused")
    func damaged() throws {
        let bytes = try Tree(sample).encoded
        for count in 1..<bytes.count {
            // A cut between two entries is another valid directory.
            if let tree = try? Tree(decoding: Array(bytes[..<count])) { #expect(tree.entries.count < 4) }
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var altered = bytes
            altered[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8.random(in: 1...255, using: &generator)
            if let tree = try? Tree(decoding: altered) { #expect(tree.encoded == altered) }
        }
        let one = try Tree([sample[0]]).encoded
        let two = try Tree([sample[3]]).encoded
        #expect(throws: ParseError.self) { try Tree(decoding: one + two) }
        #expect(throws: ParseError.self) { try Tree(decoding: one + one) }
        #expect(throws: ParseError.self) { try Tree(decoding: one + [0x2a, 0]) }
        // A default value that was written: is_executable = 0.
        var padded = two
        padded[1] += 2
        #expect(throws: ParseError.self) { try Tree(decoding: padded + [0x20, 0]) }
    }

    @Test("a record survives the way to bytes and back, and any altered byte is found")
    func record() throws {
        let result = ActionResult(
            key: .of("k"), tree: .of("t"), log: .of("l"), blobs: ["provenance": .of("p")], facts: ["sandbox": "full"])
        let bytes = result.encoded
        #expect(try ActionResult(decoding: bytes) == result)
        #expect(try ActionResult(decoding: ActionResult(key: .of("k"), tree: .of("t")).encoded).log == nil)
        for index in bytes.indices {
            var altered = bytes
            altered[index] ^= 1
            #expect(throws: ParseError.self) { try ActionResult(decoding: altered) }
            #expect(throws: ParseError.self) { try ActionResult(decoding: Array(bytes[..<index])) }
        }
    }
}
