internal import Bytes
internal import Git

@testable internal import Cache

extension FuzzTarget {
    /// Reading trees: one tree has one encoding.
    static let tree = FuzzTarget(name: "tree") { input in
        guard let tree = try? Tree(decoding: input) else { return }
        require(tree.encoded == input, "a tree has one encoding")
        require(tree.entries.allSatisfy { Tree.isValid(name: $0.name) }, "names are single path components")
    }

    /// Reading records of actions, with the checksum made right so that the body is read.
    static let actionRecord = FuzzTarget(name: "action-record") { input in
        _ = try? ActionResult(decoding: input)
        let record = Array("martlet-action 1 \(Digest.of(input).hex)\n".utf8) + input
        guard let result = try? ActionResult(decoding: record) else { return }
        require((try? ActionResult(decoding: result.encoded)) == result, "a record reads back")
    }

    /// Reading fields of a protocol buffer.
    static let protobuf = FuzzTarget(name: "protobuf") { input in
        var reader = ProtobufReader(input[...])
        var last = -1
        while let field = try? reader.next() {
            _ = field
            require(reader.position > last, "each field takes bytes")
            last = reader.position
        }
    }

    /// Reading what `git ls-tree -r -t -z` prints.
    static let gitTree = FuzzTarget(name: "git-tree") { input in
        for format in [GitObjectFormat.sha1, .sha256] {
            guard let tree = try? GitTree(parsing: input, format: format) else { continue }
            for entry in tree.entries { _ = tree.entry(at: entry.path) }
            _ = tree.entry(at: "src/main.go")
        }
    }
}
