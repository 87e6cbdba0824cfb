internal import Bytes
internal import Host

/// Reads a zip archive that may be hostile: stored and deflated members, by the central directory (APPNOTE.TXT of
/// PKWARE, 6.3). Encrypted, split and 64-bit archives are refused.
struct ZipReader {
    struct Member {
        var name: String
        fileprivate var method: UInt16
        fileprivate var checksum: UInt32
        fileprivate var packedSize: Int
        var size: Int
        fileprivate var offset: Int
    }

    private let bytes: [UInt8]
    let members: [Member]

    /// The most members.
    static let memberLimit = 2_000_000

    init(_ bytes: [UInt8]) throws(InventoryError) {
        self.bytes = bytes
        let end = try Self.endRecord(bytes)
        let count = Self.number(bytes, end + 10, 2)
        var offset = Self.number(bytes, end + 16, 4)
        guard count < 0xFFFF || Self.number(bytes, end + 12, 4) < 0xFFFF_FFFF, offset < 0xFFFF_FFFF else {
            throw InventoryError(.unsupported, "the zip archive is of the 64-bit kind; unpack it into a folder")
        }
        var members: [Member] = []
        while offset + 46 <= end, Self.number(bytes, offset, 4) == 0x0201_4B50 {
            guard members.count < Self.memberLimit else {
                throw InventoryError(.limit, "the zip archive has too many members")
            }
            let nameLength = Self.number(bytes, offset + 28, 2)
            let next =
                offset + 46 + nameLength + Self.number(bytes, offset + 30, 2) + Self.number(bytes, offset + 32, 2)
            guard next <= end else { throw Self.damage }
            guard Self.number(bytes, offset + 8, 2) & 1 == 0 else {
                throw InventoryError(.unsupported, "the zip archive is encrypted")
            }
            members.append(
                Member(
                    name: String(decoding: bytes[(offset + 46)..<(offset + 46 + nameLength)], as: UTF8.self),
                    method: UInt16(Self.number(bytes, offset + 10, 2)),
                    checksum: UInt32(Self.number(bytes, offset + 16, 4)),
                    packedSize: Self.number(bytes, offset + 20, 4), size: Self.number(bytes, offset + 24, 4),
                    offset: Self.number(bytes, offset + 42, 4)))
            offset = next
        }
        // Archives of more than 65,535 members write the lower bits of their number.
        guard members.count & 0xFFFF == count & 0xFFFF else { throw Self.damage }
        self.members = members
    }

    private static let damage = InventoryError(.malformed, "the zip archive is damaged")

    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        guard offset >= 0, offset + count <= bytes.count else { return 0 }
        return (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << ($1 * 8) }
    }

    private static func endRecord(_ bytes: [UInt8]) throws(InventoryError) -> Int {
        var offset = bytes.count - 22
        let lowest = max(0, offset - 0xFFFF)
        while offset >= lowest {
            if number(bytes, offset, 4) == 0x0605_4B50, offset + 22 + number(bytes, offset + 20, 2) == bytes.count {
                return offset
            }
            offset -= 1
        }
        throw damage
    }

    /// The content of a member, checked against its checksum.
    func content(of member: Member, limit: Int) throws -> [UInt8] {
        guard member.size <= limit else {
            throw InventoryError(
                .limit, "\(member.name.safeForTerminal) has \(member.size) bytes; the limit is \(limit)")
        }
        let head = member.offset
        guard Self.number(bytes, head, 4) == 0x0403_4B50 else { throw Self.damage }
        let start = head + 30 + Self.number(bytes, head + 26, 2) + Self.number(bytes, head + 28, 2)
        guard start + member.packedSize <= bytes.count else { throw Self.damage }
        let packed = bytes[start..<(start + member.packedSize)]
        var deflated: [UInt8] = []
        switch member.method {
        case 0:
            guard member.size == member.packedSize else { throw Self.damage }
            deflated = Self.storedBlocks(packed)
        case 8: deflated = Array(packed)
        default:
            throw InventoryError(
                .unsupported,
                "\(member.name.safeForTerminal) is packed in a way that is not known; unpack the archive into a folder")
        }
        // A gzip member is a deflated stream with a header, its checksum and its size, which zip has elsewhere.
        var stream: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255] + deflated
        for value in [member.checksum, UInt32(truncatingIfNeeded: member.size)] {
            for shift in stride(from: 0, to: 32, by: 8) {
                stream.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
            }
        }
        return try Compression.decompress(stream, limit: limit)
    }

    /// What was not packed, as deflate writes it (RFC 1951, section 3.2.4), so that its checksum is checked, too.
    private static func storedBlocks(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        var rest = bytes
        repeat {
            let part = rest.prefix(0xFFFF)
            rest = rest.dropFirst(part.count)
            let count = UInt16(part.count)
            out += [
                rest.isEmpty ? 1 : 0, UInt8(count & 0xFF), UInt8(count >> 8), UInt8(~count & 0xFF), UInt8(~count >> 8),
            ]
            out += part
        } while !rest.isEmpty
        return out
    }
}
