internal import Bytes
internal import Git
internal import Host
internal import Synchronization
internal import SystemPackage

/// Remembers the name that git gives to a content that is known by its SHA-256 digest, so that a source whose hash
/// was recalled need not be read to ask git about it.
///
/// One file for each of git's object formats: "martblb1", records of digest and name, and the SHA-256 digest of all
/// that. A damaged index is an empty one.
final class BlobIndex: Sendable {
    private struct State {
        var names: [Digest: GitObjectID] = [:]
        var isLoaded = false
        var isChanged = false
    }

    private static let magic = Array("martblb1".utf8)
    private static let entryLimit = 500_000

    private let directory: FilePath
    /// Guards the names of each format; held while an index is read, which happens once.
    private let state = Mutex<[GitObjectFormat: State]>([:])

    /// The index in `directory`, which need not exist. It is read when it is first asked.
    init(directory: FilePath) { self.directory = directory }

    private func file(_ format: GitObjectFormat) -> FilePath { directory.appending("blobs-\(format.rawValue)") }

    /// git's name for the content with this digest, where it is known.
    func name(of digest: Digest, _ format: GitObjectFormat) -> GitObjectID? {
        state.withLock { states in
            load(format, &states)
            return states[format]?.names[digest]
        }
    }

    /// Remembers a name that was computed from the content with this digest.
    func remember(_ name: GitObjectID, of digest: Digest, _ format: GitObjectFormat) {
        state.withLock { states in
            load(format, &states)
            Self.add(name, of: digest, to: &states[format, default: State()])
        }
    }

    /// Remembers the SHA-1 names of many contents.
    func remember(_ names: [(digest: Digest, name: [UInt8])]) {
        guard !names.isEmpty else { return }
        state.withLock { states in
            load(.sha1, &states)
            for (digest, bytes) in names {
                guard let name = GitObjectID(bytes: bytes) else { continue }
                Self.add(name, of: digest, to: &states[.sha1, default: State()])
            }
        }
    }

    private func load(_ format: GitObjectFormat, _ states: inout [GitObjectFormat: State]) {
        if states[format]?.isLoaded != true { states[format] = State(names: read(format), isLoaded: true) }
    }

    private static func add(_ name: GitObjectID, of digest: Digest, to state: inout State) {
        if state.names.count >= entryLimit { state.names.removeAll() }
        guard state.names.updateValue(name, forKey: digest) != name else { return }
        state.isChanged = true
    }

    /// Writes what was learned. Losing it costs time only, so it is not synced.
    func save() throws {
        for (format, known) in state.withLock({ $0 }) where known.isChanged {
            var bytes = Self.magic
            bytes.reserveCapacity(known.names.count * (Digest.byteCount + format.digitCount / 2) + 64)
            for (digest, name) in known.names {
                bytes += digest.bytes
                bytes += name.bytes
            }
            bytes += Digest.of(bytes).bytes
            try Files.createDirectories(directory, mode: 0o700)
            try Files.write(bytes, to: file(format))
            state.withLock { $0[format]?.isChanged = false }
        }
    }

    private func read(_ format: GitObjectFormat) -> [Digest: GitObjectID] {
        let width = Digest.byteCount + format.digitCount / 2
        let frame = Self.magic.count + Digest.byteCount
        guard let bytes = try? Files.read(file(format), limit: frame + Self.entryLimit * width),
            bytes.count >= frame, bytes.starts(with: Self.magic), (bytes.count - frame) % width == 0,
            Digest.of(Array(bytes.dropLast(Digest.byteCount))).bytes == Array(bytes.suffix(Digest.byteCount))
        else { return [:] }
        var names: [Digest: GitObjectID] = [:]
        names.reserveCapacity((bytes.count - frame) / width)
        for start in stride(from: Self.magic.count, to: bytes.count - Digest.byteCount, by: width) {
            let middle = start + Digest.byteCount
            guard let digest = Digest(bytes, at: start),
                let name = GitObjectID(bytes: Array(bytes[middle..<(start + width)]))
            else { return [:] }
            names[digest] = name
        }
        return names
    }
}
