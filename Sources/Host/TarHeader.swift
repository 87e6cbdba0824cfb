/// The fields of one 512-byte tar header (POSIX.1-2017 ustar, and GNU's variant of it).
struct TarHeader {
    /// Headers that say something about the next entry.
    enum Extended { case pax, global, longName, longLink }

    var name: [UInt8]
    var prefix: [UInt8]
    var linkName: [UInt8]
    var mode: Int
    var owner: Int
    var group: Int
    var modified: Int
    var size: Int
    var type: UInt8

    init(_ block: [UInt8], at offset: Int) throws {
        let sum = block.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
        guard try Self.number(block[148..<156], at: offset) == sum else {
            throw TarReader.error("a header's checksum is wrong", offset)
        }
        let isUstar = block[257..<263].elementsEqual(Array("ustar\0".utf8))
        guard isUstar || block[257..<265].elementsEqual(Array("ustar  \0".utf8)) else {
            throw TarReader.error("a header is of no known format", offset)
        }
        name = Self.text(block[0..<100])
        linkName = Self.text(block[157..<257])
        prefix = isUstar ? Self.text(block[345..<500]) : []
        mode = try Self.number(block[100..<108], at: offset)
        // What most readers ignore is not worth refusing an archive for; times before 1970 are written as negative.
        owner = (try? Self.number(block[108..<116], at: offset)) ?? 0
        group = (try? Self.number(block[116..<124], at: offset)) ?? 0
        modified = (try? Self.number(block[136..<148], at: offset)) ?? 0
        size = try Self.number(block[124..<136], at: offset)
        type = block[156] == 0 ? UInt8(ascii: "0") : block[156]
    }

    var extendedKind: Extended? {
        switch type {
        case UInt8(ascii: "x"): .pax
        case UInt8(ascii: "g"): .global
        case UInt8(ascii: "L"): .longName
        case UInt8(ascii: "K"): .longLink
        default: nil
        }
    }

    private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] { Array(field.prefix { $0 != 0 }) }

    /// An octal number, or GNU's binary form for large ones.
    private static func number(_ field: ArraySlice<UInt8>, at offset: Int) throws -> Int {
        if let first = field.first, first & 0x80 != 0 {
            guard first == 0x80, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }) || field.count <= 8 else {
                throw TarReader.error("a number in a header is out of range", offset)
            }
            let value = field.dropFirst().suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard value <= UInt64(Int.max) >> 1 else {
                throw TarReader.error("a number in a header is out of range", offset)
            }
            return Int(value)
        }
        let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else {
                throw TarReader.error("a number in a header is malformed", offset)
            }
            value = value << 3 | Int(digit & 7)
        }
        return value
    }
}
