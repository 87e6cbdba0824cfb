import Bytes
import Testing

@Suite("Writing JSON")
struct JSONWritingTests {
    @Test("numbers are canonical as in RFC 8785, appendix B")
    func canonicalNumbers() throws {
        // IEEE 754 bits and the text that ECMAScript prints.
        let cases: [(UInt64, String)] = [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"), (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"), (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"), (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"), (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"), (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ]
        for (bits, text) in cases {
            let number = try #require(JSONNumber(Double(bitPattern: bits)))
            #expect(number.text == text)
            #expect(number.canonicalText == text)
        }
        #expect(JSONNumber(.infinity) == nil)
        #expect(JSONNumber(.nan) == nil)
    }

    @Test("numbers of every spelling are rewritten to one")
    func respelledNumbers() throws {
        let cases = [
            ("1E30", "1e+30"), ("4.50", "4.5"), ("2e-3", "0.002"), ("-0", "0"), ("-0.0", "0"), ("100", "100"),
            ("1e2", "100"),
            ("1e-7", "1e-7"), ("123e18", "123000000000000000000"), ("0.000000000000000000000000001", "1e-27"),
            ("333333333.33333329", "333333333.3333333"), ("9007199254740993", "9007199254740992"),
            ("1e20", "100000000000000000000"),
        ]
        for (text, canonical) in cases {
            #expect(try String(decoding: JSON(parsing: text).canonical(), as: UTF8.self) == canonical)
            #expect(try JSON(parsing: text).text() == text)
        }
    }

    @Test("members are sorted as in RFC 8785, section 3.2.3")
    func canonicalOrder() throws {
        let text = #"""
            {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
             "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}
            """#
        let order = try JSON(parsing: JSON(parsing: text).canonical()).objectValue?.map(\.value.stringValue)
        #expect(
            order == [
                "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign",
                "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh",
            ])
    }

    @Test("the example of RFC 8785, section 3.2.2, has its canonical bytes")
    func canonicalExample() throws {
        let text = #"""
            {"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
             "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}
            """#
        let expected =
            #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#
            + #""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        #expect(try String(decoding: JSON(parsing: text).canonical(), as: UTF8.self) == expected)
    }

    @Test("indented text has two spaces a level and nothing inside empty containers")
    func indented() {
        let value: JSON = ["a": [1, ["b": nil]], "c": [], "d": [:], "e": "x\u{7F}\u{1}\u{8}\u{C}/"]
        let expected = """
            {
              "a": [
                1,
                {
                  "b": null
                }
              ],
              "c": [],
              "d": {},
              "e": "x\u{7F}\\u0001\\b\\f/"
            }
            """
        // An empty dictionary literal is an object, an empty array literal an array.
        #expect(value.text(indented: true) == expected)
        #expect(value.text() == #"{"a":[1,{"b":null}],"c":[],"d":{},"e":"x\#u{7F}\u0001\b\f/"}"#)
    }

    @Test("members can be replaced, added and removed")
    func mutation() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["a"] = "x"
        object["c"] = true
        object["b"] = .some(nil)
        #expect(JSON.object(object).text() == #"{"a":"x","b":null,"c":true}"#)
        object["b"] = .none
        #expect(object.keys == ["a", "c"])
        for index in 0..<40 { object["k\(index)"] = .integer(index) }
        for index in 0..<20 { object["k\(index)"] = .none }
        #expect(object.keys == ["a", "c"] + (20..<40).map { "k\($0)" })
        #expect(object["k39"]?.intValue == 39)
        #expect(object["k3"] == nil)
        let added = object.append("k30", 0)
        #expect(!added)
    }

    @Test("any value reads back as itself, and its canonical form is a fixed point")
    func roundTrip() throws {
        var random = SplitMix(state: 7)
        for _ in 0..<200 {
            let value = randomValue(depth: 0, &random)
            #expect(try JSON(parsing: value.bytes()) == value)
            #expect(try JSON(parsing: value.bytes(indented: true)) == value)
            let canonical = value.canonical()
            #expect(try JSON(parsing: canonical).canonical() == canonical)
        }
    }

    @Test("the canonical text of any number reads back as the same number")
    func numberRoundTrip() throws {
        var random = SplitMix(state: 11)
        for _ in 0..<2000 {
            let value = Double(bitPattern: random.next())
            guard let number = JSONNumber(value) else { continue }
            #expect(Double(number.text) == value)
            #expect(try JSON(parsing: number.text).doubleValue == value)
        }
    }

    private func randomValue(depth: Int, _ random: inout SplitMix) -> JSON {
        switch random.next() % (depth < 4 ? 7 : 5) {
        case 0: return nil
        case 1: return .bool(random.next() % 2 == 0)
        case 2: return .integer(Int(truncatingIfNeeded: random.next()))
        case 3: return JSONNumber(Double(bitPattern: random.next())).map(JSON.number) ?? nil
        case 4: return .string(randomText(&random))
        case 5: return .array((0..<Int(random.next() % 5)).map { _ in randomValue(depth: depth + 1, &random) })
        default:
            var object = JSONObject()
            for _ in 0..<random.next() % 20 {
                _ = object.append(randomText(&random), randomValue(depth: depth + 1, &random))
            }
            return .object(object)
        }
    }

    private func randomText(_ random: inout SplitMix) -> String {
        var text = ""
        for _ in 0..<random.next() % 8 {
            let range: UInt32 = [0x80, 0x800, 0x10000, 0x110000][Int(random.next() % 4)]
            if let scalar = Unicode.Scalar(UInt32(truncatingIfNeeded: random.next()) % range) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

/// A small generator whose sequence depends only on its seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
