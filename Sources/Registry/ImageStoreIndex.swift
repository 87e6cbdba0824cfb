package import Bytes

/// The manifests, tags and referrers of one repository, as its `index.json` says.
package struct ImageStoreIndex: Hashable, Sendable {
    /// What is known of a manifest without reading it.
    package struct Entry: Hashable, Sendable {
        package var mediaType: MediaType
        package var size: Int
        /// The manifest that this one refers to.
        package var subject: MessageDigest?
    }

    package private(set) var manifests: [MessageDigest: Entry] = [:]
    package private(set) var tags: [String: MessageDigest] = [:]
    private var referrers: [MessageDigest: Set<MessageDigest>] = [:]

    /// The largest index that is read and written.
    static let greatestByteCount = 256 << 20
    /// An extension member of entries: the digest of the manifest's subject. The image-spec has readers ignore what they
    /// don't know.
    private static let subjectMember = "dev.martlet.subject"
    private static let tagAnnotation = "org.opencontainers.image.ref.name"

    package init() {}

    /// The tags, sorted by their bytes.
    package var sortedTags: [String] { tags.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }

    /// The manifests that refer to `subject`, in the order of their digests.
    package func referrers(of subject: MessageDigest) -> [MessageDigest] {
        (referrers[subject] ?? []).sorted { $0.description < $1.description }
    }

    mutating func set(_ digest: MessageDigest, _ entry: Entry) {
        remove(referrer: digest)
        manifests[digest] = entry
        if let subject = entry.subject { referrers[subject, default: []].insert(digest) }
    }

    mutating func tag(_ tag: String, _ digest: MessageDigest) { tags[tag] = digest }

    /// Forgets the tag; `false` where it is unknown.
    mutating func removeTag(_ tag: String) -> Bool { tags.removeValue(forKey: tag) != nil }

    /// Forgets the manifest and its tags; `false` where it is unknown.
    mutating func remove(_ digest: MessageDigest) -> Bool {
        remove(referrer: digest)
        guard manifests.removeValue(forKey: digest) != nil else { return false }
        tags = tags.filter { $0.value != digest }
        return true
    }

    private mutating func remove(referrer digest: MessageDigest) {
        guard let subject = manifests[digest]?.subject else { return }
        referrers[subject]?.remove(digest)
        if referrers[subject]?.isEmpty == true { referrers[subject] = nil }
    }

    // MARK: Form

    init(parsing bytes: [UInt8]) throws(RegistryError) {
        let fields = try ManifestFields(parsing: bytes, limit: Self.greatestByteCount, "index.json")
        for (number, json) in (try fields.array("manifests", limit: 10_000_000) ?? []).enumerated() {
            let entry = try ManifestFields(json, "index.json: manifests[\(number)]")
            let descriptor = try Descriptor(entry)
            let subject = try entry.text(Self.subjectMember).map { text throws(RegistryError) in
                try MessageDigest(oci: text, entry.place)
            }
            set(descriptor.digest, Entry(mediaType: descriptor.mediaType, size: descriptor.size, subject: subject))
            if let tag = descriptor.annotations[Self.tagAnnotation] { tags[tag] = descriptor.digest }
        }
    }

    /// The index as an image index of an OCI layout: an entry for each tag, and one for each manifest without.
    func bytes() -> [UInt8] {
        var entries: [JSON] = []
        var tagged: Set<MessageDigest> = []
        for tag in sortedTags {
            guard let digest = tags[tag], let entry = manifests[digest] else { continue }
            tagged.insert(digest)
            entries.append(Self.json(digest, entry, tag: tag))
        }
        let others = manifests.filter { !tagged.contains($0.key) }
        for (digest, entry) in others.sorted(by: { $0.key.description < $1.key.description }) {
            entries.append(Self.json(digest, entry, tag: nil))
        }
        let json: JSON = [
            "schemaVersion": 2, "mediaType": .string(MediaType.imageIndex.text), "manifests": .array(entries),
        ]
        return json.bytes()
    }

    private static func json(_ digest: MessageDigest, _ entry: Entry, tag: String?) -> JSON {
        var object: JSONObject = [
            "mediaType": .string(entry.mediaType.text), "digest": .string("\(digest)"), "size": .integer(entry.size),
        ]
        if let tag { object["annotations"] = .object([tagAnnotation: .string(tag)]) }
        if let subject = entry.subject { object[subjectMember] = .string("\(subject)") }
        return .object(object)
    }
}
