internal import Bytes

/// A TOML 1.0 document, as far as lock files use it: everything but that dates stay text.
struct TOML {
    /// The document as one table; dates and times are strings.
    private(set) var root: JSON
    /// For each array of tables at the top, such as `package`, the lines of its headers.
    private(set) var lines: [String: [Int]] = [:]

    /// Reads a document, strictly: no key twice, no table twice.
    init(parsing bytes: [UInt8]) throws(InventoryError) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw InventoryError(.malformed, "the text is not UTF-8")
        }
        var parser = TOMLParser(bytes)
        try parser.parse()
        root = parser.root.json(depth: 0)
        lines = parser.lines
    }
}

/// A table that is being filled. A class, since headers come back to tables that were opened before.
private final class TOMLTable {
    enum Value {
        case json(JSON)
        case table(TOMLTable)
        case tables([TOMLTable])
    }

    var keys: [String] = []
    var values: [String: Value] = [:]
    /// Whether a header or an assignment has said all of it.
    var isDefined = false

    func json(depth: Int) -> JSON {
        var object = JSONObject()
        for key in keys {
            switch values[key] {
            case .json(let json): object[key] = json
            case .table(let table): object[key] = table.json(depth: depth + 1)
            case .tables(let tables): object[key] = .array(tables.map { $0.json(depth: depth + 1) })
            case nil: break
            }
        }
        return .object(object)
    }

    func set(_ key: String, _ value: Value) {
        if values.updateValue(value, forKey: key) == nil { keys.append(key) }
    }
}

private struct TOMLParser {
    private static let depthLimit = 64
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1
    let root = TOMLTable()
    private(set) var lines: [String: [Int]] = [:]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
    }

    private func failure(_ message: String) -> InventoryError { InventoryError(.malformed, message, line: line) }

    private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let byte = peek, UInt32(byte) == character.value else { return false }
        at += 1
        return true
    }

    private func hasPrefix(_ text: StaticString) -> Bool {
        let wanted = "\(text)".utf8
        return bytes[at...].starts(with: wanted)
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 { at += 1 }
    }

    private mutating func skipComment() {
        guard peek == UInt8(ascii: "#") else { return }
        while let byte = peek, byte != 0x0A { at += 1 }
    }

    /// Goes over spaces, comments and line ends.
    private mutating func skipLines() {
        while true {
            skipSpace()
            skipComment()
            if peek == 0x0A {
                line += 1
                at += 1
            } else if hasPrefix("\r\n") {
                line += 1
                at += 2
            } else {
                return
            }
        }
    }

    private mutating func endLine() throws(InventoryError) {
        skipSpace()
        skipComment()
        guard peek == nil || peek == 0x0A || hasPrefix("\r\n") else {
            throw failure("there is more in the line after the value")
        }
    }

    mutating func parse() throws(InventoryError) {
        var table = root
        skipLines()
        while peek != nil {
            if take("[") {
                table = try header()
            } else {
                try assignment(to: table)
            }
            try endLine()
            skipLines()
        }
    }

    private mutating func header() throws(InventoryError) -> TOMLTable {
        let isArray = take("[")
        let start = line
        skipSpace()
        let path = try keyPath()
        skipSpace()
        guard take("]"), !isArray || take("]") else { throw failure("the table's name is not closed with ]") }
        var table = root
        for key in path.dropLast() { table = try descend(table, key) }
        let last = path[path.count - 1]
        if isArray {
            let new = TOMLTable()
            switch table.values[last] {
            case nil: table.set(last, .tables([new]))
            case .tables(let list): table.set(last, .tables(list + [new]))
            default: throw failure("\(last) is no array of tables")
            }
            if path.count == 1 { lines[last, default: []].append(start) }
            return new
        }
        let found = try descend(table, last)
        guard !found.isDefined else { throw failure("the table \(last) appears twice") }
        found.isDefined = true
        return found
    }

    /// The table called `key`, made where it is not there; of an array of tables the last one.
    private func descend(_ table: TOMLTable, _ key: String) throws(InventoryError) -> TOMLTable {
        switch table.values[key] {
        case nil:
            let new = TOMLTable()
            table.set(key, .table(new))
            return new
        case .table(let found): return found
        case .tables(let list):
            guard let last = list.last else { throw failure("\(key) is empty") }
            return last
        case .json: throw failure("\(key) is no table")
        }
    }

    private mutating func assignment(to table: TOMLTable) throws(InventoryError) {
        let path = try keyPath()
        skipSpace()
        guard take("=") else { throw failure("expected = after a key") }
        skipSpace()
        var target = table
        for key in path.dropLast() {
            target = try descend(target, key)
            target.isDefined = true
        }
        let last = path[path.count - 1]
        guard target.values[last] == nil else { throw failure("the key \(last) appears twice") }
        target.set(last, .json(try value(depth: 0)))
    }

    private mutating func keyPath() throws(InventoryError) -> [String] {
        var path: [String] = []
        repeat {
            skipSpace()
            path.append(try key())
            skipSpace()
            guard path.count <= Self.depthLimit else { throw failure("keys nest too deep") }
        } while take(".")
        return path
    }

    private mutating func key() throws(InventoryError) -> String {
        if peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") { return try string() }
        let start = at
        while let byte = peek, Self.isBare(byte) { at += 1 }
        guard at > start else { throw failure("expected a key") }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    // MARK: - Values

    private mutating func value(depth: Int) throws(InventoryError) -> JSON {
        guard depth <= Self.depthLimit else { throw failure("values nest too deep") }
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string())
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "{"): return try inlineTable(depth: depth)
        default: return try bareValue()
        }
    }

    private mutating func array(depth: Int) throws(InventoryError) -> JSON {
        at += 1
        var out: [JSON] = []
        skipLines()
        while !take("]") {
            out.append(try value(depth: depth + 1))
            skipLines()
            if take(",") {
                skipLines()
            } else if peek != UInt8(ascii: "]") {
                throw failure("expected , or ] in an array")
            }
        }
        return .array(out)
    }

    private mutating func inlineTable(depth: Int) throws(InventoryError) -> JSON {
        at += 1
        let table = TOMLTable()
        skipLines()
        while !take("}") {
            let path = try keyPath()
            skipSpace()
            guard take("=") else { throw failure("expected = after a key") }
            skipSpace()
            var target = table
            for key in path.dropLast() { target = try descend(target, key) }
            let last = path[path.count - 1]
            guard target.values[last] == nil else { throw failure("the key \(last) appears twice") }
            target.set(last, .json(try value(depth: depth + 1)))
            skipLines()
            if take(",") {
                skipLines()
            } else if peek != UInt8(ascii: "}") {
                throw failure("expected , or } in a table")
            }
        }
        return table.json(depth: 0)
    }

    /// Numbers, truth values and dates.
    private mutating func bareValue() throws(InventoryError) -> JSON {
        let start = at
        while let byte = peek, Self.isBare(byte) || byte == 0x2E || byte == 0x3A || byte == 0x2B { at += 1 }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        switch text {
        case "true": return true
        case "false": return false
        case "": throw failure("expected a value")
        default: break
        }
        let digits = text.replacing("_", with: "")
        if let number = Int(digits) { return .integer(number) }
        if let number = Double(digits), let json = JSONNumber(number) { return .number(json) }
        guard let first = text.utf8.first, 0x30...0x39 ~= first || first == 0x2B || first == 0x2D else {
            throw failure("\(text) is no value")
        }
        return .string(text)
    }

    // MARK: - Strings

    private mutating func string() throws(InventoryError) -> String {
        let quote = bytes[at]
        let isLiteral = quote == UInt8(ascii: "'")
        let isLong = bytes[at...].starts(with: [quote, quote, quote])
        at += isLong ? 3 : 1
        if isLong, peek == 0x0A || hasPrefix("\r\n") {
            at += peek == 0x0A ? 1 : 2
            line += 1
        }
        var out: [UInt8] = []
        while let byte = peek {
            if byte == quote {
                if !isLong {
                    at += 1
                    return String(decoding: out, as: UTF8.self)
                }
                let run = bytes[at...].prefix(5).prefix { $0 == quote }.count
                if run >= 3 {
                    // Up to two quotes may stand right before the closing three.
                    out += [UInt8](repeating: quote, count: run - 3)
                    at += run
                    return String(decoding: out, as: UTF8.self)
                }
            }
            if byte == 0x0A {
                guard isLong else { break }
                line += 1
            }
            at += 1
            if byte == UInt8(ascii: "\\"), !isLiteral {
                try escape(&out, isLong: isLong)
            } else {
                out.append(byte)
            }
        }
        throw failure("a string has no end")
    }

    private mutating func escape(_ out: inout [UInt8], isLong: Bool) throws(InventoryError) {
        guard let byte = peek else { throw failure("a string has no end") }
        at += 1
        switch byte {
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "e"): out.append(0x1B)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.append(byte)
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let count = byte == UInt8(ascii: "u") ? 4 : 8
            let digits = String(decoding: bytes[at...].prefix(count), as: UTF8.self)
            guard digits.utf8.count == count, let value = UInt32(digits, radix: 16),
                let scalar = Unicode.Scalar(value)
            else { throw failure("\\\(digits) is no character") }
            at += count
            out += String(Character(scalar)).utf8
        case _ where isLong && [0x20, 0x09, 0x0A, 0x0D].contains(byte):
            at -= 1
            while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
                if byte == 0x0A { line += 1 }
                at += 1
            }
        default: throw failure("an unknown escape in a string")
        }
    }
}
