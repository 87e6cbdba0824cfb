/// `${name}` references: the rules of specs/build.md section 3.4.
enum Substitution {
    /// Names that martlet itself gives a value, after linking.
    enum BuiltIn: String, CaseIterable {
        case packageVersion = "__pkg_version"
        case gitCommit = "__git_commit"
        case shortGitCommit = "__git_commit_short"

        /// Those that depend on the commit.
        static let ofCommit: Set<String> = [gitCommit.rawValue, shortGitCommit.rawValue]
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Calls `body` with the name and the place of each reference.
    private static func forEach(in text: some RandomAccessCollection<UInt8>, _ body: (String, Range<Int>) -> Void) {
        let bytes = Array(text)
        var index = 0
        while index + 3 < bytes.count {
            guard bytes[index] == UInt8(ascii: "$"), bytes[index + 1] == UInt8(ascii: "{") else {
                index += 1
                continue
            }
            var end = index + 2
            while end < bytes.count, isWord(bytes[end]) { end += 1 }
            if end > index + 2, end < bytes.count, bytes[end] == UInt8(ascii: "}") {
                body(String(decoding: bytes[(index + 2)..<end], as: UTF8.self), index..<(end + 1))
                index = end + 1
            } else {
                index += 1
            }
        }
    }

    /// `text` with each known name replaced by its value; unknown ones stay.
    static func replace(_ text: [UInt8], with values: [String: String]) -> [UInt8] {
        var out: [UInt8] = []
        var copied = 0
        forEach(in: text) { name, range in
            guard let value = values[name] else { return }
            out += text[copied..<range.lowerBound]
            out += Array(value.utf8)
            copied = range.upperBound
        }
        return copied == 0 ? text : out + text[copied...]
    }

    static func replace(_ text: String, with values: [String: String]) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        return String(decoding: replace(Array(text.utf8), with: values), as: UTF8.self)
    }

    /// The names that `text` refers to.
    static func names(in text: String) -> Set<String> {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return [] }
        var names: Set<String> = []
        forEach(in: Array(text.utf8)) { name, _ in names.insert(name) }
        return names
    }

    /// The names that the values and keys below `node` refer to; comments don't count.
    static func names(in node: YAMLNode) -> Set<String> {
        var names = names(in: node.value)
        for child in node.content { names.formUnion(self.names(in: child)) }
        return names
    }
}
