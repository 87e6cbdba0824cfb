internal import Bytes
package import Host
package import SystemPackage

/// The lock files and databases of installed packages below a directory or in an archive.
package struct FoundFiles: Sendable {
    /// Relative path to content.
    package private(set) var files: [String: [UInt8]] = [:]
    private var byteCount = 0

    /// The most bytes of all files together.
    package static let byteLimit = 512 << 20
    /// The most files of one archive.
    package static let fileLimit = 100_000
    /// Directories that hold other people's packages with lock files of their own, which say nothing about this one.
    private static let passedOver: Set<String> = [".git", ".hg", "node_modules", ".build", "target", ".venv", "venv"]

    package init() {}

    /// Looks below a directory.
    package init(in directory: FilePath) throws {
        var found: [String] = []
        try DirectoryWalk(directory).forEach { entry in
            let name = entry.path.split(separator: "/").last.map(String.init) ?? ""
            if entry.kind == .directory { return !Self.passedOver.contains(name) }
            if entry.kind == .regular, Self.isWanted(entry.path) { found.append(entry.path) }
            return true
        }
        for path in found.sorted(by: Files.isOrderedByBytes) {
            try add(path, try Files.read(directory.pushing(FilePath(path)), limit: LockFile.byteLimit))
        }
    }

    /// Looks into a tar archive, packed or not.
    package init(archive: FilePath) throws {
        try add(archive: ByteReader(try OpenFile(reading: archive)))
    }

    /// Adds what an archive holds. Later archives replace files of earlier ones, and remove those that they have
    /// whiteouts for, as the layers of an image do.
    package mutating func add(archive source: ByteReader) throws {
        var archive = TarReader(try Decompressor(source, limit: 1 << 36).reader)
        var added: [(path: String, bytes: [UInt8])] = []
        while let entry = try archive.next() {
            let path = entry.path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
            applyWhiteout(path)
            guard case .file = entry.kind, Self.isWanted(path) else { continue }
            guard entry.size <= LockFile.byteLimit else {
                throw InventoryError(.limit, "the file has \(entry.size) bytes", file: path)
            }
            added.append((path, try archive.content(limit: LockFile.byteLimit)))
            guard added.count <= Self.fileLimit else {
                throw InventoryError(.limit, "there are more than \(Self.fileLimit) lock files")
            }
        }
        // A whiteout speaks of earlier archives alone.
        for (path, bytes) in added { try add(path, bytes) }
    }

    /// Adds a file.
    package mutating func add(_ path: String, _ bytes: [UInt8]) throws(InventoryError) {
        byteCount += bytes.count
        guard byteCount <= Self.byteLimit else {
            throw InventoryError(.limit, "lock files have more than \(Self.byteLimit) bytes", file: path)
        }
        files[path] = bytes
    }

    private mutating func applyWhiteout(_ path: String) {
        let parts = path.split(separator: "/")
        guard let name = parts.last, name.hasPrefix(".wh.") else { return }
        let directory = parts.dropLast().joined(separator: "/")
        let isOpaque = name == ".wh..wh..opq"
        let gone = isOpaque ? directory : (parts.dropLast() + [name.dropFirst(4)]).joined(separator: "/")
        for path in files.keys where path == gone || gone.isEmpty || path.hasPrefix(gone + "/") { files[path] = nil }
    }

    private static func isWanted(_ path: String) -> Bool {
        LockFile.Kind(path: path) != nil || osReleasePaths.contains(path)
    }

    private static let osReleasePaths = ["etc/os-release", "usr/lib/os-release"]

    /// The distribution that is installed, such as `debian-12`; `nil` where nothing says.
    package var distribution: String? {
        for path in Self.osReleasePaths {
            guard let bytes = files[path], let lines = try? TextLines(bytes) else { continue }
            var values: [String: String] = [:]
            for line in lines {
                let parts = line.text.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { values[String(parts[0])] = String(parts[1].withoutQuotes) }
            }
            if let id = values["ID"] { return values["VERSION_ID"].map { "\(id)-\($0)" } ?? id }
        }
        return nil
    }

    /// Reads all of them, in the order of their paths.
    package func lockFiles() throws -> [LockFile] {
        var out: [LockFile] = []
        for path in files.keys.sorted(by: Files.isOrderedByBytes) {
            guard let kind = LockFile.Kind(path: path), let bytes = files[path] else { continue }
            let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
            // go.mod reads it along.
            if kind == .goSum, files[directory + "go.mod"] != nil { continue }
            var file = try LockFile(parsing: bytes, kind: kind, path: path) { files[directory + $0] }
            if let distribution { file.setDistribution(distribution) }
            out.append(file)
        }
        return out
    }

    /// The bill of materials of all of them.
    package func bill(of subject: BillOfMaterials.Subject) throws -> BillOfMaterials {
        try BillOfMaterials(of: subject, lockFiles: lockFiles())
    }
}

extension LockFile {
    /// Says from which distribution installed packages are.
    fileprivate mutating func setDistribution(_ distribution: String) {
        guard kind == .dpkgStatus else { return }
        let vendor = String(distribution.prefix { $0 != "-" })
        for index in components.indices {
            update(index) { component in
                let purl = component.purl
                component.purl = PackageURL(
                    type: "deb", namespace: vendor, name: purl.name, version: purl.version,
                    qualifiers: purl.qualifiers + [.init(key: "distro", value: distribution)])
            }
        }
    }
}
