import Attest
import Build
import Bytes
import Testing

struct BuildRequestTests {
    private static let commit = String(repeating: "a", count: 40)
    private static let good =
        #"{"format":"martlet-build-request-1","source":{"repository":"https://g/x","commit":"\#(commit)"},"package":"a:b"}"#

    @Test("a request reads back as it is written")
    func roundTrip() throws {
        let text = #"""
            {"format":"martlet-build-request-1","source":{"commit":"\#(Self.commit)","repository":"https://g/x",
            "ref":"refs/tags/v1.0"},"package":"a/b:c","directory":"sub/dir","variant":"v","arguments":{"b":"2","a":"1"},
            "withoutTests":true}
            """#
        let request = try BuildRequest(parsing: Array(text.utf8))
        #expect(request.arguments == ["a": "1", "b": "2"])
        #expect(request.source == .repository("https://g/x", ref: "refs/tags/v1.0"))
        #expect(try BuildRequest(parsing: request.json.bytes()) == request)
        #expect(request.json.canonical() == (try JSON(parsing: text)).canonical())
        #expect(try BuildRequest(parsing: Array(Self.good.utf8)).withoutTests == false)
    }

    @Test(
        "a request that says anything else is refused",
        arguments: [
            ("\"a:b\"", "\"ab\""), ("\"a:b\"", "\":b\""), ("\"a:b\"", "\"a:b\\n\""), ("-request-1", "-request-2"),
            ("aaaa\"}", "aaa\"}"), ("aaaa\"}", "AAAA\"}"), ("https://g/x", "--upload-pack=x"),
            ("https://g/x", "https://u:p@g/x"), ("\"package\"", "\"builder\":\"me\",\"package\""),
            ("\"commit\"", "\"ref\":\"main\",\"commit\""), ("\"commit\"", "\"ref\":\"refs/heads/../x\",\"commit\""),
            ("\"commit\"", "\"ref\":\"refs/heads/-x\",\"commit\""),
            ("\"commit\"", "\"ref\":\"refs/heads/x.lock\",\"commit\""),
            ("\"commit\"", "\"ref\":\"refs/heads/a b\",\"commit\""),
            ("\"commit\"", "\"ref\":\"refs/pull/1/head\",\"commit\""),
            ("\"commit\"", "\"upload\":\"sha256:00\",\"commit\""), ("\"commit\"", "\"depth\":1,\"commit\""),
            ("\"package\"", "\"directory\":\"..\",\"package\""), ("\"package\"", "\"directory\":\"/x\",\"package\""),
            ("\"package\"", "\"directory\":\"a//b\",\"package\""),
            ("\"package\"", "\"directory\":\".git\",\"package\""),
            ("\"package\"", "\"arguments\":[],\"package\""), ("\"package\"", "\"arguments\":{\"a\":1},\"package\""),
            ("\"package\"", "\"arguments\":{\"\":\"\"},\"package\""), ("\"package\"", "\"withoutTests\":1,\"package\""),
            ("\"package\"", "\"variant\":3,\"package\""),
        ])
    func refusals(from: String, to: String) throws {
        let text = Self.good.replacing(from, with: to)
        #expect(text != Self.good)
        #expect(throws: AttestError.self) { try BuildRequest(parsing: Array(text.utf8)) }
    }

    @Test("a request has limits")
    func limits() throws {
        let many = (0..<65).map { "\"a\($0)\":\"\"" }.joined(separator: ",")
        for addition in ["\"arguments\":{\(many)}", "\"arguments\":{\"a\":\"\(String(repeating: "x", count: 9000))\"}"]
        {
            let text = Self.good.replacing("\"package\"", with: addition + ",\"package\"")
            #expect(throws: AttestError.self) { try BuildRequest(parsing: Array(text.utf8)) }
        }
        let long = Self.good + String(repeating: " ", count: BuildRequest.byteLimit)
        #expect(throws: AttestError.self) { try BuildRequest(parsing: Array(long.utf8)) }
    }
}
