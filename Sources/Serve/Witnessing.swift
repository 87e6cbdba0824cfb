internal import Bytes
internal import Ledger
package import Sigstore

/// Has witnesses cosign a log's checkpoints, one round at a time, for all who wait.
///
/// It fails closed: without a quorum within the time there is no witnessed head, and those who wait are told.
package actor Witnessing {
    private let store: any LogStore
    private let client: WitnessClient
    /// The newest head that enough witnesses have signed.
    private var latest: LogHead?
    private var round: Task<LogHead, any Error>?

    package init(store: any LogStore, client: WitnessClient) {
        self.store = store
        self.client = client
    }

    /// A head of at least `size` leaves with enough cosignatures.
    package func head(covering size: UInt64) async throws -> LogHead {
        while true {
            if let latest, latest.size >= size { return latest }
            if let round {
                // Somebody has asked already; their checkpoint may be of a smaller tree.
                _ = try? await round.value
                if let latest, latest.size >= size { return latest }
                if self.round != nil { continue }
            }
            let round = Task { try await self.cosign() }
            self.round = round
            defer { self.round = nil }
            let head = try await round.value
            guard head.size < size else { return head }
        }
    }

    private func cosign() async throws -> LogHead {
        let head = try await store.head()
        let note = try Note(parsing: head.checkpoint)
        let store = store
        let cosigned: Note
        do {
            cosigned = try await client.cosign(note) { old, new in
                old == 0 || old == new ? [] : try await store.consistencyProof(from: old, to: new)
            }
        } catch let error as SigstoreError {
            throw Refusal.unavailable("not enough witnesses have signed the log's checkpoint: \(error.message)")
        }
        let witnessed = LogHead(size: head.size, root: head.root, checkpoint: cosigned.description)
        if witnessed.size >= latest?.size ?? 0 { latest = witnessed }
        return witnessed
    }
}
