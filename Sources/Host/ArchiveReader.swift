/// Reads a Unix archive (ar, in its common form with 60-byte headers) that may be hostile: the outer form of a Debian
/// package (deb(5)).
///
/// Members come in order, content as slices of the archive. Names are those of the header, without GNU's final slash;
/// the extended name tables of libraries are refused.
package struct ArchiveReader {
    /// One member.
    package struct Member: Hashable, Sendable {
        package var name: String
        package var content: ArraySlice<UInt8>
    }

    /// The first bytes of every archive.
    package static let magic = Array("!<arch>\n".utf8)
    /// A Debian package has three members; some have signatures too.
    package static let memberLimit = 64

    /// All members of the archive.
    package static func members(of archive: [UInt8]) throws -> [Member] {
        guard archive.starts(with: magic) else {
            throw error("the file is no archive: it does not begin with !<arch>", 0)
        }
        var members: [Member] = []
        var at = magic.count
        while at < archive.count {
            guard archive.count - at >= 60 else { throw error("a header is cut off", at) }
            guard members.count < memberLimit else { throw error("there are more than \(memberLimit) members", at) }
            let header = archive[at..<(at + 60)]
            guard header[at + 58] == 0x60, header[at + 59] == 0x0A else {
                throw error("a header does not end as it must", at)
            }
            let size = try number(header[(at + 48)..<(at + 58)], at: at)
            let start = at + 60
            guard size <= archive.count - start else { throw error("a member ends beyond the archive", at) }
            members.append(
                Member(name: try name(header[at..<(at + 16)], at: at), content: archive[start..<(start + size)]))
            at = start + size
            if size % 2 == 1, at < archive.count {
                guard archive[at] == 0x0A else { throw error("a member is not padded as it must be", at) }
                at += 1
            }
        }
        return members
    }

    private static func name(_ field: ArraySlice<UInt8>, at offset: Int) throws -> String {
        var bytes = field
        while bytes.last == 0x20 { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        guard !bytes.isEmpty, bytes.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "/") }) else {
            throw error("a member has a name that is not accepted", offset)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func number(_ field: ArraySlice<UInt8>, at offset: Int) throws -> Int {
        let digits = field.prefix { $0 != 0x20 }
        guard !digits.isEmpty, digits.allSatisfy({ 0x30...0x39 ~= $0 }),
            field.dropFirst(digits.count).allSatisfy({ $0 == 0x20 }),
            let value = Int(String(decoding: digits, as: UTF8.self))
        else { throw error("a member's size is malformed", offset) }
        return value
    }

    private static func error(_ message: String, _ offset: Int) -> HostError {
        HostError(.input, "\(message) (at byte \(offset) of the archive)")
    }
}
