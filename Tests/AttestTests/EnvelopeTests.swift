import Attest
import Bytes
import Testing

@Suite("Envelopes")
struct EnvelopeTests {
    @Test("the vector of the DSSE protocol")
    func vector() throws {
        let text = """
            {"payload": "aGVsbG8gd29ybGQ=", "payloadType": "http://example.com/HelloWorld",
             "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}
            """
        let envelope = try Envelope(parsing: Array(text.utf8))
        #expect(envelope.payload == Array("hello world".utf8))
        #expect(
            String(decoding: envelope.signedBytes, as: UTF8.self)
                == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
        #expect(envelope.signatures.first?.signature.count == 64)
        #expect(try Envelope(parsing: envelope.line) == envelope)
    }

    @Test("lengths are counted in bytes")
    func byteLengths() {
        let encoded = Envelope.preAuthenticationEncoding(type: "é", payload: [0xFF, 0x00])
        #expect(encoded == Array("DSSEv1 2 é 2 ".utf8) + [0xFF, 0x00])
    }

    @Test("a payload in the URL-safe alphabet is read")
    func urlSafe() throws {
        let envelope = try Envelope(parsing: Array(#"{"payloadType":"t","payload":"-_8=","signatures":null}"#.utf8))
        #expect(envelope.payload == [0xFB, 0xFF])
        #expect(envelope.signatures.isEmpty)
    }

    @Test(
        "a malformed envelope is refused",
        arguments: [
            "", "[]", "{}", #"{"payloadType":"t"}"#, #"{"payloadType":1,"payload":""}"#,
            #"{"payloadType":"","payload":""}"#, #"{"payloadType":"t","payload":"Zg"}"#,
            #"{"payloadType":"t","payload":"","signatures":{}}"#,
            #"{"payloadType":"t","payload":"","signatures":[{}]}"#,
            #"{"payloadType":"t","payload":"","payload":"Zg=="}"#,
        ])
    func malformed(text: String) throws {
        let error = try #require(throws: AttestError.self) { try Envelope(parsing: Array(text.utf8)) }
        #expect(error.code == .malformed)
    }
}
