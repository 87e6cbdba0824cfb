package import Bytes
internal import Host
package import Ledger
package import SystemPackage

/// A witness with its memory: the latest checkpoint of each log, a file each, on the disk before anybody is told.
///
/// It runs on a thread of its own, and one request is decided, kept and answered before the next: no two are decided on
/// the same state of a log.
package actor WitnessStore {
    package nonisolated let witness: Witness
    private nonisolated let lane = BlockingLane(name: "martlet.witness")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe lane.asUnownedSerialExecutor() }

    private let directory: FilePath
    private let logs: [Digest: Witness.Log]
    private let clock: @Sendable () -> UInt64
    private var states: [Digest: Witness.State] = [:]

    /// Where two notes are kept that a log should never both have signed.
    package nonisolated let evidenceDirectory: FilePath
    /// The most pieces of evidence that are kept.
    private static let greatestEvidenceCount = 1000

    /// Takes logs and a directory; `clock` gives seconds since 1970. `open` comes before everything else.
    package init(
        _ witness: Witness, logs: [Witness.Log], directory: FilePath, clock: @escaping @Sendable () -> UInt64
    ) throws(TileLogError) {
        self.witness = witness
        self.directory = directory
        self.clock = clock
        evidenceDirectory = directory.appending("evidence")
        var byHash: [Digest: Witness.Log] = [:]
        for log in logs {
            guard byHash.updateValue(log, forKey: Digest.of(log.origin)) == nil else {
                throw TileLogError(.malformed, "the log \(log.origin.safeForTerminal) is named twice; name it once")
            }
        }
        self.logs = byHash
    }

    /// Reads what the directory holds of the logs. `.damaged` where it is not what this witness wrote: a witness that
    /// forgets would let a log fork.
    package func open() throws {
        try Files.createDirectories(directory, mode: 0o700)
        for (hash, log) in logs { states[hash] = try read(directory.appending(hash.hex), log) }
    }

    private func read(_ path: FilePath, _ log: Witness.Log) throws -> Witness.State? {
        guard try Files.exists(path) else { return nil }
        let text = try Files.readText(path, limit: Note.greatestByteCount)
        do {
            let note = try Note(parsing: text)
            let checkpoint = try Checkpoint(parsing: note.text)
            _ = try note.verified(by: log.keys)
            guard let key = witness.keys.first?.noteKey, checkpoint.origin.hasSameBytes(as: log.origin) else {
                throw LedgerError(.malformed, "it is of another log")
            }
            let time = try note.verifyCosignature(key).time
            return Witness.State(checkpoint: checkpoint, note: note, time: time)
        } catch let error as LedgerError {
            throw TileLogError(
                .damaged,
                "what the witness knows of \(log.origin.safeForTerminal) is damaged (\(error)); restore \(path) from a backup"
            )
        }
    }

    /// Cosigns a checkpoint, and gives the lines of the answer. Throws `Witness.Refusal` where it must not, and other
    /// errors where the disk does not keep it.
    package func add(_ request: WitnessRequest.AddCheckpoint) throws -> String {
        let hash = Digest.of(request.checkpoint.origin)
        let latest = states[hash]
        let note: Note
        do {
            note = try Witness.decide(request, log: logs[hash], latest: latest)
        } catch {
            if error.evidence.count == 2 { keep(error.evidence, as: "\(hash.hex)-\(request.checkpoint.size)") }
            throw error
        }
        let next = try witness.cosign(note, at: clock(), latest: latest)
        try Files.write(
            Array(next.note.description.utf8), to: directory.appending(hash.hex), mode: 0o600, durable: true)
        states[hash] = next
        return witness.lines(of: next.note)
    }

    /// The latest checkpoint of the log whose origin has this hash, with cosignatures; `nil` where there is none.
    package func latest(_ originHash: Digest) -> Note? { states[originHash]?.note }

    private func keep(_ notes: [Note], as name: String) {
        let path = evidenceDirectory.appending(name)
        // One fork of a size is enough, and a disk that is full keeps nothing more.
        guard (try? Files.exists(path)) == false else { return }
        try? Files.createDirectories(evidenceDirectory, mode: 0o700)
        guard let kept = try? Files.list(evidenceDirectory), kept.count < Self.greatestEvidenceCount else { return }
        try? Files.write(
            Array(notes.map(\.description).joined(separator: "\n").utf8), to: path, mode: 0o600, durable: true)
    }
}
