internal import Attest
internal import Bytes
internal import Host

/// What one layer is made from: everything that can change its bytes.
struct LayerRecipe: Sendable {
    enum Source: Sendable {
        case package(ImageLock.Package)
        case certificates(ImageLock.Package)
        /// Entries that are made here.
        case fixed(FixedLayer)
    }

    /// Raised when the bytes of a layer change for equal sources; kept layers of another number are not used.
    static let version = 2

    var source: Source
    var isMerged: Bool
    var compression: LayerCompression

    /// What the image's history says.
    var title: String {
        switch source {
        case .package(let package): "\(package.name) \(package.version) \(package.architecture)"
        case .certificates(let package): "certificates of \(package.name) \(package.version)"
        case .fixed(let layer): layer.name
        }
    }

    /// The package that has to be there to make the layer.
    var package: ImageLock.Package? {
        switch source {
        case .package(let package), .certificates(let package): package
        case .fixed: nil
        }
    }

    /// About how much work the layer is, in bytes.
    var size: Int {
        switch source {
        case .package(let package), .certificates(let package): package.size
        // What is made here need not be unpacked.
        case .fixed(let layer): layer.entries.reduce(0) { $0 + $1.content.count / 4 }
        }
    }

    /// Equal keys mean equal layers.
    var key: Digest {
        let kind: JSON
        switch source {
        case .package(let package): kind = ["package": .string(package.digest.hex)]
        case .certificates(let package): kind = ["certificates": .string(package.digest.hex)]
        case .fixed(let layer):
            kind = [
                "entries": .array(
                    layer.entries.map { entry in
                        [
                            .string(entry.path), .string("\(entry.kind)"), .integer(entry.attributes.mode),
                            .integer(entry.attributes.owner), .integer(entry.attributes.group),
                            .integer(entry.attributes.modified), .string(Digest.of(entry.content).hex),
                        ]
                    })
            ]
        }
        return Digest.of(
            JSON.object([
                "version": .integer(Self.version), "merged": .bool(isMerged),
                "compression": .string("\(compression.rawValue)-\(compression.level)"), "source": kind,
            ]).canonical())
    }

    /// Makes the layer's entries; `content` is the package's file.
    func entries(_ content: [UInt8]?) throws -> [LayerEntry] {
        switch source {
        case .fixed(let layer): return layer.entries
        case .package(let wanted), .certificates(let wanted):
            guard let content else { throw ImageError(.absent, "the package \(wanted.name) is not at hand") }
            let package = try DebianPackage(parsing: content)
            guard package.name == wanted.name, package.version == wanted.version,
                package.architecture == wanted.architecture
            else {
                throw ImageError(
                    .untrusted,
                    "\(wanted.filename) says that it is \(package.name) \(package.version), not \(wanted.name) \(wanted.version)"
                )
            }
            if case .certificates = source { return try FixedLayer.certificates(package).entries }
            return try PackageLayer.entries(package, isMerged: isMerged)
        }
    }
}

/// A layer that was made, as it is kept: its digests, and what the linker's cache has to know of its files.
struct LayerRecord: Hashable, Sendable {
    var digest: Digest
    var diffID: Digest
    var size: Int
    var libraries: [LinkerCache.File]
    /// Of the layer's descriptor.
    var annotations: [String: String]

    init(
        digest: Digest, diffID: Digest, size: Int, libraries: [LinkerCache.File], annotations: [String: String] = [:]
    ) {
        self.annotations = annotations
        self.digest = digest
        self.diffID = diffID
        self.size = size
        self.libraries = libraries
    }

    /// What of the entries the linker's cache has to know.
    static func libraries(_ entries: [LayerEntry]) -> [LinkerCache.File] {
        entries.compactMap { entry in
            guard LinkerCache.isCandidate(entry.path) else { return nil }
            switch entry.kind {
            case .file:
                let name = entry.path.split(separator: "/").last.map(String.init) ?? ""
                let library = SharedLibrary(entry.content, name: name)
                return library.map { LinkerCache.File(path: entry.path, library: $0) }
            case .link: return LinkerCache.File(path: entry.path, library: nil)
            default: return nil
            }
        }
    }

    var json: JSON {
        [
            "digest": .string(digest.hex), "diffID": .string(diffID.hex), "size": .integer(size),
            "annotations": .texts(annotations),
            "libraries": .array(
                libraries.map { file in
                    var out: [JSON] = [.string(file.path)]
                    if let library = file.library {
                        let machine = library.machine
                        out += [
                            .string(library.soname), .integer(machine.number), .bool(machine.is64Bit),
                            .bool(machine.isLittleEndian),
                        ]
                    }
                    return .array(out)
                }),
        ]
    }

    /// `nil` for what is no record: the layer is made again.
    init?(_ json: JSON) {
        guard let digest = json["digest"]?.stringValue.flatMap({ Digest(hex: $0) }),
            let diffID = json["diffID"]?.stringValue.flatMap({ Digest(hex: $0) }), let size = json["size"]?.intValue,
            let list = json["libraries"]?.arrayValue
        else { return nil }
        var libraries: [LinkerCache.File] = []
        for item in list {
            guard let path = item[0]?.stringValue else { return nil }
            var library: SharedLibrary?
            if let soname = item[1]?.stringValue {
                guard let number = item[2]?.intValue, let is64Bit = item[3]?.boolValue,
                    let isLittleEndian = item[4]?.boolValue
                else { return nil }
                library = SharedLibrary(
                    soname: soname,
                    machine: SharedLibrary.Machine(number: number, is64Bit: is64Bit, isLittleEndian: isLittleEndian))
            }
            libraries.append(LinkerCache.File(path: path, library: library))
        }
        var annotations: [String: String] = [:]
        for member in json["annotations"]?.objectValue ?? [:] {
            guard let text = member.value.stringValue else { return nil }
            annotations[member.key] = text
        }
        self.init(digest: digest, diffID: diffID, size: size, libraries: libraries, annotations: annotations)
    }
}
