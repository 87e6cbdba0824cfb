internal import Bytes
internal import Host
package import Ledger
package import SystemPackage

extension TransparencyLog {
    /// Checks every byte of the log in `directory` that matters, of which nobody may be a writer meanwhile.
    ///
    /// `keys` check the signatures of the last checkpoint; `leafHash` is that of the log's settings. What is found is in
    /// the report; it throws where nothing could be looked at.
    package static func check(
        _ directory: FilePath, keys: [NoteKey] = [], settings: LogSettings = LogSettings()
    ) async throws -> LogCheckReport {
        try await CheckingLane().check(
            { try DirectoryStorage(directory) }, keys: keys, leafHash: settings.leafHash)
    }

    /// Checks all packs that have an end while the log works: their entries, tiles and nodes, and that they make the
    /// tree that the log signs. `progress` is told of each pack.
    package func scrub(_ progress: @escaping @Sendable (_ entries: UInt64) -> Void = { _ in }) async throws
        -> LogCheckReport
    {
        let lane = CheckingLane()
        var report = LogCheckReport()
        var edge = TreeEdge()
        let check = LogCheck(storage: parts.storage, identity: parts.identity, leafHash: parts.settings.leafHash)
        let count = parts.memory.withState { $0.openPack.number }
        for pack in 0..<count {
            try Task.checkCancellation()
            guard let after = await lane.pack(pack, check, edge: edge, &report) else { return report }
            edge = after
            progress(edge.size)
        }
        let root = try await reader.read { [edge] in try $0.root(size: edge.size) }
        if try edge.tree().root() != root {
            report.findings.append(
                LogCheckReport.Finding(file: Packs.directory, message: "packs do not make the tree that the log signs"))
        }
        report.entryCount = edge.size
        return report
    }
}

/// The thread that checks, so that readers need not wait for it.
private actor CheckingLane {
    private let lane = BlockingLane(name: "martlet.log.check")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe lane.asUnownedSerialExecutor() }

    func check(
        _ storage: @Sendable () throws -> any LogStorage, keys: [NoteKey],
        leafHash: @escaping @Sendable ([UInt8]) throws -> Digest
    ) throws -> LogCheckReport {
        let storage = try storage()
        defer { storage.unlock() }
        return try LogCheck.run(storage, keys: keys, leafHash: leafHash)
    }

    /// Checks one pack; gives the tree with it, or `nil` when it is damaged.
    func pack(_ pack: UInt64, _ check: LogCheck, edge: TreeEdge, _ report: inout LogCheckReport) -> TreeEdge? {
        guard let roots = check.pack(pack, upper: edge, &report) else { return nil }
        var edge = edge
        for root in roots { _ = edge.append(tileRoot: root) }
        return edge
    }
}
