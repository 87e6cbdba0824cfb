/// What a reader of an archive must remember: extended headers that apply to the next entry, and the names so far.
struct TarState {
    private var path: [UInt8]?
    private var linkPath: [UInt8]?
    private var size: Int?
    private var names: Set<[UInt8]> = []
    private var links: Set<[UInt8]> = []
    private var files: Set<[UInt8]> = []
    private var total = 0

    /// Whether no extended header waits for its entry.
    var isComplete: Bool { path == nil && linkPath == nil && size == nil }

    mutating func extend(_ kind: TarHeader.Extended, _ content: [UInt8], at offset: Int) throws {
        switch kind {
        case .longName: path = Array(content.prefix { $0 != 0 })
        case .longLink: linkPath = Array(content.prefix { $0 != 0 })
        case .pax, .global:
            for (key, value) in try Self.records(content, at: offset) {
                switch key {
                case "path" where kind == .pax: path = value
                case "linkpath" where kind == .pax: linkPath = value
                case "size" where kind == .pax:
                    guard let number = Int(String(decoding: value, as: UTF8.self)), number >= 0, number < Int.max >> 1
                    else { throw TarReader.error("the size in an extended header is malformed", offset) }
                    size = number
                case "path", "linkpath", "size":
                    throw TarReader.error("a global header sets '\(key)', which is not supported", offset)
                case _ where key.hasPrefix("GNU.sparse."):
                    throw TarReader.error("sparse files are not supported", offset)
                default: break
                }
            }
        }
    }

    /// The records of a pax header: `<length> <key>=<value>\n`.
    private static func records(_ content: [UInt8], at offset: Int) throws -> [(String, [UInt8])] {
        var records: [(String, [UInt8])] = []
        var rest = content[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0 != UInt8(ascii: " ") }
            guard digits.count <= 10, let length = Int(String(decoding: digits, as: UTF8.self)),
                length > digits.count + 1, length <= rest.count
            else { throw TarReader.error("an extended header is malformed", offset) }
            let record = rest.prefix(length).dropFirst(digits.count + 1)
            guard record.last == UInt8(ascii: "\n"), let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw TarReader.error("an extended header is malformed", offset)
            }
            records.append(
                (String(decoding: record[..<equals], as: UTF8.self), Array(record[(equals + 1)...].dropLast())))
            rest = rest.dropFirst(length)
        }
        return records
    }

    mutating func entry(_ header: TarHeader, limits: TarReader.Limits, at offset: Int) throws -> TarReader.Entry {
        defer { (path, linkPath, size) = (nil, nil, nil) }
        let raw = path ?? (header.prefix.isEmpty ? header.name : header.prefix + [UInt8(ascii: "/")] + header.name)
        let name = try Self.clean(raw, limits: limits, at: offset)
        let key = Array(name.utf8)
        guard names.insert(key).inserted else {
            throw TarReader.error("'\(name)' occurs twice in the archive", offset)
        }
        guard names.count <= limits.entries else { throw TarReader.error("the archive has too many entries", offset) }
        try checkParents(of: key, name, at: offset)
        let count = size ?? header.size
        let target = linkPath ?? header.linkName
        var entry = TarReader.Entry(path: name, kind: .directory, size: 0)
        entry.attributes = TarAttributes(
            mode: UInt16(header.mode & 0o7777), owner: header.owner, group: header.group, modified: header.modified)
        switch header.type {
        case UInt8(ascii: "0"), UInt8(ascii: "7"):
            guard !name.isEmpty, raw.last != UInt8(ascii: "/") else {
                throw TarReader.error("a file has the name of a directory", offset)
            }
            entry.kind = .file(isExecutable: header.mode & 0o100 != 0)
            entry.size = count
            files.insert(key)
            total += count
            guard count <= limits.totalBytes, total <= limits.totalBytes else {
                throw TarReader.error("the files of the archive are too large", offset)
            }
        case UInt8(ascii: "5"): break
        case UInt8(ascii: "2"):
            guard !name.isEmpty, !target.isEmpty, let text = String(validating: target, as: UTF8.self),
                target.count <= limits.pathBytes
            else { throw TarReader.error("the link '\(name)' has no valid target", offset) }
            entry.kind = .link(text)
            links.insert(key)
        case UInt8(ascii: "1"):
            let text = try Self.clean(target, limits: limits, at: offset)
            guard files.contains(Array(text.utf8)), count == 0 else {
                throw TarReader.error("'\(name)' is a second name of '\(text)', which is no file before it", offset)
            }
            entry.kind = .hardLink(text)
        default:
            throw TarReader.error(
                "'\(name)' is of type '\(FileName.escape([header.type]))', which is not accepted", offset)
        }
        return entry
    }

    /// Nothing may lie below a link or a file: where it goes would depend on the link.
    private func checkParents(of key: [UInt8], _ name: String, at offset: Int) throws {
        guard !links.isEmpty || !files.isEmpty else { return }
        for (index, byte) in key.enumerated() where byte == UInt8(ascii: "/") {
            let parent = Array(key[..<index])
            guard !links.contains(parent), !files.contains(parent) else {
                throw TarReader.error("'\(name)' lies below something that is no directory", offset)
            }
        }
    }

    private static func clean(_ raw: [UInt8], limits: TarReader.Limits, at offset: Int) throws -> String {
        guard raw.count <= limits.pathBytes else { throw TarReader.error("a path is too long", offset) }
        guard let text = String(validating: raw, as: UTF8.self), !raw.contains(0) else {
            throw TarReader.error("the path '\(FileName.escape(raw))' is not UTF-8", offset)
        }
        guard raw.first != UInt8(ascii: "/") else { throw TarReader.error("the path '\(text)' is absolute", offset) }
        var parts: [Substring] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: true) where part != "." {
            guard part != ".." else { throw TarReader.error("the path '\(text)' leads out of the archive", offset) }
            parts.append(part)
        }
        guard !raw.isEmpty else { throw TarReader.error("an entry has no name", offset) }
        return parts.joined(separator: "/")
    }
}
