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

    /// How many documents are read, checked and written together.
    private static let batchSize = 4096
    private static let batchBytes = 64 << 20

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
        let index = try LineageIndex(indexPath)
        var report = ImportReport()
        var batch: [(line: Int, submission: Submission)] = []
        var byteCount = 0
        for input in inputs {
            try await Submission.forEach(in: input.reader, source: input.name) { line, document in
                batch.append((line, Submission(document: document, source: input.name)))
                byteCount += document.count
                if batch.count >= Self.batchSize || byteCount >= Self.batchBytes {
                    try await take(batch, verification, index, &report)
                    batch = []
                    byteCount = 0
                }
            }
        }
        try await take(batch, verification, index, &report)
        try index.database.checkpoint()
        return report
    }

    private struct Reading: Sendable {
        var read: Submission.Read?
        var refusal: ImportReport.Refusal?
    }

    private struct Line: Sendable {
        var number: Int
        var submission: Submission
    }

    private func take(
        _ batch: [(line: Int, submission: Submission)], _ verification: Submission.Verification?,
        _ index: LineageIndex, _ report: inout ImportReport
    ) async throws {
        if batch.isEmpty { return }
        let lines = batch.map { Line(number: $0.line, submission: $0.submission) }
        let readings = try await concurrentMap(lines, chunk: 64) { line -> Reading in
            do {
                return Reading(read: try line.submission.read(verification))
            } catch let error as CancellationError {
                throw error
            } catch {
                return Reading(refusal: .init(place: "\(line.submission.source):\(line.number)", reason: "\(error)"))
            }
        }
        for refusal in readings.compactMap(\.refusal) {
            report.refusedCount += 1
            if report.refused.count < ImportReport.refusalLimit { report.refused.append(refusal) }
        }
        let reads = readings.compactMap(\.read)
        let news = try reads.filter { try index.isNews($0.digest, $0.submission.standing) }
        if !news.isEmpty { try write(news.map(\.submission)) }
        let outcome = try index.insert(reads)
        report.added += outcome.added
        report.known += outcome.known
        report.promoted += outcome.promoted
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
        var report = ImportReport()
        do {
            let index = try LineageIndex(fresh)
            for name in try segments() {
                let reader = ByteReader(try OpenFile(reading: statements.appending(name)))
                var batch: [Submission] = []
                try await Segment.forEach(in: reader) { submission in
                    batch.append(submission)
                    if batch.count >= Self.batchSize {
                        try await retake(batch, index, &report)
                        batch = []
                    }
                }
                try await retake(batch, index, &report)
            }
            try index.database.checkpoint()
        }
        for suffix in ["-wal", "-shm"] { try removeIfThere(FilePath(indexPath.string + suffix)) }
        try Files.rename(fresh, to: indexPath)
        return report
    }

    private func retake(_ batch: [Submission], _ index: LineageIndex, _ report: inout ImportReport) async throws {
        let reads = try await concurrentMap(batch, chunk: 64) { try $0.read() }
        let outcome = try index.insert(reads)
        report.added += outcome.added
        report.known += outcome.known
        report.promoted += outcome.promoted
    }

    private func removeIfThere(_ path: FilePath) throws {
        if try Files.exists(path) { try Files.remove(path) }
    }
}
