internal import Bytes
internal import Host

/// A binary package (deb(5)): what it says of itself, and its files. No script of it is ever run.
package struct DebianPackage: Sendable {
    package let name: String
    package let version: String
    package let architecture: String
    /// The `control` file as it is in the package.
    package let control: [UInt8]
    /// The `md5sums` file; `nil` where the package has none.
    package let md5sums: [UInt8]?
    /// In the order of the package.
    package let entries: [LayerEntry]

    init(
        name: String, version: String, architecture: String, control: [UInt8], md5sums: [UInt8]?, entries: [LayerEntry]
    ) {
        self.name = name
        self.version = version
        self.architecture = architecture
        self.control = control
        self.md5sums = md5sums
        self.entries = entries
    }

    /// Limits on what a package may hold.
    package struct Limits: Sendable {
        package var fileBytes = 1 << 30
        package var unpackedBytes = 4 << 30
        package var entries = 200_000

        package init() {}
    }

    /// Reads a package.
    package init(parsing bytes: [UInt8], limits: Limits = Limits()) throws {
        guard bytes.count <= limits.fileBytes else {
            throw ImageError(.limit, "the package has more than \(limits.fileBytes) bytes")
        }
        let members = try ArchiveReader.members(of: bytes)
        guard members.count >= 3, members[0].name == "debian-binary", members[0].content.starts(with: "2.".utf8) else {
            throw ImageError(.malformed, "the file is no Debian package of format 2")
        }
        // Names that begin with an underscore are other people's, and come after the control member at the earliest.
        let parts = members.dropFirst().filter { !$0.name.hasPrefix("_") }
        guard parts.count == 2, parts[0].name.hasPrefix("control.tar"), parts[1].name.hasPrefix("data.tar") else {
            throw ImageError(.malformed, "the package does not hold control.tar and data.tar, in this order")
        }
        var control: [UInt8]?
        var md5sums: [UInt8]?
        for entry in try Self.entries(of: parts[0], limit: 64 << 20, limits) {
            if entry.path == "control" { control = entry.content }
            if entry.path == "md5sums" { md5sums = entry.content }
        }
        guard let control else { throw ImageError(.malformed, "the package has no control file") }
        do {
            let paragraphs = try ControlStanza.paragraphs(of: control, limit: 2)
            guard paragraphs.count == 1 else { throw ParseError("it is not one paragraph", at: 0) }
            let stanza = try ControlStanza(parsing: paragraphs[0])
            name = stanza["Package"] ?? ""
            version = stanza["Version"] ?? ""
            architecture = stanza["Architecture"] ?? ""
        } catch {
            throw ImageError(.malformed, "the package's control file can't be read: \(error)")
        }
        guard DebianName.isValid(name), DebianVersion(version) != nil, DebianName.isValid(architecture) else {
            throw ImageError(.malformed, "the package's control file has no valid name, version and architecture")
        }
        self.control = control
        self.md5sums = md5sums
        entries = try Self.entries(of: parts[1], limit: limits.unpackedBytes, limits)
    }

    private static func entries(of member: ArchiveReader.Member, limit: Int, _ limits: Limits) throws -> [LayerEntry] {
        let source = ByteReader(member.content)
        let stream: ByteReader =
            XZDecompressor.recognizes(member.content)
            ? try XZDecompressor(source, limit: limit).reader : try Decompressor(source, limit: limit).reader
        var bounds = TarReader.Limits()
        bounds.entries = limits.entries
        bounds.totalBytes = limit
        var reader = TarReader(stream, limits: bounds)
        var entries: [LayerEntry] = []
        while let entry = try reader.next() {
            let content = entry.size > 0 ? try reader.content(limit: limit) : []
            entries.append(
                LayerEntry(path: entry.path, kind: entry.kind, attributes: entry.attributes, content: content))
        }
        return entries
    }
}
