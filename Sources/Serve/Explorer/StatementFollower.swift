internal import Attest
internal import Bytes
internal import Host
internal import Keys
internal import Lineage
internal import Sigstore
internal import SystemPackage
internal import TileLog

/// Takes the statements that the log receives into the store of statements, in the order of the log.
///
/// It remembers how far it came: a crash makes it take some again, which the store knows already, and none is missed.
/// Importing blocks, so it has a thread of its own.
actor StatementFollower {
    private let lane = BlockingLane(name: "martlet statements")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe lane.asUnownedSerialExecutor() }

    nonisolated let store: LineageStore
    private let log: LogService?
    private let site: Site
    /// Which tree was followed, and how many entries of it were taken.
    private let file: FilePath
    private var position: UInt64?

    /// The most entries, and bytes of statements, of one import.
    private static let batchCount: UInt64 = 512
    private static let batchBytes = 16 << 20

    init(_ store: LineageStore, log: LogService?, site: Site, file: FilePath) {
        self.store = store
        self.log = log
        self.site = site
        self.file = file
    }

    /// Takes what has come since, up to `limit` entries, so that a request that waits for it does not wait for long.
    func catchUp(limit: UInt64 = 2000) async throws {
        guard let log else { return }
        let size = try await log.store.head().size
        var next = try position ?? remembered(log)
        let end = min(size, next + limit)
        while next < end {
            try Task.checkCancellation()
            next = try await take(from: next, to: min(end, next + Self.batchCount), of: log)
            if next > position ?? 0 {
                try Files.write(Array("\(log.identity.treeID) \(next)\n".utf8), to: file, mode: 0o600)
            }
            position = max(next, position ?? 0)
        }
        position = max(next, position ?? 0)
    }

    /// How far an earlier server came with this tree and this store.
    private func remembered(_ log: LogService) throws -> UInt64 {
        guard try Files.exists(file), try store.exists() else { return 0 }
        let words = try Files.readText(file, limit: 128).split { $0 == " " || $0 == "\n" }
        guard words.count == 2, words[0] == String(log.identity.treeID) else { return 0 }
        return UInt64(words[1]) ?? 0
    }

    private func take(from first: UInt64, to end: UInt64, of log: LogService) async throws -> UInt64 {
        let verifier = try await verifier()
        var verified: [LineageStore.Input] = []
        var others: [LineageStore.Input] = []
        var byteCount = 0
        var index = first
        while index < end, byteCount < Self.batchBytes {
            let entry = try await log.store.entry(at: index)
            index += 1
            guard let entry else { continue }
            let document = try await document(entry, of: log)
            guard let document else { continue }
            byteCount += document.bytes.count
            let input = LineageStore.Input(name: "log entry \(entry.index)", reader: ByteReader(document.bytes))
            let isVerified = document.bundle.map { bundle in
                verifier.map { (try? $0.verify(bundle, artifact: nil)) != nil } ?? false
            }
            if isVerified == true { verified.append(input) } else { others.append(input) }
        }
        if !others.isEmpty { _ = try await store.importDocuments(others) }
        if !verified.isEmpty, let verifier {
            _ = try await store.importDocuments(verified) { document in
                let bundle = try UnverifiedBundle(parsing: document)
                let found = try verifier.verify(bundle, artifact: nil)
                guard let envelope = found.envelope, case .certificate(_, let issuer, let name) = found.signer else {
                    throw LineageError(.unverified, "the bundle holds no statement by a certificate")
                }
                return Submission.Verdict(payload: envelope.payload, identities: ["\(name.text) (\(issuer))"])
            }
        }
        return index
    }

    private struct Document {
        /// A bundle where one signature is all there is, else an envelope.
        var bytes: [UInt8]
        /// `nil` where no certificate says who signed.
        var bundle: UnverifiedBundle?
    }

    /// The statement of an entry with its signatures; `nil` where it has none, or is of another kind.
    private func document(_ entry: ProvenEntry, of log: LogService) async throws -> Document? {
        let reading = EntryReading(body: entry.body)
        guard reading.payload != nil, reading.payloadType.hasSameBytes(as: Statement.payloadType) else { return nil }
        let kept = try await log.attestation(for: entry.body)
        guard let payload = kept, (try? Statement(parsing: payload)) != nil else { return nil }
        let envelope = Envelope(
            payloadType: reading.payloadType, payload: payload,
            signatures: reading.signers.map { Envelope.Signature(signature: $0.signature) })
        guard reading.signers.count == 1, let signer = reading.signers.first else {
            return Document(bytes: envelope.line)
        }
        let identity: UnverifiedBundle.Identity
        if let certificate = signer.certificate {
            identity = .certificates([certificate.der])
        } else {
            identity = .publicKey(hint: Base64.encode(signer.key?.id.bytes ?? []))
        }
        let bundle = UnverifiedBundle(
            identity: identity, entries: [try log.promised(entry)], timestamps: [], content: .envelope(envelope))
        return Document(bytes: bundle.json.bytes(), bundle: signer.certificate == nil ? nil : bundle)
    }

    /// Checks whether a certificate is by this server's own authority; `nil` where it has none.
    private func verifier() async throws -> Verifier? {
        guard let trust = site.face(TrustRepositoryFace.self) else { return nil }
        let root = try await trust.config().trustedRoot
        let anybody = VerificationPolicy.Identity(issuer: .any, name: .any)
        return Verifier(trustedRoot: root, policy: VerificationPolicy(signer: .identities([anybody])))
    }
}
