import Attest
import Bytes
import Testing

@Suite("Provenance bundles")
struct ProvenanceBundleTests {
    private func line(_ payload: String) -> String {
        #"{"payloadType":"t","payload":"\#(Base64.encode(Array(payload.utf8)))","signatures":[]}"#
    }

    @Test("the lines are kept byte for byte, without empty and repeated ones")
    func exactLines() throws {
        let odd = #" {"signatures":null, "payload":"Zg==","payloadType":"t"} "#
        let text = [line("a"), "", odd, "", line("a"), "  \r", odd].joined(separator: "\n") + "\n\n"
        let bundle = try ProvenanceBundle(parsing: Array(text.utf8))
        #expect(bundle.entries.map { String(decoding: $0.line, as: UTF8.self) } == [line("a"), odd])
        #expect(bundle.entries.map(\.number) == [1, 3])
        #expect(String(decoding: bundle.bytes(), as: UTF8.self) == line("a") + "\n" + odd + "\n")
        let spaced = bundle.bytes(spaced: true)
        #expect(try ProvenanceBundle(parsing: spaced).bytes() == bundle.bytes())
    }

    @Test("merging keeps the first of equal lines and the order of the parts")
    func merge() throws {
        let first = try ProvenanceBundle(parsing: Array("\(line("a"))\n\(line("b"))".utf8))
        let second = try ProvenanceBundle(parsing: Array("\(line("c"))\n\(line("a"))".utf8))
        var merged = ProvenanceBundle()
        merged.append(contentsOf: first)
        merged.append(contentsOf: second)
        merged.append(Envelope(payloadType: "t", payload: Array("d".utf8)))
        merged.append(Envelope(payloadType: "t", payload: Array("b".utf8)))
        #expect(merged.entries.map { String(decoding: $0.envelope.payload, as: UTF8.self) } == ["a", "b", "c", "d"])
        #expect(merged.entries.map(\.number) == [1, 2, 3, 4])
    }

    @Test("an error names the line")
    func errorLine() throws {
        let error = try #require(throws: AttestError.self) {
            try ProvenanceBundle(parsing: Array("\(line("a"))\n\n{\n".utf8))
        }
        #expect(error.line == 3)
        #expect(error.description.hasPrefix("line 3: "))
    }

    @Test("too many bytes, lines or bytes in a line are refused")
    func limits() throws {
        let bytes = Array("\(line("a"))\n\(line("b"))\n".utf8)
        for limits in [
            ProvenanceBundle.Limits(byteCount: bytes.count - 1, lineByteCount: 1000, entryCount: 9),
            ProvenanceBundle.Limits(byteCount: 1000, lineByteCount: 20, entryCount: 9),
            ProvenanceBundle.Limits(byteCount: 1000, lineByteCount: 1000, entryCount: 1),
        ] {
            let error = try #require(throws: AttestError.self) { try ProvenanceBundle(parsing: bytes, limits: limits) }
            #expect(error.code == .limit)
        }
    }

    @Test("an empty file is an empty bundle")
    func empty() throws {
        #expect(try ProvenanceBundle(parsing: []).isEmpty)
        #expect(try ProvenanceBundle(parsing: Array("\n\n".utf8)).isEmpty)
    }
}
