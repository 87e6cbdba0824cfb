package import Bytes

/// Names content by its type, digest and size (image-spec `descriptor.md`). Whoever fetches it checks both.
package struct Descriptor: Hashable, Sendable {
    package var mediaType: MediaType
    package var digest: MessageDigest
    /// In bytes.
    package var size: Int
    package var annotations: [String: String] = [:]
    /// What an index or a list of referrers says of the manifest.
    package var artifactType: MediaType?
    /// In an index, what the image runs on; indexes may leave it out.
    package var platform: Platform?
    /// Where else the content may be found. Never followed.
    package var urls: [String] = []
    /// The content itself, where it is small.
    package var data: [UInt8]?

    package init(
        mediaType: MediaType, digest: MessageDigest, size: Int, annotations: [String: String] = [:],
        artifactType: MediaType? = nil, platform: Platform? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.annotations = annotations
        self.artifactType = artifactType
        self.platform = platform
    }

    /// Names `content`.
    package init(
        _ mediaType: MediaType, of content: [UInt8], _ algorithm: HashAlgorithm = .sha256,
        annotations: [String: String] = [:]
    ) {
        self.init(
            mediaType: mediaType, digest: algorithm.digest(of: content), size: content.count, annotations: annotations)
    }

    /// The content `{}` of manifests that need no configuration (image-spec `manifest.md`).
    package static let empty = Descriptor(.empty, of: Array("{}".utf8))

    /// No content is larger: 2^53 - 1, what every JSON reader can count.
    package static let greatestSize = (1 << 53) - 1

    /// The same content without what only this place says of it.
    package var bare: Descriptor { Descriptor(mediaType: mediaType, digest: digest, size: size) }

    /// Refuses bytes that are not those that are named.
    package func check(_ content: [UInt8], _ place: @autoclosure () -> String) throws(RegistryError) {
        guard content.count == size else {
            throw RegistryError(
                .mismatch, "\(place()) has \(content.count) bytes where \(size) are named; it was damaged or replaced")
        }
        try Self.check(content, digest, place())
    }

    static func check(
        _ content: [UInt8], _ digest: MessageDigest, _ place: @autoclosure () -> String
    ) throws(RegistryError) {
        let found = digest.algorithm.digest(of: content)
        guard found == digest else {
            throw RegistryError(
                .mismatch, "\(place()) has the digest \(found) where \(digest) is named; it was damaged or replaced")
        }
    }
}

extension Descriptor {
    init(_ fields: ManifestFields) throws(RegistryError) {
        guard let type = try fields.mediaType("mediaType") else {
            throw RegistryError(.malformed, "\(fields.place) has no mediaType")
        }
        guard let size = try fields.number("size"), 0...Self.greatestSize ~= size else {
            throw fields.wrong("size", "a number of bytes")
        }
        self.init(
            mediaType: type, digest: try fields.digest("digest"), size: size,
            annotations: try fields.table("annotations", limit: 10_000),
            artifactType: try fields.mediaType("artifactType"))
        if let platform = try fields.object("platform") { self.platform = try Platform(platform) }
        urls = try fields.texts("urls", limit: 1000)
        if let text = try fields.text("data") {
            guard let bytes = try? Base64.decode(text) else { throw fields.wrong("data", "base64") }
            try check(bytes, "\(fields.place).data")
            data = bytes
        }
    }

    /// Reads one descriptor, as `oci resolve descriptor` prints it.
    package init(parsing bytes: [UInt8]) throws(RegistryError) {
        try self.init(ManifestFields(parsing: bytes, limit: 1 << 20, "the descriptor"))
    }

    package var json: JSON {
        var object: JSONObject = [
            "mediaType": .string(mediaType.text), "digest": .string("\(digest)"), "size": .integer(size),
        ]
        if !urls.isEmpty { object["urls"] = .array(urls.map { .string($0) }) }
        if !annotations.isEmpty { object["annotations"] = .table(annotations) }
        if let data { object["data"] = .string(Base64.encode(data)) }
        if let platform { object["platform"] = .object(platform.members) }
        if let artifactType { object["artifactType"] = .string(artifactType.text) }
        return .object(object)
    }
}

extension JSON {
    /// A table of texts, in the order of its keys' bytes.
    static func table(_ values: [String: String]) -> JSON {
        var object = JSONObject()
        for (key, value) in values.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            object[key] = .string(value)
        }
        return .object(object)
    }
}
