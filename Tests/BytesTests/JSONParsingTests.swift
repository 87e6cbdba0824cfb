import Bytes
import Testing

@Suite("Reading JSON")
struct JSONParsingTests {
    @Test("values of every kind are read as they were written")
    func everyKind() throws {
        let text =
            #" {"b": [true, false, null], "a": -12.50e+3, "é": "\u00e9\n\ud83d\ude00\/", "": {}, "n": 7}"# + "\r\n\t"
        let value = try JSON(parsing: text)
        #expect(value.objectValue?.keys == ["b", "a", "é", "", "n"])
        #expect(value["b"] == [true, false, nil])
        #expect(value["b"]?[1] == false)
        #expect(value["b"]?[3] == nil)
        guard case .number(let number)? = value["a"] else { throw ParseError("no number", at: 0) }
        #expect(number.text == "-12.50e+3")
        #expect(number.intValue == -12500)
        #expect(value["é"]?.stringValue == "é\n😀/")
        #expect(value[""]?.objectValue?.isEmpty == true)
        #expect(value["n"]?.intValue == 7)
        #expect(value["missing"] == nil)
    }

    @Test(
        "malformed text is refused at the offending byte",
        arguments: [
            ("", 0), ("  ", 2), ("nul", 0), ("nulL", 0), ("True", 0), ("[1,]", 3), ("[,1]", 1), ("[1", 2), ("[1 2]", 3),
            ("[", 1), ("{", 1), ("{1:2}", 1), ("{\"a\"}", 4), ("{\"a\":}", 5), ("{\"a\":1,}", 7), ("{\"a\":1", 6),
            ("{\"a\":1 \"b\":2}", 7), ("1 2", 2), ("[] x", 3), ("01", 0), ("-", 1), ("-01", 0), ("+1", 0), (".5", 0),
            ("1.", 2), ("1.e5", 2), ("1e", 2), ("1e+", 3), ("NaN", 0), ("Infinity", 0), ("-Infinity", 1), ("0x10", 1),
            ("1e400", 0), ("-1e309", 0), ("\"", 1), ("\"a", 2), ("\"a\\", 2), ("\"\\x41\"", 1), ("\"\\u12\"", 5),
            ("\"\\u12G4\"", 5), ("\"\\ud800\"", 1), ("\"\\udc00\"", 1), ("\"a\\ud800\\u0041\"", 2),
            ("\"\\ud800\\n\"", 1),
            ("\"\\ud800\\ud800\"", 1), ("\"\u{1}\"", 1), ("\"tab\there\"", 4), ("\"line\nend\"", 5), ("'a'", 0),
            ("{a:1}", 1),
            ("// c\n1", 0), ("[1] // c", 4), ("{\"a\":1,\"a\":2}", 7), ("{\"a\":1,\"\\u0061\":2}", 7), ("\u{FEFF}1", 0),
            ("\u{A0}1", 0), ("[1}", 2), ("{\"a\":1]", 6),
        ])
    func malformed(text: String, offset: Int) throws {
        let error = try #require(throws: ParseError.self) { try JSON(parsing: text) }
        #expect(error.offset == offset)
    }

    @Test(
        "bytes that are not UTF-8 are refused",
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
            [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0x80, 0x22],
        ] as [[UInt8]])
    func notUTF8(bytes: [UInt8]) throws {
        let error = try #require(throws: ParseError.self) { try JSON(parsing: bytes) }
        #expect(error.offset == 1)
    }

    @Test("ten thousand levels are an error, and as many as the limit allows are read")
    func depth() throws {
        for open in ["[", "{\"a\":"] {
            let deep = String(repeating: open, count: 10_000)
            let error = try #require(throws: ParseError.self) { try JSON(parsing: deep) }
            #expect(error.message.contains("deeper than 128"))
        }
        let limits = JSONLimits(byteCount: 1 << 20, depth: 1_000_000)
        #expect(limits.depth == JSONLimits.greatestDepth)
        let allowed = String(repeating: "[", count: limits.depth) + String(repeating: "]", count: limits.depth)
        let value = try JSON(parsing: allowed, limits: limits)
        #expect(value.text() == allowed)
        #expect(throws: ParseError.self) { try JSON(parsing: "[" + allowed + "]", limits: limits) }
    }

    @Test("a document above the size limit is refused before it is read")
    func size() throws {
        let limits = JSONLimits(byteCount: 4, depth: 8)
        #expect(try JSON(parsing: "1234", limits: limits).intValue == 1234)
        #expect(throws: ParseError.self) { try JSON(parsing: "12345", limits: limits) }
    }

    @Test("a repeated name is found among few and among many members")
    func duplicates() throws {
        for count in [2, 12, 13, 14, 500] {
            let names = (0..<count).map { "\"k\($0)\":\($0)" }
            let object = try JSON(parsing: "{" + names.joined(separator: ",") + "}")
            for index in 0..<count { #expect(object["k\(index)"]?.intValue == index) }
            for repeated in [0, count / 2, count - 1] {
                let text = "{" + (names + ["\"k\(repeated)\":0"]).joined(separator: ",") + "}"
                #expect(throws: ParseError.self) { try JSON(parsing: text) }
            }
        }
    }

    @Test("names and strings that only look alike are different")
    func canonicalEquivalents() throws {
        // The Kelvin sign is canonically equivalent to the letter K.
        let object = try JSON(parsing: "{\"\u{212A}ey\":1,\"e\u{301}\":2,\"\u{E9}\":3}")
        #expect(object["Key"] == nil)
        #expect(object["\u{212A}ey"]?.intValue == 1)
        #expect(object["e\u{301}"]?.intValue == 2)
        #expect(object["\u{E9}"]?.intValue == 3)
        #expect(JSON.string("\u{212A}") != JSON.string("K"))
        #expect(JSON.string("e\u{301}") != JSON.string("\u{E9}"))
    }

    @Test("integers are exact and everything else is no integer")
    func integers() throws {
        let cases: [(String, Int?)] = [
            ("0", 0), ("-0", 0), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775808", nil), ("1.0", 1), ("10e-1", 1), ("1e3", 1000), ("1.5", nil), ("1e30", nil),
            ("9007199254740993", 9_007_199_254_740_993), ("9007199254740993.0", 9_007_199_254_740_992), ("1e-400", 0),
        ]
        for (text, expected) in cases { #expect(try JSON(parsing: text).intValue == expected, "\(text)") }
        #expect(JSON.string("1").intValue == nil)
    }

    @Test("cutting a document at any byte is an error and never a crash")
    func truncation() throws {
        let document = Array(
            #"{"a":[1,-2.5e+7,"x\u00e9\ud83d\ude00ü"],"b":{"c":null,"d":[true,false,{}]},"e":"\\\"end"}"#.utf8)
        _ = try JSON(parsing: document)
        for end in 0..<document.count {
            #expect(throws: ParseError.self) { try JSON(parsing: Array(document[..<end])) }
        }
    }

    @Test("flipping any bit gives an error or a value that reads back as itself")
    func bitFlips() throws {
        let document = Array(#"{"a":[1,-2.5e+7,"x\u00e9\ud83d\ude00ü"],"b":{"c":null,"d":[true,{}]}}"#.utf8)
        for at in document.indices {
            for bit in 0..<8 {
                var changed = document
                changed[at] ^= 1 << UInt8(bit)
                guard let value = try? JSON(parsing: changed) else { continue }
                #expect(try JSON(parsing: value.bytes()) == value)
                #expect(try JSON(parsing: value.bytes(indented: true)) == value)
            }
        }
    }
}
