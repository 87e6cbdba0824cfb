internal import Host
package import Keys
internal import Ledger
package import Sigstore
package import SystemPackage
package import TileLog

/// What is done to the log of a server's data directory while the server is down. `.busy` while it runs.
package struct LogMaintenance: Sendable {
    private let data: FilePath
    private let directory: FilePath

    package init(data: FilePath) {
        self.data = data
        directory = data.appending("log")
    }

    /// Checks every byte of the log, its checkpoint's signatures included.
    package func check() async throws -> LogCheckReport {
        let files = try await files(named: nil)
        let lock = try DataDirectory(data)
        defer { withExtendedLifetime(lock) {} }
        return try await TransparencyLog.check(files.tree, keys: files.signers.map(\.key))
    }

    /// Writes the log as plain files (C2SP tlog-tiles); a later call adds what is new.
    package func export(to folder: FilePath) async throws -> SignedCheckpoint {
        try await withLog(nil) { log, _ in try await log.export(to: folder) }
    }

    /// Makes the log take no more entries, for ever.
    package func freeze() async throws -> SignedCheckpoint {
        try await withLog(nil) { log, _ in
            try await log.freeze()
            return log.checkpoint
        }
    }

    /// Takes over the entries of another log from its tiles, from where this one ends.
    ///
    /// - Parameters:
    ///   - key: checks the other's checkpoint, by the name that its first line gives.
    ///   - origin: the name of this log where it is made now.
    package func importTiles(
        from source: some TileSource, key: PublicKey, origin: String?,
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws -> SignedCheckpoint {
        guard let text = try await source.read(.checkpoint, limit: Note.greatestByteCount) else {
            throw TileLogError(.absent, "the log to import has no checkpoint")
        }
        let note = try Note(parsing: String(decoding: text, as: UTF8.self))
        let name = try Checkpoint(parsing: note.text).origin
        let key = NoteKey.log(name: name, key: key)
        // Before anything is made here.
        try note.verify(key)
        return try await withLog(origin ?? name) { log, _ in
            _ = try await log.importEntries(from: source, key: key, keys: Self.searchKeys, progress: progress)
            return log.checkpoint
        }
    }

    /// Takes over the entries of a log that speaks as Rekor v1, with their attestations, from where this one ends.
    package func importEntries(
        of reader: LogReader, origin: String?, progress: @escaping @Sendable (UInt64) -> Void
    ) async throws -> SignedCheckpoint {
        let tree = try await reader.tree().checkpoint
        return try await withLog(origin ?? tree.origin) { log, files in
            let own = log.checkpoint.checkpoint
            guard own.size <= tree.size else {
                throw TileLogError(
                    .malformed, "this log has \(own.size) entries already, and the one to import \(tree.size)")
            }
            if own.size > 0 {
                // The entries before are those of the other log, or nothing is added.
                let last = try await reader.entry(.index(own.size - 1))
                guard
                    try await log.entry(at: own.size - 1).leafHash == MerkleTree.leafHash(last.entry.canonicalizedBody)
                else {
                    throw TileLogError(.malformed, "this log has other entries than the one to import begins with")
                }
            }
            var next = own.size
            while next < tree.size {
                try Task.checkCancellation()
                let found = try await reader.entries(next..<min(next + 10, tree.size))
                for attestation in found.compactMap(\.attestation) { try await files.attestations.put(attestation) }
                try await log.importLeaves(found.map(\.entry.canonicalizedBody), at: next, keys: Self.searchKeys)
                next += UInt64(found.count)
                progress(next)
            }
            guard try await log.root(size: tree.size) == tree.root else {
                throw TileLogError(.damaged, "the imported entries have another root than the log's checkpoint says")
            }
            return log.checkpoint
        }
    }

    /// What an entry of another log is found by, where it is one of a kind that Rekor has.
    private static let searchKeys: @Sendable ([UInt8]) -> [SearchKey] = { body in
        ((try? LogEntryBody(parsing: body))?.searchKeys ?? []).map { SearchKey($0.lowercased()) }
    }

    private func withLog(
        _ origin: String?, _ body: (TransparencyLog, LogFiles) async throws -> SignedCheckpoint
    ) async throws -> SignedCheckpoint {
        if origin == nil { _ = try await files(named: nil) }
        let lock = try DataDirectory(data)
        defer { withExtendedLifetime(lock) {} }
        let files = try await files(named: origin)
        let log = try await files.open()
        do {
            let checkpoint = try await body(log, files)
            await log.close()
            return checkpoint
        } catch {
            await log.close()
            throw error
        }
    }

    /// The log's files; made under the name `origin` where there is no log and that is given.
    private func files(named origin: String?) async throws -> LogFiles {
        try await FileThreads.run { [directory, data] in
            let exists = try Files.exists(directory.appending("name"))
            guard exists || origin != nil else {
                throw ServeError(.configuration, "there is no log in \(data); --data names a server's data directory")
            }
            if !exists { try Files.createDirectories(directory, mode: 0o700) }
            return try LogFiles(in: directory, origin: nil, default: origin ?? "")
        }
    }
}
