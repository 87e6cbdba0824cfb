package import Bytes
internal import Host

/// The `Directory` message of build.bazel.remote.execution.v2 (remote_execution.proto): files = 1, directories = 2,
/// symlinks = 3; FileNode name = 1, digest = 2, is_executable = 4; DirectoryNode name = 1, digest = 2; SymlinkNode
/// name = 1, target = 2; Digest hash = 1, size_bytes = 2.
extension Tree {
    /// The canonical bytes.
    package var encoded: [UInt8] {
        var files = ProtobufWriter()
        var directories = ProtobufWriter()
        var links = ProtobufWriter()
        for entry in entries {
            var node = ProtobufWriter()
            node.add(1, entry.name)
            switch entry.node {
            case .file(let digest, let size, let isExecutable):
                node.add(2, message: Self.message(digest, size))
                node.add(4, varint: isExecutable ? 1 : 0)
                files.add(1, message: node)
            case .directory(let digest, let size):
                node.add(2, message: Self.message(digest, size))
                directories.add(2, message: node)
            case .link(let target):
                node.add(2, target)
                links.add(3, message: node)
            }
        }
        return files.bytes + directories.bytes + links.bytes
    }

    /// The SHA-256 digest of the canonical bytes.
    package var digest: Digest { .of(encoded) }

    private static func message(_ digest: Digest, _ size: Int) -> ProtobufWriter {
        var writer = ProtobufWriter()
        writer.add(1, digest.hex)
        writer.add(2, varint: UInt64(size))
        return writer
    }

    /// Reads canonical bytes; anything else is refused, so that a tree has one digest.
    package init(decoding bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= Self.byteLimit else { throw ParseError("a directory of too many bytes", at: 0) }
        var reader = ProtobufReader(bytes[...])
        var entries: [Entry] = []
        var last = (field: 0, name: "")
        while true {
            let start = reader.position
            guard let (field, value) = try reader.next() else { break }
            guard case .bytes(let content) = value, (1...3).contains(field) else {
                throw ParseError("field \(field) is not one of a canonical directory", at: start)
            }
            guard entries.count < Self.entryLimit else { throw ParseError("too many entries", at: start) }
            let entry = try Self.entry(field, content)
            guard
                field > last.field || field == last.field && Files.isOrderedByBytes(last.name, entry.name)
            else { throw ParseError("the entry '\(entry.name)' is out of order or repeated", at: start) }
            last = (field, entry.name)
            entries.append(entry)
        }
        do {
            // Sorts the three kinds into one list, and finds a name that two kinds share.
            self = try Tree(entries)
        } catch { throw ParseError(error.message, at: bytes.count) }
        // Equal to what we would write: rejects default values that were written, and whatever else has two spellings.
        guard encoded == bytes else { throw ParseError("the directory is not in canonical form", at: 0) }
    }

    private static func entry(_ kind: Int, _ content: ArraySlice<UInt8>) throws(ParseError) -> Entry {
        var reader = ProtobufReader(content)
        var name: String?
        var digest: (Digest, Int)?
        var target: String?
        var isExecutable = false
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let text)) where name == nil: name = try Self.text(text)
            case (2, .bytes(let text)) where kind == 3 && target == nil: target = try Self.text(text)
            case (2, .bytes(let message)) where kind != 3 && digest == nil: digest = try Self.digest(message)
            case (4, .varint(let flag)) where kind == 1: isExecutable = flag != 0
            default: throw ParseError("field \(field) is not one of a canonical entry", at: content.startIndex)
            }
        }
        guard let name, isValid(name: name) else {
            throw ParseError("an entry without a valid name", at: content.startIndex)
        }
        if kind == 3, let target, !target.utf8.contains(0) { return Entry(name: name, node: .link(target)) }
        guard kind != 3, let (hash, size) = digest else {
            throw ParseError("the entry '\(name)' does not say what it holds", at: content.startIndex)
        }
        return Entry(
            name: name,
            node: kind == 2 ? .directory(hash, size: size) : .file(hash, size: size, isExecutable: isExecutable))
    }

    private static func digest(_ content: ArraySlice<UInt8>) throws(ParseError) -> (Digest, Int) {
        var reader = ProtobufReader(content)
        var hash: Digest?
        var size = 0
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let hex)): hash = Digest(hex: try text(hex))
            case (2, .varint(let count)) where count <= UInt64(Int.max): size = Int(count)
            default: throw ParseError("field \(field) is not one of a digest", at: content.startIndex)
            }
        }
        guard let hash else { throw ParseError("a digest that is not SHA-256", at: content.startIndex) }
        return (hash, size)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) throws(ParseError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ParseError("a text that is not UTF-8", at: bytes.startIndex)
        }
        return text
    }
}
