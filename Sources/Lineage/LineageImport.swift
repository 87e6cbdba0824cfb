internal import Bytes
internal import Database
internal import Host

/// An import that is under way: while one batch is written, the next one is read on the other processors.
///
/// A class for one task.
final class LineageImport {
    private struct Line: Sendable {
        var number: Int
        var submission: Submission
    }

    private struct Reading: Sendable {
        var read: Submission.Read?
        var refusal: LineageStore.ImportReport.Refusal?
    }

    private let index: LineageIndex
    private let keep: (([Submission]) throws -> Void)?
    private let read: @Sendable (Submission) throws -> Submission.Read
    private var batch: [Line] = []
    private var byteCount = 0
    private var ahead: Task<[Reading], any Error>?
    private var report = LineageStore.ImportReport()

    /// How many documents are read, checked and written together.
    private static let batchSize = 4096
    private static let batchBytes = 64 << 20

    /// Documents go into `index`, and before that to `keep`, unless they are in the store already. What is in the store
    /// has to be readable; of others it is reported.
    init(
        _ index: LineageIndex, keep: (([Submission]) throws -> Void)? = nil,
        read: @escaping @Sendable (Submission) throws -> Submission.Read
    ) {
        self.index = index
        self.keep = keep
        self.read = read
    }

    deinit { ahead?.cancel() }

    func add(_ submission: Submission, line: Int) async throws {
        batch.append(Line(number: line, submission: submission))
        byteCount += submission.document.count
        if batch.count >= Self.batchSize || byteCount >= Self.batchBytes { try await advance() }
    }

    /// Waits for the rest and keeps it.
    func finish() async throws -> LineageStore.ImportReport {
        try await advance()
        try await advance()
        try index.commit()
        try index.database.checkpoint()
        return report
    }

    /// Has the batch read, and writes the one that was read before it.
    private func advance() async throws {
        try Task.checkCancellation()
        let lines = batch
        batch = []
        byteCount = 0
        let earlier = ahead
        let read = read
        let refuses = keep != nil
        ahead =
            lines.isEmpty
            ? nil
            : Task {
                try await concurrentMap(lines, chunk: 64) { line in
                    do {
                        return Reading(read: try read(line.submission))
                    } catch let error as CancellationError {
                        throw error
                    } catch  where refuses {
                        return Reading(
                            refusal: .init(place: "\(line.submission.source):\(line.number)", reason: "\(error)"))
                    }
                }
            }
        if let earlier { try write(try await earlier.value) }
    }

    private func write(_ readings: [Reading]) throws {
        for refusal in readings.compactMap(\.refusal) {
            report.refusedCount += 1
            if report.refused.count < LineageStore.ImportReport.refusalLimit { report.refused.append(refusal) }
        }
        let reads = readings.compactMap(\.read)
        if let keep {
            let news = try reads.filter { try index.isNews($0.digest, $0.submission.standing) }
            if !news.isEmpty { try keep(news.map(\.submission)) }
        }
        let outcome = try index.insert(reads)
        report.added += outcome.added
        report.known += outcome.known
        report.promoted += outcome.promoted
    }
}
