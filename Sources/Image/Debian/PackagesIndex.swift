package import Bytes

/// One package as an archive's `Packages` index describes it.
package struct ArchivePackage: Hashable, Sendable {
    package var name: String
    package var version: DebianVersion
    /// `all` or an architecture of Debian's.
    package var architecture: String
    package var digest: Digest
    package var size: Int
    /// The path below the archive's root.
    package var filename: String
    /// The name of the source package, with its version where that differs.
    package var source: String
    var dependencies: [DebianDependency]
    var provides: [DebianDependency.Alternative]

    init(_ stanza: ControlStanza) throws(ImageError) {
        func field(_ name: String) throws(ImageError) -> String {
            guard let value = stanza[name], !value.isEmpty else {
                throw ImageError(.malformed, "a package in the archive's index has no \(name)")
            }
            return value
        }
        name = try field("Package")
        guard DebianName.isValid(name) else { throw ImageError(.malformed, "`\(name)` is no name of a package") }
        let text = try field("Version")
        guard let version = DebianVersion(text) else {
            throw ImageError(.malformed, "`\(text)` is no version (\(name))")
        }
        self.version = version
        architecture = try field("Architecture")
        filename = try field("Filename")
        guard ArchivePath.isValid(filename), DebianName.isValid(architecture) else {
            throw ImageError(.malformed, "the package \(name) has a file name or an architecture that is not accepted")
        }
        guard let digest = Digest(hex: try field("SHA256")), let size = Int(try field("Size")), size > 0 else {
            throw ImageError(.malformed, "the package \(name) has no digest or no size that can be read")
        }
        self.digest = digest
        self.size = size
        source = stanza["Source"] ?? name
        dependencies =
            try DebianDependency.parse(stanza["Pre-Depends"] ?? "") + DebianDependency.parse(stanza["Depends"] ?? "")
        provides = try DebianDependency.parse(stanza["Provides"] ?? "").flatMap(\.alternatives)
    }
}

/// An archive's `Packages` index: where each name's paragraphs are. Paragraphs are read when they are asked for.
struct PackagesIndex: Sendable {
    private let bytes: [UInt8]
    /// The paragraphs by the name of the package, in the order of the file.
    private let places: [String: [Range<Int>]]

    static let paragraphLimit = 1_000_000
    static let greatestByteCount = 1 << 30

    init(parsing bytes: [UInt8]) throws(ImageError) {
        self.bytes = bytes
        var places: [String: [Range<Int>]] = [:]
        do {
            let field = Array("Package:".utf8)
            for paragraph in try ControlStanza.paragraphs(of: bytes, limit: Self.paragraphLimit) {
                // It is nearly always the first field.
                var name: String
                if paragraph.starts(with: field) {
                    let line = paragraph.dropFirst(field.count).prefix { $0 != 0x0A }
                    name = String(decoding: line.filter { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 }, as: UTF8.self)
                } else {
                    guard let value = try ControlStanza(parsing: paragraph)["Package"] else {
                        throw ParseError("a paragraph names no package", at: paragraph.startIndex)
                    }
                    name = value
                }
                places[name, default: []].append(paragraph.startIndex..<paragraph.endIndex)
            }
        } catch {
            throw ImageError(.malformed, "the archive's Packages index can't be read: \(error)")
        }
        self.places = places
    }

    var names: [String] { places.keys.sorted() }

    /// All versions of the package `name`, the newest first.
    func packages(named name: String) throws(ImageError) -> [ArchivePackage] {
        var out: [ArchivePackage] = []
        for place in places[name] ?? [] {
            do {
                out.append(try ArchivePackage(ControlStanza(parsing: bytes[place])))
            } catch let error as ParseError {
                throw ImageError(.malformed, "the archive's entry for \(name) can't be read: \(error)")
            } catch let error as ImageError {
                throw error
            } catch {
                throw ImageError(.malformed, "the archive's entry for \(name) can't be read")
            }
        }
        return out.sorted { $1.version < $0.version }
    }

    /// The packages that provide `name`, which may be no package itself, by name; the newest version of each.
    func providers(of name: String) throws(ImageError) -> [ArchivePackage] {
        var out: [ArchivePackage] = []
        let wanted = Array(name.utf8)
        for candidate in names {
            // Reading every paragraph would take seconds; most don't hold the name at all.
            guard let place = places[candidate]?.first, Self.contains(bytes[place], wanted) else { continue }
            if let package = try packages(named: candidate).first(where: { $0.provides.contains { $0.name == name } }) {
                out.append(package)
            }
        }
        return out
    }

    private static func contains(_ bytes: ArraySlice<UInt8>, _ word: [UInt8]) -> Bool {
        guard let first = word.first else { return false }
        var rest = bytes
        while let at = rest.firstIndex(of: first) {
            rest = rest[at...]
            if rest.starts(with: word) { return true }
            rest = rest.dropFirst()
        }
        return false
    }
}
