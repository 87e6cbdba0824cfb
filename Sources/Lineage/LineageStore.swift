internal import Bytes
internal import Database
package import Host
package import SystemPackage

/// The folder of statements and its index. One process writes at a time; readers need no lock.
package struct LineageStore: Sendable {
    package let directory: FilePath

    private var statements: FilePath { directory.appending("statements") }
    var indexPath: FilePath { directory.appending("index.db") }
    private var lockPath: FilePath { directory.appending("lock") }

    package init(_ directory: FilePath) { self.directory = directory }

    /// `$MARTLET_LINEAGE_DIR`, else `martlet/lineage` in `$XDG_DATA_HOME` or `~/.local/share`.
    package init(environment: [String: String]) throws {
        if let named = environment["MARTLET_LINEAGE_DIR"], !named.isEmpty {
            self.init(FilePath(named))
        } else if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") {
            self.init(FilePath(data).appending("martlet").appending("lineage"))
        } else if let home = environment["HOME"], !home.isEmpty {
            self.init(FilePath(home).pushing(".local/share/martlet/lineage"))
        } else {
            throw LineageError(.configuration, "there is no HOME; set MARTLET_LINEAGE_DIR to the folder of the store")
        }
    }

    /// What an import did.
    package struct ImportReport: Sendable {
        package var added = 0
        package var known = 0
        package var promoted = 0
        /// What could not be read or was not verified, by file and line.
        package var refused: [Refusal] = []
        package var refusedCount = 0

        /// Why one document was not taken.
        package struct Refusal: Sendable {
            package var place: String
            package var reason: String
        }

        /// Only so many refusals are kept with their reasons.
        static let refusalLimit = 1000
    }

    /// A file or stream to be imported.
    package struct Input {
        package var name: String
        package var reader: ByteReader

        package init(name: String, reader: ByteReader) {
            self.name = name
            self.reader = reader
        }
    }

    /// Imports documents: each is verified first where `verification` is given, and is refused when that fails;
    /// without it all are marked as unverified. What is known already is not stored twice.
    ///
    /// Documents are on disk before the index knows them: a crash loses nothing that was reported.
    package func importDocuments(
        _ inputs: some Sequence<Input>, verification: Submission.Verification? = nil
    ) async throws -> ImportReport {
        try Files.createDirectories(statements, mode: 0o700)
        return try await FileLock(lockPath).withLock {
            try await importLocked(inputs, verification)
        }
    }

    private func importLocked(
        _ inputs: some Sequence<Input>, _ verification: Submission.Verification?
    ) async throws -> ImportReport {
        let work = LineageImport(try LineageIndex(indexPath), keep: write) { try $0.read(verification) }
        for input in inputs {
            try await Submission.forEach(in: input.reader, source: input.name) { line, document in
                try await work.add(Submission(document: document, source: input.name), line: line)
            }
        }
        return try await work.finish()
    }

    private func write(_ submissions: [Submission]) throws {
        let number = (try segments().last.flatMap { Int($0.prefix(8)) } ?? 0) + 1
        let digits = String(100_000_000 + number).dropFirst()
        try Files.write(try Segment.encode(submissions), to: statements.appending("\(digits).zst"), durable: true)
    }

    /// The names of the files of statements, in the order in which they were written.
    func segments() throws -> [String] {
        try Files.list(statements).filter { $0.hasSuffix(".zst") && $0.utf8.count == 12 }.sorted()
    }

    /// Makes the index anew from the statements.
    package func rebuild() async throws -> ImportReport {
        try Files.createDirectories(statements, mode: 0o700)
        return try await FileLock(lockPath).withLock { try await rebuildLocked() }
    }

    private func rebuildLocked() async throws -> ImportReport {
        let fresh = directory.appending("index.new.db")
        for suffix in ["", "-wal", "-shm"] { try removeIfThere(FilePath(fresh.string + suffix)) }
        let report = try await index(segments(), anew: fresh)
        for suffix in ["-wal", "-shm"] { try removeIfThere(FilePath(indexPath.string + suffix)) }
        try Files.rename(fresh, to: indexPath)
        return report
    }

    private func index(_ segments: [String], anew path: FilePath) async throws -> ImportReport {
        let work = LineageImport(try LineageIndex(path)) { try $0.read() }
        for name in segments {
            let reader = ByteReader(try OpenFile(reading: statements.appending(name)))
            try await Segment.forEach(in: reader) { try await work.add($0, line: 0) }
        }
        return try await work.finish()
    }

    private func removeIfThere(_ path: FilePath) throws {
        if try Files.exists(path) { try Files.remove(path) }
    }
}
