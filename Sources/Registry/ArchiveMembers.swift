internal import Bytes
internal import Host
internal import SystemPackage

/// The files of a tar archive by their names, read in place. A compressed archive is unpacked to a file of its own
/// first, which goes when the value ends.
final class ArchiveMembers: Sendable {
    let path: FilePath
    private let temporary: FilePath?
    private let members: [String: Range<Int>]
    private let file: FilePath

    /// The most bytes of an archive that is compressed.
    private static let greatestUnpacked = 1 << 40

    init(_ path: FilePath) throws {
        self.path = path
        let head = try OpenFile(reading: path).read(4)
        if Compression(recognizing: head) == .none {
            (file, temporary) = (path, nil)
        } else {
            let target = Files.temporaryName(beside: path)
            temporary = target
            file = target
            try Self.unpack(path, to: target)
        }
        members = try Self.scan(file)
    }

    deinit { if let temporary { try? Files.remove(temporary) } }

    private static func unpack(_ path: FilePath, to target: FilePath) throws {
        let reader = try Decompressor(ByteReader(OpenFile(reading: path)), limit: greatestUnpacked).reader
        let output = try OpenFile(creating: target, mode: 0o600)
        while let piece = try reader.next(limit: 1 << 20) { try output.write(Array(piece)) }
    }

    private static func scan(_ file: FilePath) throws -> [String: Range<Int>] {
        let bytes = ByteReader(try OpenFile(reading: file))
        var reader = TarReader(bytes)
        var members: [String: Range<Int>] = [:]
        var links: [(name: String, target: String)] = []
        while let entry = try reader.next() {
            switch entry.kind {
            case .file: members[entry.path] = bytes.position..<(bytes.position + entry.size)
            case .hardLink(let target): links.append((entry.path, target))
            case .link(let target):
                // Old archives share layers by links such as `../ID/layer.tar`; the name without its steps up is it.
                links.append((entry.path, target.split(separator: "/").filter { $0 != ".." }.joined(separator: "/")))
            default: break
            }
        }
        for link in links { members[link.name] = members[link.target] }
        return members
    }

    /// Where the file called `name` is.
    func range(_ name: String) throws -> Range<Int> {
        let clean = name.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
        guard let range = members[clean] else {
            throw RegistryError(.absent, "\(path) has no file \(String(name.prefix(200)).safeForTerminal)")
        }
        return range
    }

    func has(_ name: String) -> Bool { members[name] != nil }

    /// The content of the file called `name`.
    func read(_ name: String, limit: Int) throws -> [UInt8] {
        let range = try range(name)
        guard range.count <= limit else {
            throw RegistryError(
                .limit, "\(path): \(name.safeForTerminal) has \(range.count) bytes; the limit is \(limit)")
        }
        return try read(range)
    }

    func read(_ range: Range<Int>) throws -> [UInt8] {
        let open = try OpenFile(reading: file)
        try open.seek(to: range.lowerBound)
        return try open.read(range.count)
    }

    /// The content of the file at `range`, as `descriptor` names it.
    func stream(_ descriptor: Descriptor, _ place: String, _ range: Range<Int>) throws -> BlobStream {
        guard range.count == descriptor.size else {
            throw RegistryError(
                .mismatch,
                "\(place) has \(range.count) bytes where \(descriptor.size) are named; it was damaged or replaced")
        }
        return try BlobStream(descriptor, place, file: file, from: range.lowerBound)
    }

    /// The digest of the file at `range`, without reading it into memory at once.
    func digest(_ range: Range<Int>) throws -> MessageDigest {
        let open = try OpenFile(reading: file)
        try open.seek(to: range.lowerBound)
        var hasher = MessageHasher(.sha256)
        var left = range.count
        while left > 0 {
            let piece = try open.read(min(1 << 20, left))
            guard !piece.isEmpty else { break }
            hasher.update(piece)
            left -= piece.count
        }
        return hasher.finalize()
    }
}
