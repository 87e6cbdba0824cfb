internal import Host
internal import Image
internal import Registry
internal import SystemPackage

/// Where an image is on this machine: `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`.
struct ImagePlace {
    enum Kind { case layout, archive }

    var kind: Kind
    var path: FilePath
    var tag: String?

    init(_ text: String) throws {
        let prefixes: [(String, Kind)] = [("oci-archive:", .archive), ("oci:", .layout)]
        guard let (prefix, kind) = prefixes.first(where: { text.hasPrefix($0.0) }) else {
            throw CommandError.usage("'\(text)' is no place of an image; write oci:DIR[:TAG] or oci-archive:FILE[:TAG]")
        }
        self.kind = kind
        var rest = text.dropFirst(prefix.count)
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
        }
        guard !rest.isEmpty, tag != "" else { throw CommandError.usage("'\(text)' names no file") }
        path = FilePath(String(rest))
    }

    var source: any ImageSource {
        get throws { kind == .layout ? try OCILayout(opening: path) : try OCIArchive(path) }
    }

    func target() throws -> any ImageTarget {
        kind == .layout ? try OCILayout(creating: path) : try OCIArchiveTarget(path)
    }

    /// The image itself: of an index that for `platform`.
    func image(platform: Platform?) async throws -> (source: any ImageSource, manifest: ImageManifest) {
        let source = try source
        let found = try await source.image(.tag(tag ?? "latest"), platform: platform)
        return (source, found.manifest)
    }
}
