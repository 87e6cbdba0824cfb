package import Bytes
internal import Host
package import SystemPackage

/// Payloads of envelopes, beside the log: a file each, by its digest.
///
/// They are no part of the tree, so one can be removed where it must be, and what was logged stays provable.
package struct AttestationStore: Sendable {
    private let directory: FilePath

    package init(_ directory: FilePath) { self.directory = directory }

    private func path(_ digest: Digest) -> FilePath {
        let hex = digest.hex
        return directory.appending(String(hex.prefix(2))).appending(hex)
    }

    /// Keeps a payload durably; nothing is done where it is kept already.
    package func put(_ payload: [UInt8]) async throws {
        let path = path(Digest.of(payload))
        try await FileThreads.run {
            guard try !Files.exists(path) else { return }
            try Files.createDirectories(path.removingLastComponent(), mode: 0o700)
            try Files.write(payload, to: path, mode: 0o600, durable: true)
        }
    }

    /// The payload with this digest; `nil` where none is kept. One that was changed on disk counts as none.
    package func get(_ digest: Digest) async throws -> [UInt8]? {
        let path = path(digest)
        return try await FileThreads.run {
            guard try Files.exists(path) else { return nil }
            let bytes = try Files.read(path, limit: 64 << 20)
            return Digest.of(bytes) == digest ? bytes : nil
        }
    }

    /// Removes a payload; whether there was one.
    package func remove(_ digest: Digest) async throws -> Bool {
        let path = path(digest)
        return try await FileThreads.run {
            guard try Files.exists(path) else { return false }
            try Files.remove(path)
            return true
        }
    }
}
