internal import Build
internal import Bytes
internal import Host
internal import Registry
internal import SystemPackage

/// The directories of builds: records, logs and results. Every call blocks, and belongs on a thread for files.
struct BuildShelf: Sendable {
    let root: FilePath

    /// The most bytes of a log that are kept.
    static let logLimit = 64 << 20
    /// What stays free for records and the rest of the server.
    static let reserve = 8 << 20

    func directory(_ id: String) -> FilePath { root.appending(id) }
    /// Where a build's worker works; gone when it has ended.
    func workplace(_ id: String) -> FilePath { directory(id).appending("work") }
    func pack(_ id: String) -> FilePath { directory(id).appending("source.pack") }
    func log(_ id: String) -> FilePath { directory(id).appending("log") }
    func artifact(_ id: String) -> FilePath { directory(id).appending(BuildJob.artifact) }
    func bundle(_ id: String) -> FilePath { directory(id).appending(BuildJob.artifact + ".sigstore.json") }

    /// Refuses before anything is half-written.
    func checkSpace(for byteCount: Int) throws {
        let free = Int(clamping: try FileSystem(of: root).freeByteCount)
        guard free >= byteCount + Self.reserve else {
            throw HostError(.noSpace, "\(byteCount) bytes are to come, and \(free) are free", path: root)
        }
    }

    func write(_ record: BuildRecord) throws {
        try Files.write(record.bytes, to: directory(record.id).appending("record.json"), mode: 0o600, durable: true)
    }

    /// Makes a build's directory. Where the disk has no room for that, nothing is left of it.
    func create(_ record: BuildRecord) throws {
        do {
            try checkSpace(for: 0)
            try Files.createDirectories(directory(record.id), mode: 0o700)
            try Files.write([], to: log(record.id), mode: 0o600)
            try write(record)
        } catch {
            try? Files.removeTree(directory(record.id))
            throw error
        }
    }

    /// The builds of an earlier server, oldest first. What ran then is interrupted now.
    func recover(at now: Timestamp) throws -> [BuildRecord] {
        try Files.createDirectories(root, mode: 0o700)
        var records: [BuildRecord] = []
        for name in try Files.list(root) where BuildRecord.isID(name) {
            try? Files.removeTree(workplace(name))
            let file = root.appending(name).appending("record.json")
            guard let bytes = try? Files.read(file, limit: 4 << 20), var record = BuildRecord(parsing: bytes),
                record.id == name
            else {
                // A directory without a record is one whose first write failed.
                try? Files.removeTree(root.appending(name))
                continue
            }
            if record.state == .running || record.state == .waiting {
                record.message =
                    record.state == .running
                    ? "the server ended while the build ran" : "the server ended before the sources came"
                record.state = .interrupted
                record.finished = now
                try write(record)
            }
            records.append(record)
        }
        return records.sorted { ($0.created, $0.id) < ($1.created, $1.id) }
    }

    func remove(_ id: String) throws { try Files.removeTree(directory(id)) }

    func removeWorkplace(_ id: String) {
        try? Files.removeTree(workplace(id))
        try? Files.remove(pack(id))
    }

    /// Takes the results out of the workplace, and gives the archive's digest.
    func keepResults(_ id: String) throws -> Digest {
        let made = workplace(id).appending(BuildJob.artifact)
        let digest = try Files.digest(of: made).digest
        try Files.rename(FilePath(made.string + ".sigstore.json"), to: bundle(id))
        try Files.rename(made, to: artifact(id))
        return digest
    }

    /// Appends to a log, up to its limit.
    func append(_ text: String, to id: String) throws {
        let path = log(id)
        let size = try Files.status(path)?.size ?? 0
        guard size < Self.logLimit else { return }
        let file = try OpenFile(appending: path)
        let end = size + text.utf8.count >= Self.logLimit ? "\n(the rest of the log is not kept)\n" : ""
        try file.write(Array(text.utf8.prefix(Self.logLimit - size)) + Array(end.utf8))
    }

    /// A part of a log.
    func log(_ id: String, from offset: Int, limit: Int) throws -> [UInt8] {
        let path = log(id)
        guard let size = try Files.status(path)?.size, offset < size else { return [] }
        let file = try OpenFile(reading: path, followingLinks: false)
        try file.seek(to: offset)
        return try file.read(min(limit, size - offset))
    }
}
