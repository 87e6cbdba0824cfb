internal import Bytes
package import Host

/// Reads the tar archive of a layer, which may be hostile. Takes all that runtimes take, devices and repeated names
/// included; nothing is written to disk. A path that leads out of the root is refused.
package struct LayerReader: ~Copyable {
    private let source: ByteReader
    private var left = 0
    private var padding = 0
    private var count = 0
    private var extended = Extended()
    private var global = Extended()

    /// The most entries of a layer.
    package static let greatestCount = 4_000_000
    private static let greatestHeader = 1 << 20
    private static let greatestPath = 4096

    /// What extended headers say of the next entry.
    private struct Extended {
        var path: [UInt8]?
        var link: [UInt8]?
        var size: Int?
        var owner: Int?
        var group: Int?
        var modified: Int?
    }

    package init(_ source: ByteReader) { self.source = source }

    /// The next entry, after the content of the one before, read or not; `nil` at the end.
    package mutating func next() throws -> LayerChange? {
        guard try source.skip(left + padding) else { throw Self.error("the layer ends inside a file", source) }
        (left, padding) = (0, 0)
        while true {
            let block = try source.read(512)
            guard block.count == 512 else {
                // Some writers leave out the empty blocks at the end.
                guard block.isEmpty, count > 0 else { throw Self.error("the layer ends inside a header", source) }
                return nil
            }
            if block.allSatisfy({ $0 == 0 }) { return nil }
            let size = try Self.number(block[124..<136], source)
            try check(block)
            switch block[156] {
            case UInt8(ascii: "x"): extended = try records(size, onto: extended)
            case UInt8(ascii: "g"): global = try records(size, onto: global)
            case UInt8(ascii: "L"): extended.path = Array(try content(of: size).prefix { $0 != 0 })
            case UInt8(ascii: "K"): extended.link = Array(try content(of: size).prefix { $0 != 0 })
            default: return try entry(block, size)
            }
        }
    }

    /// The next bytes of the current entry's content; `nil` at its end.
    package mutating func nextPart() throws -> [UInt8]? {
        guard left > 0 else { return nil }
        guard let part = try source.next(limit: left) else { throw Self.error("the layer ends inside a file", source) }
        left -= part.count
        return Array(part)
    }

    private mutating func entry(_ block: [UInt8], _ headerSize: Int) throws -> LayerChange {
        count += 1
        guard count <= Self.greatestCount else {
            throw RegistryError(.limit, "the layer has more than \(Self.greatestCount) entries")
        }
        let facts = extended
        extended = Extended()
        let size = facts.size ?? global.size ?? headerSize
        let raw = facts.path ?? Self.name(block)
        let path = try Self.path(raw, source)
        let isUstarOrGNU = block[257..<262].elementsEqual("ustar".utf8)
        var entry = LayerChange(
            path: path, kind: .special,
            mode: UInt16(truncatingIfNeeded: try Self.number(block[100..<108], source) & 0o7777),
            owner: try facts.owner ?? global.owner ?? Self.number(block[108..<116], source),
            group: try facts.group ?? global.group ?? Self.number(block[116..<124], source),
            modified: try facts.modified ?? global.modified ?? Self.number(block[136..<148], source), size: 0)
        let link = facts.link ?? Array(block[157..<257].prefix { $0 != 0 })
        switch block[156] {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
            entry.kind = raw.last == UInt8(ascii: "/") && !isUstarOrGNU ? .directory : .file
            entry.size = size
            left = size
            padding = (512 - size % 512) % 512
        case UInt8(ascii: "5"): entry.kind = .directory
        case UInt8(ascii: "2"): entry.kind = .link(String(decoding: link.prefix(Self.greatestPath), as: UTF8.self))
        case UInt8(ascii: "1"): entry.kind = .hardLink(try Self.path(link, source))
        case UInt8(ascii: "3"), UInt8(ascii: "4"), UInt8(ascii: "6"): break
        default:
            left = size
            padding = (512 - size % 512) % 512
        }
        return entry.asChange()
    }

    /// Reads an extended header (POSIX.1-2017 pax): records `LENGTH KEY=VALUE\n`.
    private mutating func records(_ size: Int, onto known: Extended) throws -> Extended {
        var out = known
        var rest = try content(of: size)[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0 != UInt8(ascii: " ") }
            guard digits.count <= 10, let length = Int(String(decoding: digits, as: UTF8.self)),
                length > digits.count + 1, length <= rest.count
            else { throw Self.error("an extended header is malformed", source) }
            let record = rest.prefix(length).dropFirst(digits.count + 1)
            guard record.last == UInt8(ascii: "\n"), let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw Self.error("an extended header is malformed", source)
            }
            let value = Array(record[(equals + 1)...].dropLast())
            let text = String(decoding: value, as: UTF8.self)
            switch String(decoding: record[..<equals], as: UTF8.self) {
            case "path": out.path = value
            case "linkpath": out.link = value
            case "size": out.size = try Self.count(text, source)
            case "uid": out.owner = try Self.count(text, source)
            case "gid": out.group = try Self.count(text, source)
            case "mtime": out.modified = Int(text.prefix { $0 != "." })
            case let key where key.hasPrefix("GNU.sparse."):
                throw RegistryError(.unsupported, "the layer has a sparse file, which is not read")
            default: break
            }
            rest = rest.dropFirst(length)
        }
        return out
    }

    private func content(of size: Int) throws -> [UInt8] {
        guard size <= Self.greatestHeader else { throw Self.error("an extended header is too large", source) }
        let bytes = try source.read(size)
        guard bytes.count == size, try source.skip((512 - size % 512) % 512) else {
            throw Self.error("the layer ends inside an extended header", source)
        }
        return bytes
    }

    /// A header whose sum is wrong is no header: reading on would take content for structure.
    private func check(_ block: [UInt8]) throws {
        var sum = 0
        for (index, byte) in block.enumerated() { sum += 148..<156 ~= index ? 32 : Int(byte) }
        guard try Self.number(block[148..<156], source) == sum else {
            throw Self.error("a header's checksum is wrong", source)
        }
    }

    private static func name(_ block: [UInt8]) -> [UInt8] {
        let name = Array(block[0..<100].prefix { $0 != 0 })
        guard block[257..<263].elementsEqual("ustar\0".utf8) else { return name }
        let prefix = Array(block[345..<500].prefix { $0 != 0 })
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    private static func path(_ raw: [UInt8], _ source: ByteReader) throws -> String {
        guard raw.count <= greatestPath else { throw error("a path is too long", source) }
        guard let path = LayerChange.normalized(String(decoding: raw, as: UTF8.self)) else {
            throw error(
                "the path '\(String(decoding: raw.prefix(200), as: UTF8.self).safeForTerminal)' leads out of the image",
                source)
        }
        return path
    }

    private static func count(_ text: String, _ source: ByteReader) throws -> Int {
        guard let number = Int(text), 0..<Int.max >> 1 ~= number else {
            throw error("a number in an extended header is out of range", source)
        }
        return number
    }

    /// An octal number, or GNU's binary form for large ones.
    private static func number(_ field: ArraySlice<UInt8>, _ source: ByteReader) throws -> Int {
        if let first = field.first, first & 0x80 != 0 {
            guard first == 0x80, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }) else {
                // Times before 1970 are negative, and nothing else may be.
                guard first == 0xFF else { throw error("a number in a header is out of range", source) }
                return 0
            }
            let value = field.dropFirst().suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard value <= UInt64(Int.max) >> 1 else { throw error("a number in a header is out of range", source) }
            return Int(value)
        }
        var value = 0
        for digit in field.drop(while: { $0 == UInt8(ascii: " ") }).prefix(while: { $0 != 0 && $0 != UInt8(ascii: " ") }
        ) {
            guard UInt8(ascii: "0")...UInt8(ascii: "7") ~= digit else {
                throw error("a number in a header is malformed", source)
            }
            value = value << 3 | Int(digit & 7)
        }
        return value
    }

    private static func error(_ message: String, _ source: ByteReader) -> RegistryError {
        RegistryError(.malformed, "\(message) (at byte \(source.position) of the unpacked layer)")
    }
}
