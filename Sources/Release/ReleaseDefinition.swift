internal import Bytes
internal import Host
package import Inventory
internal import Registry
package import SystemPackage
internal import Workspace

/// What a release consists of, and where it goes: `release.yaml`.
package struct ReleaseDefinition: Sendable {
    /// A package that is published as a file.
    package struct Archive: Hashable, Sendable {
        /// As a target of `martlet build`.
        package var package: String
        /// With `{version}` and `{architecture}` in it.
        package var file: String
    }

    /// A package that is published as an image.
    package struct Image: Hashable, Sendable {
        package var package: String
        /// Registry and repository, without a tag.
        package var repository: String
        /// Those with `{version}` in them are set once and never moved; others move with each release.
        package var tags: [String]
    }

    package var name: String
    /// A folder, relative to the file, or the address of one.
    package var place: String?
    package var archives: [Archive] = []
    package var images: [Image] = []
    package var bills: [BillFormat] = []
    /// Files of policies, all of which must allow everything that is published.
    package var policies: [FilePath] = []

    /// The file that a workspace has.
    package static let fileName = "release.yaml"
    private static let itemLimit = 100

    /// Reads the file. Paths in it are relative to its folder.
    package static func read(_ path: FilePath) throws -> ReleaseDefinition {
        let bytes = try Files.read(path, limit: 1 << 20)
        do {
            return try ReleaseDefinition(parsing: bytes, folder: path.removingLastComponent())
        } catch let error as ReleaseError {
            throw ReleaseError(error.code, "\(path): \(error.message)")
        } catch let error as SettingsFile.Failure {
            throw ReleaseError(.configuration, "\(path): \(error)")
        }
    }

    package init(parsing bytes: [UInt8], folder: FilePath) throws {
        let root = try SettingsFile.read(bytes)
        let fields = try Fields(root, at: "release", known: ["name", "to", "archives", "images", "sbom", "policy"])
        name = try fields.text("name")
        guard Self.isPlain(name) else {
            throw ReleaseError(.configuration, "name has letters, digits, dots, underscores and hyphens")
        }
        if let to = try fields.optionalText("to") {
            let isAddress = to.hasPrefix("https://") || to.hasPrefix("http://")
            place = isAddress ? to : folder.pushing(FilePath(to)).string
        }
        for item in try fields.list("archives") {
            let item = try Fields(item, at: "archives", known: ["package", "file"])
            archives.append(Archive(package: try item.text("package"), file: try item.text("file")))
        }
        for item in try fields.list("images") {
            let item = try Fields(item, at: "images", known: ["package", "repository", "tags"])
            let tags = try item.texts("tags")
            images.append(
                Image(
                    package: try item.text("package"), repository: try item.text("repository"),
                    tags: tags.isEmpty ? ["{version}"] : tags))
        }
        for word in try fields.texts("sbom") {
            guard let format = BillFormat(rawValue: word) else {
                let known = BillFormat.allCases.map(\.rawValue).joined(separator: ", ")
                throw ReleaseError(.configuration, "sbom has '\(word.safeForTerminal)'; known are \(known)")
            }
            bills.append(format)
        }
        policies = try fields.texts("policy").map { folder.pushing(FilePath($0)) }
        guard !archives.isEmpty || !images.isEmpty else {
            throw ReleaseError(.configuration, "nothing is released; name archives or images")
        }
        guard archives.count + images.count <= Self.itemLimit else {
            throw ReleaseError(.configuration, "a release has at most \(Self.itemLimit) archives and images")
        }
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, isWord(first), text.utf8.count <= 128 else { return false }
        return text.utf8.allSatisfy { isWord($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte
    }

    /// Checks a version, and everything that is named with it.
    package func check(version: String) throws {
        // It becomes the name of a folder and of tags.
        guard Self.isPlain(version), version != ReleasePlace.lockName else {
            throw ReleaseError(
                .configuration,
                "'\(version.safeForTerminal)' is no version; it has letters, digits, dots, underscores and hyphens")
        }
        guard archives.isEmpty || place != nil else {
            throw ReleaseError(.configuration, "nobody says where archives go; set to:, or give --to FOLDER")
        }
        var files: Set<String> = []
        for archive in archives {
            let file = Self.filled(archive.file, version)
            guard Self.isPlain(file) else {
                throw ReleaseError(.configuration, "'\(file.safeForTerminal)' is no name of a file")
            }
            guard [".tar", ".tar.gz", ".tgz", ".tar.zst"].contains(where: file.hasSuffix) else {
                throw ReleaseError(.configuration, "\(file) has to end in .tar, .tar.gz or .tar.zst")
            }
            guard files.insert(file).inserted else {
                throw ReleaseError(.configuration, "two archives are called \(file)")
            }
        }
        for image in images {
            guard let reference = try? Reference(image.repository), reference.name == image.repository else {
                throw ReleaseError(
                    .configuration,
                    "'\(image.repository.safeForTerminal)' is no repository; write REGISTRY/NAME without a tag")
            }
            for tag in image.tags where !Reference.isTag(Self.filled(tag, version)) {
                throw ReleaseError(.configuration, "'\(tag.safeForTerminal)' is no tag of an image")
            }
        }
    }

    /// Sends all images to another registry, under the same names.
    package mutating func move(to registry: String) throws {
        for index in images.indices {
            images[index].repository = "\(registry)/\(try Reference(images[index].repository).repository)"
        }
    }

    /// `pattern` with this version and this machine's architecture.
    static func filled(_ pattern: String, _ version: String) -> String {
        pattern.replacing("{version}", with: version).replacing("{architecture}", with: Machine.architecture)
    }
}

/// The members of a mapping in the definition. Unknown ones are refused: a misspelt one must not mean the default.
private struct Fields {
    let path: String
    let members: JSONObject

    init(_ json: JSON, at path: String, known: [String]) throws {
        guard let members = json.objectValue else {
            throw ReleaseError(.configuration, "\(path) has to be a mapping, and is \(json.kind)")
        }
        if let unknown = members.keys.first(where: { !known.contains($0) }) {
            throw ReleaseError(
                .configuration,
                "\(path).\(unknown.safeForTerminal) has no meaning; these have: \(known.joined(separator: ", "))")
        }
        self.path = path
        self.members = members
    }

    func text(_ key: String) throws -> String {
        guard let text = try optionalText(key) else { throw ReleaseError(.configuration, "\(path).\(key) is missing") }
        return text
    }

    func optionalText(_ key: String) throws -> String? {
        guard let value = members[key], !value.isNull else { return nil }
        guard let text = value.stringValue, !text.isEmpty else {
            throw ReleaseError(.configuration, "\(path).\(key) has to be a text")
        }
        return text
    }

    func list(_ key: String) throws -> [JSON] {
        guard let value = members[key], !value.isNull else { return [] }
        guard let list = value.arrayValue else { throw ReleaseError(.configuration, "\(path).\(key) has to be a list") }
        return list
    }

    func texts(_ key: String) throws -> [String] {
        try list(key).map { item in
            guard let text = item.stringValue, !text.isEmpty else {
                throw ReleaseError(.configuration, "\(path).\(key) has to be a list of texts")
            }
            return text
        }
    }
}
