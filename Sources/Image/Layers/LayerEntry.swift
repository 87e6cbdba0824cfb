package import Host

/// One entry of a layer, with all that a tar header says of it.
package struct LayerEntry: Hashable, Sendable {
    /// Relative to the root, without `./`; empty for the root itself.
    package var path: String
    package var kind: TarReader.Entry.Kind
    package var attributes: TarAttributes
    package var content: [UInt8]

    package init(
        path: String, kind: TarReader.Entry.Kind, attributes: TarAttributes, content: [UInt8] = []
    ) {
        self.path = path
        self.kind = kind
        self.attributes = attributes
        self.content = content
    }

    /// A file of root's.
    static func file(_ path: String, _ content: [UInt8], mode: UInt16 = 0o644, modified: Int = 0) -> LayerEntry {
        LayerEntry(
            path: path, kind: .file(isExecutable: mode & 0o100 != 0),
            attributes: TarAttributes(mode: mode, modified: modified), content: content)
    }

    /// A directory.
    static func directory(_ path: String, mode: UInt16 = 0o755, owner: Int = 0, group: Int = 0) -> LayerEntry {
        LayerEntry(
            path: path, kind: .directory, attributes: TarAttributes(mode: mode, owner: owner, group: group))
    }

    /// The directories above `path` that are not in `known`, the highest first.
    static func parents(of path: String, known: inout Set<String>) -> [LayerEntry] {
        var missing: [LayerEntry] = []
        var current = ImagePath.parent(path)
        while !current.isEmpty, known.insert(current).inserted {
            missing.append(.directory(current))
            current = ImagePath.parent(current)
        }
        return missing.reversed()
    }
}
