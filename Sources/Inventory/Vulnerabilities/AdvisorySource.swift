internal import Bytes
internal import Host
package import SystemPackage

/// Advisories as files: OSV documents or the data of Debian's security tracker, in a folder, a zip or tar archive, or
/// one file. Nothing is asked over a network.
package struct AdvisorySource: Sendable {
    package let path: FilePath

    package init(_ path: FilePath) { self.path = path }

    /// The largest document.
    private static let byteLimit = 512 << 20

    /// Gives each advisory to `body`.
    package func forEach(_ body: (Advisory) throws -> Void) throws {
        guard let status = try Files.status(path) else {
            throw InventoryError(.absent, "there is no such file or folder of advisories", file: path.string)
        }
        if status.kind == .directory {
            let names = try DirectoryWalk(path).entries().filter { $0.kind == .regular && $0.path.hasSuffix(".json") }
            for name in names.map(\.path).sorted(by: Files.isOrderedByBytes) {
                let file = path.pushing(FilePath(name))
                try Self.read(try Files.read(file, limit: Self.byteLimit), name: file.string, body)
            }
            return
        }
        let head = try ByteReader(try OpenFile(reading: path)).read(4)
        if head == [0x50, 0x4B, 3, 4] {
            let zip = try ZipReader(try Files.read(path, limit: 4 << 30))
            for member in zip.members where member.name.hasSuffix(".json") {
                try Self.read(try zip.content(of: member, limit: Self.byteLimit), name: member.name, body)
            }
        } else if head.first == UInt8(ascii: "{") || head.first == UInt8(ascii: "[") {
            try Self.read(try Files.read(path, limit: Self.byteLimit), name: path.string, body)
        } else {
            let source = ByteReader(try OpenFile(reading: path))
            var archive = TarReader(try Decompressor(source, limit: 1 << 36).reader)
            while let entry = try archive.next() {
                guard case .file = entry.kind, entry.path.hasSuffix(".json") else { continue }
                try Self.read(try archive.content(limit: Self.byteLimit), name: entry.path, body)
            }
        }
    }

    /// Reads one document, or a list of them.
    static func read(_ bytes: [UInt8], name: String, _ body: (Advisory) throws -> Void) throws {
        do {
            let json = try JSON.document(bytes, limit: byteLimit)
            if Advisory.isDebianTracker(json) {
                try Advisory.debianTracker(json, body)
            } else {
                for entry in json.arrayValue ?? [json] { try body(Advisory(osv: entry)) }
            }
        } catch let error as InventoryError {
            throw error.inFile(name)
        }
    }
}
