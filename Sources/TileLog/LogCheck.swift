internal import Bytes
internal import Ledger

/// What a check of a log has found.
package struct LogCheckReport: Hashable, Sendable {
    /// One thing that is not as it was written.
    package struct Finding: Hashable, Sendable {
        /// The file, relative to the log's directory.
        package let file: String
        package let message: String
    }

    package internal(set) var findings: [Finding] = []
    /// What was looked at.
    package internal(set) var entryCount: UInt64 = 0
    package internal(set) var bundleCount: UInt64 = 0
    package internal(set) var byteCount: UInt64 = 0
    /// The newest checkpoint of the write-ahead log.
    package internal(set) var checkpoint: SignedCheckpoint?
}

/// Reads everything that a log has on its disk, and compares every byte that matters with a digest of it, every entry
/// with its leaf, every leaf with the root, and the root with the last checkpoint.
///
/// It changes nothing. Of packs it may run while the log works; of the write-ahead log only while nobody writes.
struct LogCheck {
    let storage: any LogStorage
    let identity: LogIdentity
    let leafHash: @Sendable ([UInt8]) throws -> Digest

    /// Checks one bundle at its place in a pack, and gives the node over it.
    func bundle(_ bundle: UInt64, in file: any LogFile, at offset: Int) throws -> (root: Digest, byteCount: Int) {
        let header = try PackBundle.header(try file.read(PackBundle.headerByteCount, at: offset), index: bundle)
        let bytes = try file.read(header.byteCount, at: offset)
        guard bytes.count == header.byteCount else { throw PackBundle.damaged(bundle, "it ends too early") }
        let entries = try PackBundle.entries(
            Array(bytes[header.entriesOffset..<header.factsOffset]), header)
        _ = try PackBundle.facts(Array(bytes[header.factsOffset..<header.tileOffset]), header)
        let tileEnd = header.tileOffset + HashTile.fullWidth * Digest.byteCount
        let tile = try PackBundle.tile(Array(bytes[header.tileOffset..<tileEnd]), header)
        guard bytes[tileEnd...].allSatisfy({ $0 == 0 }) else { throw PackBundle.damaged(bundle, "its padding changed") }
        for (entry, hash) in zip(entries, tile.hashes) {
            guard try leafHash(entry) == hash else {
                throw PackBundle.damaged(bundle, "an entry has another hash than its tile says")
            }
        }
        guard let root = tile.root, root == header.root else {
            throw PackBundle.damaged(bundle, "its tile has another root")
        }
        return (root, header.byteCount)
    }

    /// Checks a whole pack that has an end.
    ///
    /// `edge` is the tree of the packs before it.
    func pack(_ pack: UInt64, upper edge: TreeEdge, _ report: inout LogCheckReport) -> [Digest]? {
        let name = Packs.fileName(pack)
        var roots: [Digest] = []
        do {
            guard let file = try storage.open(name) else { throw TileLogError(.damaged, "the file is absent") }
            file.dropCached()
            let footer = try PackFooter(reading: file, pack: pack)
            guard footer.offsets.count == identity.layout.packBundleCount else {
                throw TileLogError(.damaged, "the pack has \(footer.offsets.count) bundles")
            }
            var offset = 0
            for (place, start) in footer.offsets.enumerated() {
                let index = pack * UInt64(identity.layout.packBundleCount) + UInt64(place)
                guard Int(start) == offset else { throw PackBundle.damaged(index, "it is not where its pack says") }
                let found = try bundle(index, in: file, at: offset)
                guard found.root == footer.roots[place] else {
                    throw PackBundle.damaged(index, "its pack says another root")
                }
                offset += found.byteCount
                roots.append(found.root)
            }
            let size = try file.size()
            guard footer.contentByteCount(inFileOf: size) == offset else {
                throw TileLogError(.damaged, "something is between the pack's last bundle and its end")
            }
            var after = edge
            var full: [TreeEdge.FullTile] = []
            for root in roots { full += after.append(tileRoot: root) }
            let present = after.tiles.indices.contains(2) ? after.tiles[2].hashes : []
            let upper = present.isEmpty ? full.last { $0.level == 2 }?.tile.hashes ?? [] : present
            guard footer.upper == upper else {
                throw TileLogError(.damaged, "the pack says other nodes above its bundles")
            }
            report.bundleCount += UInt64(roots.count)
            report.byteCount += UInt64(size)
            return roots
        } catch {
            report.findings.append(LogCheckReport.Finding(file: name, message: "\(error)"))
            return nil
        }
    }

    /// Checks everything, of a log that nobody has open. `keys` check the last checkpoint's signatures.
    static func run(
        _ storage: any LogStorage, keys: [NoteKey], leafHash: @escaping @Sendable ([UInt8]) throws -> Digest
    ) throws -> LogCheckReport {
        var report = LogCheckReport()
        guard let file = try storage.open(LogIdentity.fileName) else {
            throw TileLogError(.absent, "there is no log in this directory: the file “log” is absent")
        }
        let identity: LogIdentity
        do {
            identity = try LogIdentity(parsing: try file.read(4096, at: 0))
        } catch {
            report.findings.append(LogCheckReport.Finding(file: LogIdentity.fileName, message: "\(error)"))
            return report
        }
        let check = LogCheck(storage: storage, identity: identity, leafHash: leafHash)
        do {
            let recovered = try WriteAheadLog.recover(storage, identity.layout, leafHash: leafHash)
            if let name = try recovered.log.tornRecord() {
                report.findings.append(
                    LogCheckReport.Finding(
                        file: name,
                        message:
                            "behind the last whole record is a part of another: what a crash leaves, or damage to the newest one; compare the log's size with what witnesses know"
                    ))
            }
            let trusted = ((recovered.records.first?.firstIndex ?? 0) + 255) / 256
            guard let edge = try check.packs(trusted: trusted, &report) else { return report }
            try check.compare(recovered.records, keys, packs: edge, &report)
            try check.index(&report)
        } catch {
            report.findings.append(LogCheckReport.Finding(file: WriteAheadLog.directory, message: "\(error)"))
        }
        return report
    }

    /// Checks all packs, which must have at least `trusted` bundles; gives the tree of theirs.
    private func packs(trusted: UInt64, _ report: inout LogCheckReport) throws -> TreeEdge? {
        let names = try storage.list("").contains(Packs.directory) ? try storage.list(Packs.directory) : []
        var edge = TreeEdge()
        for (pack, name) in names.enumerated() {
            let pack = UInt64(pack)
            guard Packs.fileName(pack) == "\(Packs.directory)/\(name)",
                let file = try storage.open(Packs.fileName(pack))
            else {
                report.findings.append(
                    LogCheckReport.Finding(
                        file: "\(Packs.directory)/\(name)",
                        message: "this is no file of the log, or one before it is absent"))
                return nil
            }
            if pack + 1 == names.count, trusted < (pack + 1) * UInt64(identity.layout.packBundleCount),
                (try? PackFooter(reading: file, pack: pack)) == nil
            {
                try openPack(file, pack, trusted: trusted, &edge, &report)
            } else {
                guard let roots = self.pack(pack, upper: edge, &report) else { return nil }
                for root in roots { _ = edge.append(tileRoot: root) }
            }
        }
        guard edge.size / 256 >= trusted else {
            throw TileLogError(.damaged, "packs have \(edge.size / 256) bundles, and \(trusted) are needed")
        }
        return edge
    }

    /// Checks the pack that has no end yet. Behind the bundles that it must have stand some that the write-ahead log has
    /// too.
    private func openPack(
        _ file: any LogFile, _ pack: UInt64, trusted: UInt64, _ edge: inout TreeEdge, _ report: inout LogCheckReport
    ) throws {
        file.dropCached()
        var offset = 0
        let size = try file.size()
        while offset < size {
            do {
                let found = try bundle(edge.size / 256, in: file, at: offset)
                offset += found.byteCount
                _ = edge.append(tileRoot: found.root)
                report.bundleCount += 1
            } catch {
                report.findings.append(LogCheckReport.Finding(file: Packs.fileName(pack), message: "\(error)"))
                break
            }
        }
        report.byteCount += UInt64(offset)
    }

    /// Checks the pages of the index. A run without an end counts for nothing: the next start removes it.
    private func index(_ report: inout LogCheckReport) throws {
        guard try storage.list("").contains(IndexRun.directory) else { return }
        for name in try storage.list(IndexRun.directory) {
            let path = "\(IndexRun.directory)/\(name)"
            guard let file = try storage.open(path) else { continue }
            file.dropCached()
            guard let run = try IndexRun(reading: file) else { continue }
            do {
                report.byteCount += UInt64(try run.check())
            } catch let error as TileLogError where error.code == .damaged {
                report.findings.append(LogCheckReport.Finding(file: path, message: "\(error)"))
            }
        }
    }

    /// Follows the records from where packs end, and compares each checkpoint with the tree as it was then.
    private func compare(
        _ records: [LogRecord], _ keys: [NoteKey], packs: TreeEdge, _ report: inout LogCheckReport
    ) throws {
        guard let last = records.last else { return }
        var edge = packs
        for record in records where record.endIndex >= packs.size {
            let known = edge.size > record.firstIndex ? Int(edge.size - record.firstIndex) : 0
            for entry in record.entries[known...] { _ = edge.append(entry.leafHash) }
            let checkpoint = try Checkpoint(parsing: Note(parsing: record.note).text)
            guard checkpoint.size == edge.size, try edge.tree().root() == checkpoint.root else {
                throw TileLogError(
                    .damaged,
                    "the log's \(edge.size) entries are not those of the checkpoint of \(checkpoint.size) that was signed"
                )
            }
        }
        let note = try Note(parsing: last.note)
        for key in keys { try note.verify(key) }
        let checkpoint = try Checkpoint(parsing: note.text)
        guard checkpoint.size == edge.size else {
            throw TileLogError(.damaged, "packs have \(edge.size) entries, and the last checkpoint \(checkpoint.size)")
        }
        report.entryCount = edge.size
        report.checkpoint = SignedCheckpoint(checkpoint: checkpoint, note: last.note, time: last.time)
    }
}
