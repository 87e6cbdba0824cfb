package import Bytes

/// What a statement says something about: a name and its digests (in-toto Statement v1, `subject`).
package struct Subject: Hashable, Sendable {
    /// Tells the subjects of one statement apart, usually a file name.
    package var name: String
    /// Algorithm (`sha256`, `gitCommit`) to lower-case hexadecimal digest.
    package var digest: [String: String]

    package init(name: String, digest: [String: String]) {
        self.name = name
        self.digest = digest
    }

    /// A subject known by its SHA-256 digest.
    package init(name: String, digest: Digest) {
        self.init(name: name, digest: ["sha256": digest.hex])
    }

    init(_ fields: Fields) throws(AttestError) {
        name = try fields.optionalText("name") ?? ""
        digest = try fields.texts("digest")
    }

    /// The JSON object of this subject.
    package var json: JSON { ["name": .string(name), "digest": .texts(digest)] }
}

/// A resource that a predicate mentions (in-toto Attestation Framework v1, `ResourceDescriptor`).
///
/// One of `uri`, `digest` and `content` has to be there.
package struct ResourceDescriptor: Hashable, Sendable {
    package var name: String?
    package var uri: String?
    /// Algorithm to lower-case hexadecimal digest.
    package var digest: [String: String]
    /// The resource itself.
    package var content: [UInt8]?
    package var downloadLocation: String?
    package var mediaType: String?
    /// Further facts; the meaning is up to writer and reader.
    package var annotations: JSONObject

    package init(
        name: String? = nil, uri: String? = nil, digest: [String: String] = [:], content: [UInt8]? = nil,
        downloadLocation: String? = nil, mediaType: String? = nil, annotations: JSONObject = [:]
    ) {
        self.name = name
        self.uri = uri
        self.digest = digest
        self.content = content
        self.downloadLocation = downloadLocation
        self.mediaType = mediaType
        self.annotations = annotations
    }

    init(_ fields: Fields) throws(AttestError) {
        name = try fields.optionalText("name")
        uri = try fields.optionalText("uri")
        digest = try fields.texts("digest")
        downloadLocation = try fields.optionalText("downloadLocation")
        mediaType = try fields.optionalText("mediaType")
        annotations = fields.value("annotations")?.objectValue ?? [:]
        if let text = try fields.optionalText("content") {
            do {
                content = try Base64.decode(text, alphabet: .either)
            } catch {
                throw AttestError(.malformed, "content of a resource descriptor: \(error)")
            }
        }
    }

    /// The JSON object of this descriptor, without the fields that are empty.
    package var json: JSON {
        var object = JSONObject()
        object.set("name", name.map(JSON.string))
        object.set("uri", uri.map(JSON.string))
        object.set("digest", digest.isEmpty ? nil : .texts(digest))
        object.set("content", content.map { .string(Base64.encode($0)) })
        object.set("downloadLocation", downloadLocation.map(JSON.string))
        object.set("mediaType", mediaType.map(JSON.string))
        object.set("annotations", annotations.isEmpty ? nil : .object(annotations))
        return .object(object)
    }
}
