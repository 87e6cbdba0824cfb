/// Writes a tar archive (POSIX.1-2017, pax interchange format) whose bytes depend on nothing but what is put in.
///
/// Headers are plain ustar; an extended header is added only for what ustar can't hold. Owner and group are 0 and have
/// no names; modes are 0644, 0755 and 0777 for links, unless an entry has attributes of its own. The caller adds entries
/// in the order that it wants.
package struct TarWriter: ~Copyable {
    /// The time of every entry unless said otherwise: 1 January 1980, in seconds since 1970.
    package static let fixedTime = 315_532_800

    private let output: ([UInt8]) throws -> Void
    private let modified: Int
    /// What the entry that was begun last still lacks.
    private var missing = 0
    private var padding = 0

    /// Gives the archive to `output` in pieces. `modified` is the time of every entry, in seconds since 1970.
    package init(modified: Int = fixedTime, output: @escaping ([UInt8]) throws -> Void) {
        self.modified = modified
        self.output = output
    }

    /// Adds a directory; `path` ends with a slash.
    package mutating func addDirectory(_ path: String, _ attributes: TarAttributes? = nil) throws {
        try addHeader(path, type: "5", attributes ?? usual(0o755), size: 0, target: "")
    }

    /// Adds a symbolic link.
    package mutating func addLink(_ path: String, target: String, _ attributes: TarAttributes? = nil) throws {
        try addHeader(path, type: "2", attributes ?? usual(0o777), size: 0, target: target)
    }

    /// Adds a second name for the file at the path `target`, which was added before.
    package mutating func addHardLink(_ path: String, target: String, _ attributes: TarAttributes? = nil) throws {
        try addHeader(path, type: "1", attributes ?? usual(0o644), size: 0, target: target)
    }

    private func usual(_ mode: UInt16) -> TarAttributes { TarAttributes(mode: mode, modified: modified) }

    /// Adds a file of which the content follows by `write`, exactly `size` bytes in all.
    package mutating func beginFile(_ path: String, size: Int, isExecutable: Bool) throws {
        try beginFile(path, size: size, usual(isExecutable ? 0o755 : 0o644))
    }

    /// The same with attributes of its own.
    package mutating func beginFile(_ path: String, size: Int, _ attributes: TarAttributes) throws {
        try addHeader(path, type: "0", attributes, size: size, target: "")
        missing = size
        padding = (512 - size % 512) % 512
        if size == 0 { padding = 0 }
    }

    /// Adds content to the file that was begun.
    package mutating func write(_ bytes: [UInt8]) throws {
        guard bytes.count <= missing else {
            throw HostError(.changed, "a file is larger than it was when it was put into the archive")
        }
        missing -= bytes.count
        try output(bytes)
        if missing == 0, padding > 0 {
            try output([UInt8](repeating: 0, count: padding))
            padding = 0
        }
    }

    /// Adds a file with its content.
    package mutating func addFile(_ path: String, _ content: [UInt8], isExecutable: Bool = false) throws {
        try beginFile(path, size: content.count, isExecutable: isExecutable)
        if !content.isEmpty { try write(content) }
    }

    /// Ends the archive with its two empty blocks.
    package consuming func finish() throws {
        try checkComplete()
        try output([UInt8](repeating: 0, count: 1024))
    }

    private func checkComplete() throws {
        guard missing == 0 else {
            throw HostError(.changed, "a file is shorter than it was when it was put into the archive")
        }
    }

    private func addHeader(
        _ path: String, type: Character, _ attributes: TarAttributes, size: Int, target: String
    ) throws {
        try checkComplete()
        var records: [(String, String)] = []
        var prefix = ""
        var name = path
        if !Self.isPlain(path) {
            records.append(("path", path))
            name = Self.substitute(path)
        } else if path.utf8.count > 100 {
            if let (head, tail) = Self.split(path) {
                (prefix, name) = (head, tail)
            } else {
                records.append(("path", path))
                name = Self.substitute(path)
            }
        }
        var linkName = target
        if !Self.isPlain(target) || target.utf8.count > 100 {
            records.append(("linkpath", target))
            linkName = Self.substitute(target)
        }
        var recorded = size
        if size > 0o77_777_777_777 {
            records.append(("size", String(size)))
            recorded = 0
        }
        for (key, number) in [("uid", attributes.owner), ("gid", attributes.group)] where number > 0o7_777_777 {
            records.append((key, String(number)))
        }
        if !records.isEmpty {
            let content = records.sorted { $0.0 < $1.0 }.flatMap { Self.record($0.0, $0.1) }
            try output(
                header(
                    "PaxHeaders/" + Self.substitute(name).suffix(80), type: "x", usual(0o644), size: content.count))
            try output(content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512))
        }
        try output(header(name, prefix: prefix, type: type, attributes, size: recorded, target: linkName))
    }

    private func header(
        _ name: String, prefix: String = "", type: Character, _ attributes: TarAttributes, size: Int,
        target: String = ""
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: some StringProtocol, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        func put(octal value: Int, digits: Int, at offset: Int) {
            let text = String(value, radix: 8)
            put(String(repeating: "0", count: max(0, digits - text.count)) + text, at: offset)
        }
        put(name, at: 0)
        put(octal: Int(attributes.mode), digits: 7, at: 100)
        put(octal: min(max(0, attributes.owner), 0o7_777_777), digits: 7, at: 108)
        put(octal: min(max(0, attributes.group), 0o7_777_777), digits: 7, at: 116)
        put(octal: size, digits: 11, at: 124)
        put(octal: min(max(0, attributes.modified), 0o77_777_777_777), digits: 11, at: 136)
        put("        ", at: 148)
        put(String(type), at: 156)
        put(target, at: 157)
        put("ustar", at: 257)
        put("00", at: 263)
        put(octal: 0, digits: 7, at: 329)
        put(octal: 0, digits: 7, at: 337)
        put(prefix, at: 345)
        let sum = block.reduce(0) { $0 + Int($1) }
        put(octal: sum, digits: 6, at: 148)
        block[154] = 0
        return block
    }

    /// Whether ustar's readers agree on what the text is.
    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f } }

    /// What stands in the ustar field when an extended header gives the true text.
    private static func substitute(_ text: String) -> String {
        String(decoding: text.utf8.prefix(100).map { $0 >= 0x20 && $0 < 0x7f ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }

    /// The prefix and name fields for a long path: the split that leaves the shortest name.
    private static func split(_ path: String) -> (String, String)? {
        let bytes = Array(path.utf8)
        // A slash at the end belongs to the name of a directory.
        for index in bytes.indices.dropLast().reversed() where bytes[index] == UInt8(ascii: "/") {
            guard bytes.count - index - 1 <= 100 else { return nil }
            if index <= 155, index > 0 {
                return (
                    String(decoding: bytes[..<index], as: UTF8.self),
                    String(decoding: bytes[(index + 1)...], as: UTF8.self)
                )
            }
        }
        return nil
    }

    /// A record of an extended header: its own length in decimal, the key and the value.
    private static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count
        while String(length).utf8.count + rest.utf8.count != length {
            length = String(length).utf8.count + rest.utf8.count
        }
        return Array("\(length)\(rest)".utf8)
    }
}
