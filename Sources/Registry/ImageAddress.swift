internal import Bytes
internal import Host
package import SystemPackage

/// Where people say an image is: in a registry, a layout or an archive.
package enum ImageAddress: Hashable, Sendable, CustomStringConvertible {
    case registry(Reference)
    case layout(FilePath, ManifestName?)
    case ociArchive(FilePath, ManifestName?)
    /// The name is what the archive calls the image.
    case dockerArchive(FilePath, String?)

    /// Reads `oci:FOLDER[:TAG|@DIGEST]`, `oci-archive:FILE[:TAG|@DIGEST]`, `docker-archive:FILE[:NAME]`,
    /// `docker://REFERENCE`, the same with `oci://` as GitHub's program and helm write it, or a reference.
    package init(_ text: String) throws(RegistryError) {
        func rest(_ prefix: String) -> String? { text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil }
        // No folder is called //NAME.
        if let reference = rest("docker://") ?? rest("oci://"), !reference.hasPrefix("/") {
            self = .registry(try Reference(reference))
        } else if let place = rest("oci-archive:") {
            let (path, name) = try Self.split(place)
            self = .ociArchive(path, name)
        } else if let place = rest("docker-archive:") {
            let path = place.prefix { $0 != ":" }
            guard !path.isEmpty else { throw RegistryError(.input, "docker-archive: wants a file behind it") }
            let name = place.dropFirst(path.count + 1)
            self = .dockerArchive(FilePath(String(path)), name.isEmpty ? nil : String(name))
        } else if let place = rest("oci:") {
            let (path, name) = try Self.split(place)
            self = .layout(path, name)
        } else {
            self = .registry(try Reference(text))
        }
    }

    private static func split(_ place: String) throws(RegistryError) -> (FilePath, ManifestName?) {
        var path = place[...]
        var name: ManifestName?
        if let at = path.lastIndex(of: "@"), path[at...].hasPrefix("@sha") {
            name = .digest(try MessageDigest(oci: String(path[path.index(after: at)...]), "the address"))
            path = path[..<at]
        }
        if let colon = path.firstIndex(of: ":") {
            let tag = String(path[path.index(after: colon)...])
            guard !tag.isEmpty, tag.utf8.count <= 1024 else {
                throw RegistryError(.input, "'\(place.safeForTerminal)' names no image behind the colon")
            }
            name = name ?? .tag(tag)
            path = path[..<colon]
        }
        guard !path.isEmpty else { throw RegistryError(.input, "'\(place.safeForTerminal)' names no file") }
        return (FilePath(String(path)), name)
    }

    package var description: String {
        func suffix(_ name: ManifestName?) -> String {
            switch name {
            case .tag(let tag): ":\(tag)"
            case .digest(let digest): "@\(digest)"
            case nil: ""
            }
        }
        return switch self {
        case .registry(let reference): "\(reference)"
        case .layout(let path, let name): "oci:\(path)\(suffix(name))"
        case .ociArchive(let path, let name): "oci-archive:\(path)\(suffix(name))"
        case .dockerArchive(let path, let name): "docker-archive:\(path)\(name.map { ":\($0)" } ?? "")"
        }
    }

    /// The reference, where it is one.
    package var reference: Reference? {
        guard case .registry(let reference) = self else { return nil }
        return reference
    }

    /// Whether `text`, given where a file could be meant as well, is an image: it has a prefix, or names its registry.
    ///
    /// A name without a registry is none: a mistyped file would be looked for at Docker's.
    package static func isImage(_ text: String) -> Bool {
        if ["docker://", "oci:", "oci-archive:", "docker-archive:"].contains(where: { text.hasPrefix($0) }) {
            return true
        }
        guard let slash = text.firstIndex(of: "/"), (try? Reference(text)) != nil else { return false }
        let first = text[..<slash]
        return first == "localhost" || first.contains(".") || first.contains(":")
    }

    /// The place to read from.
    package func source(_ client: RegistryClient) throws -> any ImageSource {
        switch self {
        case .registry(let reference): client.repository(reference)
        case .layout(let path, _): try OCILayout(opening: path)
        case .ociArchive(let path, _): try OCIArchive(path)
        case .dockerArchive(let path, _): try DockerArchive(path)
        }
    }

    /// What the image is called in the place; the one that is there where nobody said.
    package func name(in source: any ImageSource) async throws -> ManifestName {
        switch self {
        case .registry(let reference): return reference.manifestName
        case .layout(_, let name?), .ociArchive(_, let name?): return name
        case .dockerArchive(_, let name?): return .tag(name)
        default: break
        }
        let found: FoundManifest? =
            switch source {
            case let layout as OCILayout: try layout.findOnly()
            case let archive as OCIArchive: try await archive.findOnly()
            case let archive as DockerArchive: try archive.findOnly()
            default: nil
            }
        guard let found else { throw RegistryError(.absent, "\(self) names no image") }
        return .digest(found.descriptor.digest)
    }

    /// The place to write to, and the tag that the image gets there.
    package func target(_ client: RegistryClient) throws -> (target: any ImageTarget, tag: String?) {
        func tag(_ name: ManifestName?) throws -> String? {
            switch name {
            case .tag(let tag): return tag
            case .digest:
                throw RegistryError(.input, "\(self): a digest can't be chosen for what is written; give a tag")
            case nil: return nil
            }
        }
        switch self {
        case .registry(let reference):
            guard reference.digest == nil || reference.tag == nil else {
                throw RegistryError(.input, "\(self): give a tag or a digest for what is written, not both")
            }
            return (client.repository(reference), reference.tag)
        case .layout(let path, let name): return (try OCILayout(creating: path), try tag(name) ?? Reference.usualTag)
        case .ociArchive(let path, let name): return (try OCIArchiveTarget(path), try tag(name) ?? Reference.usualTag)
        case .dockerArchive(let path, let name): return (try DockerArchiveTarget(path, name: name), nil)
        }
    }
}
