internal import Bytes

/// One paragraph of a Debian control file (deb822(5)): fields with values, continuation lines kept.
struct ControlStanza: Hashable, Sendable {
    /// Lower-case names with values. A continuation line stands after a line feed, without its first blank.
    private var fields: [String: String] = [:]

    static let fieldLimit = 1000

    subscript(name: String) -> String? { fields[name.lowercased()] }

    init() {}

    /// Reads one paragraph, without the empty line at its end.
    init(parsing bytes: ArraySlice<UInt8>) throws(ParseError) {
        var name: String?
        var value: [UInt8] = []
        func store(_ fields: inout [String: String], _ name: String?, _ value: [UInt8], _ at: Int) throws(ParseError) {
            guard let name else { return }
            guard let text = String(validating: value, as: UTF8.self) else {
                throw ParseError("the field \(name) is not UTF-8", at: at)
            }
            guard fields[name] == nil else { throw ParseError("the field \(name) appears twice", at: at) }
            guard fields.count < Self.fieldLimit else { throw ParseError("there are too many fields", at: at) }
            fields[name] = text
        }
        for line in bytes.split(separator: 0x0A) {
            let first = line[line.startIndex]
            if first == UInt8(ascii: "#") { continue }
            if first == 0x20 || first == 0x09 {
                guard name != nil else { throw ParseError("a continuation without a field", at: line.startIndex) }
                value.append(0x0A)
                value += Self.trimmed(line.dropFirst())
                continue
            }
            try store(&fields, name, value, line.startIndex)
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy({ 0x21...0x7E ~= $0 })
            else { throw ParseError("a line is neither a field nor its continuation", at: line.startIndex) }
            name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            value = Array(Self.trimmed(line[(colon + 1)...]))
        }
        try store(&fields, name, value, bytes.endIndex)
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
        var text = text
        while let first = text.first, isBlank(first) { text.removeFirst() }
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }

    /// The paragraphs of a file, as slices.
    static func paragraphs(of bytes: [UInt8], limit: Int) throws(ParseError) -> [ArraySlice<UInt8>] {
        var out: [ArraySlice<UInt8>] = []
        var start = 0
        var lineStart = 0
        func isEmptyLine(_ from: Int, _ to: Int) -> Bool { from == to || to - from == 1 && bytes[from] == 0x0D }
        for at in 0...bytes.count where at == bytes.count || bytes[at] == 0x0A {
            if isEmptyLine(lineStart, at) {
                if lineStart > start { out.append(bytes[start..<lineStart]) }
                start = min(at + 1, bytes.count)
                guard out.count <= limit else { throw ParseError("there are more than \(limit) paragraphs", at: at) }
            }
            lineStart = at + 1
        }
        if start < bytes.count { out.append(bytes[start...]) }
        return out
    }
}
