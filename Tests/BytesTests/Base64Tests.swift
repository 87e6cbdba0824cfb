import Bytes
import Testing

@Suite("Base 64")
struct Base64Tests {
    @Test("the vectors of RFC 4648, section 10")
    func vectors() throws {
        let cases = [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
        for (plain, encoded) in cases {
            #expect(Base64.encode(Array(plain.utf8)) == encoded)
            #expect(try Base64.decode(encoded) == Array(plain.utf8))
            let bare = String(encoded.prefix { $0 != "=" })
            #expect(Base64.encode(Array(plain.utf8), padded: false) == bare)
            #expect(try Base64.decode(bare, requiresPadding: false) == Array(plain.utf8))
        }
    }

    @Test("every length and byte value survives, in both alphabets")
    func roundTrip() throws {
        let all = (0...255).map(UInt8.init)
        for start in 0..<6 {
            let bytes = Array(all[start...])
            for alphabet in [Base64.Alphabet.standard, .urlSafe] {
                let text = Base64.encode(bytes, alphabet: alphabet)
                #expect(try Base64.decode(text, alphabet: alphabet) == bytes)
                #expect(try Base64.decode(text, alphabet: .either) == bytes)
            }
        }
        #expect(Base64.encode([0xFB, 0xFF]) == "+/8=")
        #expect(Base64.encode([0xFB, 0xFF], alphabet: .urlSafe) == "-_8=")
    }

    @Test(
        "text that is not exactly base64 is refused",
        arguments: [
            "Z", "Zg", "Zg=", "Zg===", "=", "====", "Zh==", "Zm9=", "Zm9v=", "Zm 9v", "Zm9v\n", "Zm-v", "Zm9vé", "Z=g=",
            "Zg==Zg==",
        ])
    func refused(text: String) {
        #expect(throws: ParseError.self) { try Base64.decode(text) }
    }

    @Test("one text can't mix the alphabets")
    func mixed() throws {
        #expect(throws: ParseError.self) { try Base64.decode("+_8=", alphabet: .either) }
        #expect(throws: ParseError.self) { try Base64.decode("+/8=", alphabet: .urlSafe) }
        #expect(throws: ParseError.self) { try Base64.decode("-_8=") }
    }
}
