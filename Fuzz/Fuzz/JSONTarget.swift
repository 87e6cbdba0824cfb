internal import Bytes

extension FuzzTarget {
    /// Reading JSON: what is written reads back equal, and the canonical form is one.
    static let json = FuzzTarget(name: "json") { input in
        guard let value = try? JSON(parsing: input) else { return }
        for indented in [false, true] {
            let again = try? JSON(parsing: value.bytes(indented: indented))
            require(again == value, "JSON reads back as it was written")
        }
        let canonical = value.canonical()
        guard let again = try? JSON(parsing: canonical) else { fatalError("canonical JSON is refused") }
        require(again.canonical() == canonical, "canonical JSON is its own canonical form")
    }

    /// Reading base64: what is accepted is the one text of its bytes.
    static let base64 = FuzzTarget(name: "base64") { input in
        guard let text = String(validating: input, as: UTF8.self) else { return }
        if let bytes = try? Base64.decode(text) {
            require(Base64.encode(bytes) == text, "one base64 text for one sequence of bytes")
        }
        if let bytes = try? Base64.decode(text, alphabet: .either, requiresPadding: false) {
            let spellings = [Base64.Alphabet.standard, .urlSafe].flatMap { alphabet in
                [true, false].map { Base64.encode(bytes, alphabet: alphabet, padded: $0) }
            }
            require(spellings.contains(text), "a lenient base64 text is one of four spellings")
        }
        require((try? Base64.decode(Base64.encode(input))) == input, "base64 reads back")
    }
}
