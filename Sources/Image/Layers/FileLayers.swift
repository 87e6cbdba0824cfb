internal import Bytes
internal import Host
internal import SystemPackage

extension FixedLayer {
    /// Bytes of one source, at most.
    private static let byteLimit = 1 << 30

    /// The layers of the files that a definition lists: one for each directory that is taken whole, so that what one of
    /// them changes leaves the others' layers as they are, and one for all the rest between two of them.
    static func files(_ files: [ImageDefinition.File]) throws -> [FixedLayer] {
        var layers: [FixedLayer] = []
        var single: [ImageDefinition.File] = []
        func finish() throws {
            if !single.isEmpty { layers.append(FixedLayer(name: "files", entries: try entries(single))) }
            single = []
        }
        for file in files {
            guard case .source(let source) = file.kind, try Files.status(source)?.kind == .directory else {
                single.append(file)
                continue
            }
            try finish()
            layers.append(FixedLayer(name: "files of /\(file.path)", entries: try tree(source, file)))
        }
        try finish()
        return layers
    }

    private static func entries(_ files: [ImageDefinition.File]) throws -> [LayerEntry] {
        var known: Set<String> = [""]
        var entries: [LayerEntry] = []
        for file in files {
            entries += LayerEntry.parents(of: file.path, known: &known)
            known.insert(file.path)
            var entry = LayerEntry.file(file.path, [], mode: file.mode ?? 0o644)
            switch file.kind {
            case .content(let bytes): entry.content = bytes
            case .source(let source): entry = try self.entry(source, at: file.path, mode: file.mode)
            case .directory: entry.kind = .directory
            case .link(let target): entry.kind = .link(target)
            }
            entries.append(entry.owned(by: file))
        }
        return entries
    }

    /// What is in a directory, in the order of paths. Links stay links; what is neither file, directory nor link is refused.
    private static func tree(_ source: FilePath, _ file: ImageDefinition.File) throws -> [LayerEntry] {
        var known: Set<String> = [""]
        var entries = LayerEntry.parents(of: file.path + "/x", known: &known).map { entry in
            entry.path == file.path ? entry.owned(by: file) : entry
        }
        let found = try DirectoryWalk(source).entries().sorted { Files.isOrderedByBytes($0.path, $1.path) }
        for item in found {
            let (place, path) = (source.appending(item.path), "\(file.path)/\(item.path)")
            var entry: LayerEntry
            switch item.kind {
            case .regular: entry = try self.entry(place, at: path, mode: file.mode)
            case .directory: entry = .directory(path)
            case .link:
                entry = .file(path, [], mode: 0o777)
                entry.kind = .link(try Files.readLink(place))
            default: throw ImageError(.unsupported, "/\(path) is neither file, directory nor link")
            }
            entries.append(entry.owned(by: file))
        }
        return entries
    }

    private static func entry(_ source: FilePath, at path: String, mode: UInt16?) throws -> LayerEntry {
        guard let status = try Files.status(source) else {
            throw ImageError(.absent, "/\(path) is made from \(source), which is not there")
        }
        return .file(
            path, try Files.read(source, limit: byteLimit), mode: mode ?? (status.isExecutable ? 0o755 : 0o644))
    }
}

extension LayerEntry {
    fileprivate func owned(by file: ImageDefinition.File) -> LayerEntry {
        var out = self
        out.attributes.owner = file.owner
        out.attributes.group = file.group
        return out
    }
}
