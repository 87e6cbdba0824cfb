package import Bytes
internal import Host
internal import Synchronization
package import SystemPackage

/// Remembers the digests of large files that rarely change, such as compilers, between runs.
///
/// An entry counts only while the file's device, inode, size and both times are as they were. A damaged index is an
/// empty one.
package final class ToolIndex: Sendable {
    private struct State {
        var entries: [String: Entry] = [:]
        var isChanged = false
    }

    private struct Entry {
        var fingerprint: String
        var digest: Digest
    }

    private static let byteLimit = 4 << 20
    private static let entryLimit = 4096

    private let file: FilePath
    /// Guards the entries; never held during I/O on other files than those hashed.
    private let state: Mutex<State>

    /// Opens the index at `file`, which need not exist.
    package init(file: FilePath) {
        self.file = file
        var state = State()
        if let bytes = try? Files.read(file, limit: Self.byteLimit), let json = try? JSON(parsing: bytes),
            case .object(let members) = json
        {
            for member in members {
                let (path, value) = (member.key, member.value)
                guard let fingerprint = value["fingerprint"]?.stringValue,
                    let digest = value["sha256"]?.stringValue.flatMap({ Digest(hex: $0) })
                else { continue }
                state.entries[path] = Entry(fingerprint: fingerprint, digest: digest)
            }
        }
        self.state = Mutex(state)
    }

    /// The SHA-256 digest of the file at `path`, read only when it changed.
    package func digest(of path: FilePath) throws -> Digest {
        guard let status = try Files.status(path) else {
            throw HostError(.notFound, "there is no such file", path: path)
        }
        let fingerprint =
            "\(status.device).\(status.inode).\(status.size).\(status.modified).\(status.changed)"
        if let known = state.withLock({ $0.entries[path.string] }), known.fingerprint == fingerprint {
            return known.digest
        }
        let digest = try Files.digest(of: path).digest
        state.withLock {
            if $0.entries.count >= Self.entryLimit { $0.entries.removeAll() }
            $0.entries[path.string] = Entry(fingerprint: fingerprint, digest: digest)
            $0.isChanged = true
        }
        return digest
    }

    /// Writes the index when it changed. Losing it costs time only, so it is not synced.
    package func save() throws {
        let entries = state.withLock { $0.isChanged ? $0.entries : nil }
        guard let entries else { return }
        let json = JSON.rows(
            entries.sorted { $0.key < $1.key }.map { path, entry in
                (path, ["fingerprint": .string(entry.fingerprint), "sha256": .string(entry.digest.hex)])
            })
        try Files.write(json.canonical(), to: file)
    }
}
