internal import Bytes

/// OpenPGP data as text (RFC 9580 section 6).
enum ASCIIArmor {
    /// The bytes of the first block with this label, such as `PGP SIGNATURE`, in lines of text; and the index of the line
    /// after it. A checksum that is there must be right.
    static func decode(
        _ label: String, _ lines: [ArraySlice<UInt8>], from start: Int
    ) throws(ParseError) -> (bytes: [UInt8], next: Int) {
        var index = start
        guard index < lines.count, trimmed(lines[index]).elementsEqual("-----BEGIN \(label)-----".utf8) else {
            throw ParseError("expected -----BEGIN \(label)-----", at: offset(lines, index))
        }
        index += 1
        // Headers up to an empty line.
        while index < lines.count, !trimmed(lines[index]).isEmpty {
            guard lines[index].contains(UInt8(ascii: ":")) else {
                throw ParseError("a line of the armor's head is no header", at: offset(lines, index))
            }
            index += 1
        }
        index += 1
        var text: [UInt8] = []
        var checksum: ArraySlice<UInt8>?
        while true {
            guard index < lines.count else { throw ParseError("the armor has no end", at: offset(lines, index)) }
            let line = trimmed(lines[index])
            index += 1
            if line.elementsEqual("-----END \(label)-----".utf8) { break }
            guard checksum == nil, line.first != UInt8(ascii: "-") else {
                throw ParseError("a line of the armor is not base64", at: line.startIndex)
            }
            if line.first == UInt8(ascii: "="), line.count == 5 {
                checksum = line.dropFirst()
            } else {
                text += line
            }
        }
        let bytes: [UInt8]
        do throws(ParseError) {
            bytes = try Base64.decode(String(decoding: text, as: UTF8.self))
            if let checksum {
                let wanted = try Base64.decode(String(decoding: checksum, as: UTF8.self))
                let sum = crc24(bytes)
                guard wanted == [UInt8(sum >> 16 & 255), UInt8(sum >> 8 & 255), UInt8(sum & 255)] else {
                    throw ParseError("the checksum is wrong", at: 0)
                }
            }
        } catch {
            throw ParseError("the armor can't be decoded: \(error.message)", at: offset(lines, start))
        }
        return (bytes, index)
    }

    /// The line without white space at its end.
    static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        while let last = line.last, last == 0x20 || last == 0x09 || last == 0x0D { line.removeLast() }
        return line
    }

    private static func offset(_ lines: [ArraySlice<UInt8>], _ index: Int) -> Int {
        index < lines.count ? lines[index].startIndex : lines.last?.endIndex ?? 0
    }

    /// Section 6.1.1.
    private static func crc24(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xB704CE
        for byte in bytes {
            crc ^= UInt32(byte) << 16
            for _ in 0..<8 {
                crc <<= 1
                if crc & 0x100_0000 != 0 { crc ^= 0x186_4CFB }
            }
        }
        return crc & 0xFF_FFFF
    }
}
