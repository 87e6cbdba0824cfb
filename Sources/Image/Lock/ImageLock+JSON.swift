internal import Bytes

extension ImageLock {
    private static let format = "martlet image lock"
    private static let formatVersion = 1
    package static let byteLimit = 16 << 20

    /// The bytes of the lock's file. Equal locks give equal bytes.
    package var bytes: [UInt8] { json.bytes(indented: true) + [0x0A] }

    private var json: JSON {
        [
            "format": .string(Self.format), "version": .integer(Self.formatVersion),
            "definition": .string(definition.description), "verified": .string(Self.time(verified)),
            "transitive": .bool(resolvesTransitively), "archives": .array(archives.map(\.json)),
            "images": .array(selections.map(\.json)),
        ]
    }

    static func time(_ seconds: Int) -> String { Timestamp(seconds: Int64(seconds))?.description ?? "" }

    /// Reads a lock's file. Other formats and versions are refused.
    package init(parsing bytes: [UInt8]) throws(ImageError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: Self.byteLimit, depth: 16))
        } catch {
            throw ImageError(.malformed, "the lock is not JSON: \(error); run martlet image lock again")
        }
        var fields = try DefinitionFields(json, at: "")
        guard try fields.requiredText("format") == Self.format else {
            throw ImageError(.malformed, "the file is no lock of an image")
        }
        guard try fields.integer("version") == Self.formatVersion else {
            throw ImageError(.unsupported, "the lock is of another version; run martlet image lock again")
        }
        definition = try fields.digest("definition")
        verified = try fields.time("verified")
        resolvesTransitively = try fields.bool("transitive") ?? false
        archives = []
        for var item in try fields.list("archives") ?? [] {
            archives.append(try Archive(&item))
            try item.finish()
        }
        selections = []
        for var item in try fields.list("images") ?? [] {
            selections.append(try Selection(&item))
            try item.finish()
        }
        try fields.finish()
        for package in selections.flatMap({ $0.packages + $0.materials }) {
            guard archives.indices.contains(package.archive),
                archives[package.archive].indexes.indices.contains(package.index)
            else { throw ImageError(.malformed, "the lock's package \(package.name) is of an index that is not there") }
        }
    }
}

extension DefinitionFields {
    fileprivate mutating func digest(_ key: String) throws(ImageError) -> Digest {
        let text = try requiredText(key)
        guard text.hasPrefix("sha256:"), let digest = Digest(hex: text.dropFirst(7)) else {
            throw wrong(key, "sha256: and 64 hexadecimal digits")
        }
        return digest
    }

    fileprivate mutating func time(_ key: String) throws(ImageError) -> Int {
        guard let time = Timestamp(try requiredText(key)) else {
            throw wrong(key, "a time such as 2025-01-01T00:00:00Z")
        }
        return Int(time.seconds)
    }

    fileprivate mutating func count(_ key: String) throws(ImageError) -> Int {
        guard let number = try integer(key), number >= 0 else { throw wrong(key, "a whole number from 0 on") }
        return number
    }

    fileprivate mutating func path(of key: String) throws(ImageError) -> String {
        let path = try requiredText(key)
        guard ArchivePath.isValid(path) else { throw wrong(key, "a path inside the archive") }
        return path
    }
}

extension ImageLock.Archive {
    fileprivate init(_ fields: inout DefinitionFields) throws(ImageError) {
        uri = try fields.requiredText("uri")
        suite = try fields.path(of: "suite")
        codename = try fields.text("codename")
        date = try fields.time("date")
        keyring = try fields.digest("keyring")
        var release = try fields.requiredMapping("release")
        self.release = try release.digest("digest")
        releaseSize = try release.count("size")
        signers = []
        for var item in try release.list("signers") ?? [] {
            signers.append(
                ImageLock.Signer(
                    fingerprint: try item.requiredText("fingerprint"),
                    primaryFingerprint: try item.requiredText("primary")))
            try item.finish()
        }
        try release.finish()
        indexes = []
        for var item in try fields.list("indexes") ?? [] {
            indexes.append(
                ImageLock.Index(
                    path: try item.path(of: "path"), digest: try item.digest("digest"), size: try item.count("size")))
            try item.finish()
        }
    }

    fileprivate var json: JSON {
        var object: JSONObject = ["uri": .string(uri), "suite": .string(suite)]
        if let codename { object["codename"] = .string(codename) }
        object["date"] = .string(ImageLock.time(date))
        object["keyring"] = .string(keyring.description)
        object["release"] = [
            "digest": .string(release.description), "size": .integer(releaseSize),
            "signers": .array(
                signers.map { ["fingerprint": .string($0.fingerprint), "primary": .string($0.primaryFingerprint)] }),
        ]
        object["indexes"] = .array(
            indexes.map {
                ["path": .string($0.path), "digest": .string($0.digest.description), "size": .integer($0.size)]
            })
        return .object(object)
    }
}

extension ImageLock.Selection {
    fileprivate init(_ fields: inout DefinitionFields) throws(ImageError) {
        variant = try fields.text("variant") ?? ""
        architecture = try fields.requiredText("architecture")
        guard Architecture.debianName(of: architecture) != nil else {
            throw fields.wrong("architecture", "one of \(Architecture.known.joined(separator: ", "))")
        }
        packages = try Self.packages(&fields, "packages")
        materials = try Self.packages(&fields, "materials")
    }

    private static func packages(
        _ fields: inout DefinitionFields, _ key: String
    ) throws(ImageError) -> [ImageLock.Package] {
        var out: [ImageLock.Package] = []
        for var item in try fields.list(key) ?? [] {
            let name = try item.requiredText("name")
            let version = try item.requiredText("version")
            let architecture = try item.requiredText("architecture")
            guard DebianName.isValid(name), DebianName.isValid(architecture), DebianVersion(version) != nil else {
                throw item.wrong("name", "the name, version and architecture of a Debian package")
            }
            out.append(
                ImageLock.Package(
                    name: name, version: version, architecture: architecture, digest: try item.digest("digest"),
                    size: try item.count("size"), filename: try item.path(of: "filename"),
                    source: try item.requiredText("source"), archive: try item.count("archive"),
                    index: try item.count("index")))
            try item.finish()
        }
        return out
    }

    fileprivate var json: JSON {
        func list(_ packages: [ImageLock.Package]) -> JSON {
            .array(
                packages.map {
                    [
                        "name": .string($0.name), "version": .string($0.version),
                        "architecture": .string($0.architecture), "digest": .string($0.digest.description),
                        "size": .integer($0.size), "filename": .string($0.filename), "source": .string($0.source),
                        "archive": .integer($0.archive), "index": .integer($0.index),
                    ]
                })
        }
        var object: JSONObject = [:]
        if !variant.isEmpty { object["variant"] = .string(variant) }
        object["architecture"] = .string(architecture)
        object["packages"] = list(packages)
        if !materials.isEmpty { object["materials"] = list(materials) }
        return .object(object)
    }
}
