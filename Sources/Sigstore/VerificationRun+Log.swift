internal import Bytes
internal import Keys
internal import Ledger

/// Checks of transparency log entries (client-spec.md, "Verification").
extension VerificationRun {
    mutating func checkEntries() {
        if policy.logEntries == 0, trustedRoot.logs.isEmpty, !bundle.entries.isEmpty {
            report.skip(.logKnown, "log", "the policy asks for no log, and no trusted root says which to believe")
            return
        }
        for (index, entry) in bundle.entries.enumerated() { checkEntry(entry, number: index + 1) }
        let operators = Set(loggedEntries.map(\.log.operatorName))
        guard policy.logEntries > 0 else {
            report.skip(.logThreshold, "transparency log", "the policy asks for no log")
            return
        }
        if operators.count >= policy.logEntries {
            report.pass(
                .logThreshold, "transparency log", "\(operators.count) of \(policy.logEntries) needed")
        } else {
            report.fail(
                .logThreshold, "transparency log", "the signature is not in enough logs",
                expected: "\(policy.logEntries) by different operators", got: "\(operators.count)",
                remedy: bundle.entries.isEmpty ? "sign with a log, or allow signatures without one by policy" : nil)
        }
    }

    private mutating func checkEntry(_ entry: LogEntry, number: Int) {
        let found = trustedRoot.logs.filter { $0.logID == entry.logID }
        guard !found.isEmpty else {
            report.fail(
                .logKnown, title(number, "log"), "the trusted root has no log with this id",
                expected: trustedRoot.logs.map { Hex.encode($0.logID) }.joined(separator: ", "),
                got: Hex.encode(entry.logID),
                remedy: "update the trusted root, or use that of the instance which the bundle is from")
            return
        }
        var body: LogEntryBody?
        do {
            body = try LogEntryBody(parsing: entry.canonicalizedBody, expected: entry.kindVersion)
        } catch {
            report.fail(.logBody, title(number, "log entry"), error.message)
        }
        // Shards of one log may share an id; the one whose key fits is the log.
        var outcome: (log: TrustedRoot.Log, report: VerificationReport, hasPromise: Bool)?
        for log in found {
            var trial = report
            let hasPromise = checkPromise(entry, log, number, &trial)
            checkProof(entry, log, number, &trial)
            outcome = (log, trial, hasPromise)
            if trial.failures.count == report.failures.count { break }
        }
        guard let outcome else { return }
        let isGood = outcome.report.failures.count == report.failures.count && body != nil
        report = outcome.report
        if isGood {
            loggedEntries.append(
                LoggedEntry(
                    number: number, entry: entry, log: outcome.log, body: body, hasPromise: outcome.hasPromise))
        }
    }

    /// Checks the signed entry timestamp (rekor, `pkg/api/entries.go`): whether there is a good one.
    private func checkPromise(
        _ entry: LogEntry, _ log: TrustedRoot.Log, _ number: Int, _ report: inout VerificationReport
    ) -> Bool {
        guard let promise = entry.signedEntryTimestamp else {
            report.skip(.promise, title(number, "log's promise"), "there is none")
            return false
        }
        do {
            try log.keyDetails.verify(promise, of: .bytes(entry.promisedBytes), by: log.key)
        } catch {
            report.fail(.promise, title(number, "log's promise"), "\(error)", remedy: Self.alteredEntry)
            return false
        }
        report.pass(.promise, title(number, "log's promise"), log.baseURL.safeForTerminal)
        return true
    }

    private static let alteredEntry = "the entry was altered after the log recorded it; do not use the bundle"

    /// Checks that the entry is in the tree, and that the log vouches for the tree.
    private func checkProof(
        _ entry: LogEntry, _ log: TrustedRoot.Log, _ number: Int, _ report: inout VerificationReport
    ) {
        guard let proof = entry.inclusionProof else {
            report.skip(.inclusion, title(number, "inclusion proof"), "there is none")
            return
        }
        let root: Digest
        do {
            root = try entry.root(proof)
        } catch {
            report.fail(.inclusion, title(number, "inclusion proof"), "\(error)", remedy: Self.alteredEntry)
            return
        }
        guard let text = proof.checkpoint else {
            if root.bytes == proof.rootHash {
                report.skip(.checkpoint, title(number, "checkpoint"), "there is none")
            } else {
                failRoot(root, proof.rootHash, number, &report)
            }
            return
        }
        do {
            let note = try Note(parsing: text)
            let checkpoint = try Checkpoint(parsing: note.text)
            try note.verify(log.noteKey(for: checkpoint))
            // The root that counts is the signed one; the one beside it must not say anything else.
            guard checkpoint.size == UInt64(proof.treeSize) else {
                throw LedgerError(
                    .malformed, "the checkpoint is of \(checkpoint.size) leaves and the proof of \(proof.treeSize)")
            }
            report.pass(
                .checkpoint, title(number, "checkpoint"),
                "\(checkpoint.origin.safeForTerminal), \(checkpoint.size) leaves")
            if checkpoint.root == root, proof.rootHash == root.bytes {
                report.pass(
                    .inclusion, title(number, "inclusion proof"),
                    "leaf \(entry.leafIndex(proof)) of \(proof.treeSize)")
            } else {
                failRoot(root, checkpoint.root == root ? proof.rootHash : checkpoint.root.bytes, number, &report)
            }
            checkWitnesses(note, number, &report)
        } catch {
            report.fail(
                .checkpoint, title(number, "checkpoint"), "\(error)",
                remedy: "the log did not sign this tree; do not use the bundle")
        }
    }

    private func failRoot(_ root: Digest, _ expected: [UInt8], _ number: Int, _ report: inout VerificationReport) {
        report.fail(
            .inclusion, title(number, "inclusion proof"), "the proof leads to another root than the log's",
            expected: Hex.encode(expected), got: root.hex, remedy: Self.alteredEntry)
    }

    private func checkWitnesses(_ note: Note, _ number: Int, _ report: inout VerificationReport) {
        guard let quorum = policy.quorum else { return }
        let signed = quorum.witnesses.filter { (try? note.verifyCosignature($0)) != nil }
        if signed.count >= quorum.count {
            let names = signed.compactMap(\.name).joined(separator: ", ").safeForTerminal
            report.pass(.witnesses, title(number, "witnesses"), names)
        } else {
            report.fail(
                .witnesses, title(number, "witnesses"), "not enough witnesses have seen the checkpoint",
                expected: "\(quorum.count)", got: "\(signed.count)")
        }
    }

    /// Checks that each log's key was in use when the entry was made: at the log's own time where it promised one, else
    /// at every time that authorities gave.
    mutating func checkLogPeriods() {
        for logged in loggedEntries {
            let own =
                logged.hasPromise && !logged.entry.isRekorV2 ? Timestamp(seconds: logged.entry.integratedTime) : nil
            let moments = own.map { [$0] } ?? times.map(\.moment)
            let title = title(logged.number, "log's period")
            guard !moments.isEmpty else {
                // Without any time a log is believed only while its key has no end.
                if logged.log.period.start != nil, logged.log.period.end == nil {
                    report.skip(.logPeriod, title, "nobody tells the time, and the log's key is in use without end")
                } else {
                    report.fail(
                        .logPeriod, title, "nobody tells when the entry was made", expected: "\(logged.log.period)")
                }
                continue
            }
            if let outside = moments.first(where: { !logged.log.period.contains($0) }) {
                report.fail(
                    .logPeriod, title, "the log's key was not in use when the entry was made",
                    expected: "\(logged.log.period)", got: "\(outside)")
            } else {
                report.pass(.logPeriod, title, "\(logged.log.period)")
            }
        }
    }
}

extension LogEntry {
    /// Whether it is of a kind that only Rekor v2 writes, whose entries hold no time of their own.
    var isRekorV2: Bool { kindVersion.version == "0.0.2" && kindVersion.kind != "intoto" }

    /// The index in the tree of the proof. Rekor v1 counts over all its shards at the top, and within one in the proof;
    /// Rekor v2 has one number, at the top.
    func leafIndex(_ proof: InclusionProof) -> UInt64 { UInt64(isRekorV2 ? logIndex : proof.logIndex) }

    /// The root that the proof leads to.
    func root(_ proof: InclusionProof) throws(LedgerError) -> Digest {
        var path: [Digest] = []
        for hash in proof.hashes {
            guard let digest = Digest(bytes: hash) else {
                throw LedgerError(.malformed, "a hash of the proof has \(hash.count) bytes")
            }
            path.append(digest)
        }
        return try MerkleProof.root(
            ofLeaf: MerkleTree.leafHash(canonicalizedBody), at: leafIndex(proof), inTreeOf: UInt64(proof.treeSize),
            path: path)
    }
}

extension TrustedRoot.Log {
    /// The key of the log's own signature under a checkpoint. Ed25519 binds the origin into the key's id, so it must be
    /// the checkpoint's.
    func noteKey(for checkpoint: Checkpoint) -> NoteKey {
        switch key.algorithm {
        case .ed25519: .log(name: checkpoint.origin, key: key)
        default: NoteKey(name: nil, keyID: checkpointKeyID ?? Array(logID.prefix(4)), key: key)
        }
    }
}
