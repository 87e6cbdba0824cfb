import Attest
import Bytes
import Host
import Keys
import Ledger
import Sigstore
import Synchronization
import SystemPackage
import TestKit
import Testing
import Wire

/// Reading a log that answers as it likes: what is not proven is not believed.
@Suite struct LogReaderTests {
    /// A log of version 1 with entries of one key, and ways to lie.
    private final class Log: HTTPTransport {
        enum Lie: String, CaseIterable, Sendable {
            case promise, noPromise, index, time, body, hashes, root, noProof, checkpointKey, checkpointTree,
                noCheckpoint
            case logID, otherEntry, attestation, twoEntries, notJSON, name
        }

        let key: PrivateKey
        let other: PrivateKey
        let origin = "log.example"
        let url = "https://log.example"
        let records: Mutex<[LogRecord]>
        let lie: Mutex<Lie?>
        /// The signer of all entries.
        let signer: PrivateKey

        init(_ count: Int = 7) throws {
            key = try PrivateKey.generate(.ecdsaP256)
            other = try PrivateKey.generate(.ecdsaP256)
            signer = try PrivateKey.generate(.ecdsaP256)
            records = Mutex([])
            lie = Mutex(nil)
            for number in 0..<count { try grow("\(number)") }
        }

        func grow(_ word: String) throws {
            let envelope = try LogRecordTests.envelope([signer], payload: Array(word.utf8))
            let record = try LogRecord(proposedV1: LogRecordTests.dsse(envelope, [signer.publicKey]))
            records.withLock { $0.append(record) }
        }

        func reader(trusting key: PublicKey? = nil) throws -> LogReader {
            let log = try TrustedRoot.Log(
                url: url, key: key ?? self.key.publicKey, origin: origin, period: ValidityPeriod(start: nil))
            return LogReader(url: url, logs: [log], transport: self)
        }

        private var leaves: [Digest] { records.withLock { $0.map { MerkleTree.leafHash($0.body) } } }

        func checkpoint(_ size: Int, root: Digest? = nil, by key: PrivateKey? = nil) throws -> String {
            let root = root ?? MerkleTree.root(leaves[..<size])
            var note = Note(text: Checkpoint(origin: origin, size: UInt64(size), root: root).text)
            let signature = try (key ?? self.key).signature(of: .bytes(Array(note.text.utf8)))
            note.append(
                Note.Signature(
                    name: origin, keyID: Array(self.key.publicKey.id.bytes.prefix(4)), signature: signature))
            return note.description
        }

        func entry(_ index: Int) throws -> JSONObject {
            let lie = lie.withLock { $0 }
            let leaves = leaves
            let record = records.withLock { $0[lie == .otherEntry ? (index + 1) % $0.count : index] }
            let place = lie == .otherEntry ? (index + 1) % leaves.count : index
            var root = MerkleTree.root(leaves[...])
            if lie == .root { root = Digest.of("another") }
            var path = MerkleTree.path(ofLeaf: place, in: leaves[...])
            if lie == .hashes { path[0] = Digest.of("another") }
            var entry = LogEntry(
                logIndex: Int64(place), logID: key.publicKey.id.bytes, kindVersion: record.kindVersion,
                integratedTime: 1_800_000_000, signedEntryTimestamp: nil,
                inclusionProof: lie == .noProof
                    ? nil
                    : LogEntry.InclusionProof(
                        logIndex: Int64(place), rootHash: root.bytes, treeSize: Int64(leaves.count),
                        hashes: path.map(\.bytes),
                        checkpoint: try checkpoint(
                            leaves.count, root: lie == .checkpointTree ? Digest.of("another") : nil,
                            by: lie == .checkpointKey ? other : nil)), canonicalizedBody: record.body)
            if lie == .noCheckpoint { entry.inclusionProof?.checkpoint = nil }
            let signed = entry.promisedBytes
            entry.signedEntryTimestamp =
                lie == .noPromise ? nil : try (lie == .promise ? other : key).signature(of: .bytes(signed))
            if lie == .index { entry.logIndex += 1 }
            if lie == .time { entry.integratedTime += 1 }
            if lie == .logID { entry.logID = other.publicKey.id.bytes }
            let attestation = lie == .attestation ? Array("something else".utf8) : record.attestation
            var object = entry.rekorV1(treeID: 7, attestation: attestation)
            if lie == .body {
                var changed = entry
                changed.canonicalizedBody += [0x20]
                object = changed.rekorV1(treeID: 7, attestation: attestation)
            }
            if lie == .twoEntries { object["another"] = .null }
            if lie == .name, let member = object.members.first {
                object = [EntryUUID(treeID: 7, leafHash: Digest.of("another")).description: member.value]
            }
            return object
        }

        func fetch(_ request: HTTPRequest, limit: Int, deadline: Duration?) async throws(WireError) -> HTTPAnswer {
            func answer(_ json: JSON) -> HTTPAnswer {
                HTTPAnswer(status: 200, fields: [:], url: request.url, bytes: json.bytes())
            }
            do {
                let target = request.url.target
                if lie.withLock({ $0 }) == .notJSON {
                    return HTTPAnswer(status: 200, fields: [:], url: request.url, bytes: Array("<html>".utf8))
                }
                if target == "/api/v1/log" { return answer(["signedTreeHead": .string(try checkpoint(leaves.count))]) }
                if target.hasPrefix("/api/v1/log/proof") {
                    let numbers = target.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
                    let proof = Self.consistency(numbers[1], leaves[..<numbers[2]], isWhole: true)
                    return answer(["hashes": .array(proof.map { .string($0.hex) }), "rootHash": ""])
                }
                if target.hasSuffix("/retrieve"), case .bytes(let body)? = request.body {
                    let indexes = try JSON(parsing: body)["logIndexes"]?.arrayValue?.compactMap(\.intValue) ?? []
                    return answer(.array(try indexes.map { .object(try entry($0)) }))
                }
                if let index = target.split(separator: "=").last.flatMap({ Int($0) }) {
                    return answer(.object(try entry(index)))
                }
                let name = EntryUUID(String(target.split(separator: "/").last ?? ""))
                guard let index = leaves.firstIndex(where: { $0 == name?.leafHash }) else {
                    return HTTPAnswer(status: 404, fields: [:], url: request.url, bytes: [])
                }
                return answer(.object(try entry(index)))
            } catch {
                throw WireError(.unreachable, "\(error)")
            }
        }

        private static func consistency(_ old: Int, _ leaves: ArraySlice<Digest>, isWhole: Bool) -> [Digest] {
            if old == leaves.count { return isWhole ? [] : [MerkleTree.root(leaves)] }
            var split = 1
            while split * 2 < leaves.count { split *= 2 }
            let middle = leaves.startIndex + split
            return old <= split
                ? consistency(old, leaves[..<middle], isWhole: isWhole) + [MerkleTree.root(leaves[middle...])]
                : consistency(old - split, leaves[middle...], isWhole: false) + [MerkleTree.root(leaves[..<middle])]
        }
    }

    @Test("an entry that is proven is given with its attestation, by place and by name")
    func honest() async throws {
        let log = try Log()
        let found = try await log.reader().entry(.index(3))
        #expect(found.attestation == Array("3".utf8))
        #expect(try await log.reader().entry(.uuid(found.uuid)).entry.logIndex == 3)
        #expect(try await log.reader().entries(2..<5).map(\.entry.logIndex) == [2, 3, 4])
        let error = await #expect(throws: SigstoreError.self) {
            try await log.reader().entry(.uuid(EntryUUID(treeID: 7, leafHash: Digest.of("x"))))
        }
        #expect(error?.code == .absent)
    }

    @Test("no lie of a log is believed", arguments: Log.Lie.allCases)
    private func lies(lie: Log.Lie) async throws {
        let log = try Log()
        let uuid = try await log.reader().entry(.index(3)).uuid
        log.lie.withLock { $0 = lie }
        for name in [LogReader.Name.index(3), .uuid(uuid)] {
            let error = await #expect(throws: SigstoreError.self) { try await log.reader().entry(name) }
            #expect(error?.code == .refused || error?.code == .malformed, "\(error?.message ?? "")")
        }
        await #expect(throws: SigstoreError.self) { try await log.reader().entries(2..<4) }
    }

    @Test("a log by another key is not believed")
    func stranger() async throws {
        let log = try Log()
        let reader = try log.reader(trusting: log.other.publicKey)
        await #expect(throws: SigstoreError.self) { try await reader.entry(.index(0)) }
        await #expect(throws: SigstoreError.self) { try await reader.tree() }
    }

    @Test("an entry of another tree is no answer to a name with 80 digits")
    func otherTree() async throws {
        let log = try Log()
        let leaf = try await log.reader().entry(.index(3)).uuid.leafHash
        await #expect(throws: SigstoreError.self) {
            try await log.reader().entry(.uuid(EntryUUID(treeID: 8, leafHash: leaf)))
        }
    }

    @Test("a saved checkpoint must be the beginning of the tree, and entries in it")
    func growth() async throws {
        let log = try Log(4)
        let reader = try log.reader()
        let saved = try await reader.grown(since: nil, holding: []).note.description
        try log.grow("more")
        let tree = try await reader.grown(since: saved, holding: [.index(2)])
        #expect(tree.checkpoint.size == 5)
        // The same key over another tree: the log shows different people different things.
        let fork = try log.checkpoint(4, root: Digest.of("another"))
        let ahead = try log.checkpoint(5).replacing("\n5\n", with: "\n50\n")
        for text in [fork, ahead, "nothing"] {
            await #expect(throws: SigstoreError.self) { try await reader.grown(since: text, holding: []) }
        }
    }

    @Test("a monitor tells each watched entry once, goes on from its state, and notices a fork")
    func monitor() async throws {
        let directory = try TemporaryDirectory()
        let file = directory.path.appending("state")
        let log = try Log(13)
        let keys = try LogRecord.searchKeys(forPEM: Array(log.signer.publicKey.pem.utf8))
        func pass(_ watched: LogMonitor.Watched, fromStart: Bool = true) async throws -> [Int64] {
            var seen: [Int64] = []
            try await LogWatch(
                monitor: LogMonitor(reader: log.reader(), watched: watched), file: file, fromStart: fromStart
            ).run(every: nil) { seen.append($0.found.entry.logIndex) }
            return seen
        }
        let all = try LogMonitor.Watched(keys: Set(keys))
        #expect(try await pass(all) == Array(0..<13))
        #expect(try await pass(all) == [])
        try log.grow("word")
        try log.grow("another")
        let digest = MessageDigest(Digest.of("word")).description
        #expect(try await pass(LogMonitor.Watched(keys: [digest])) == [13])
        try log.grow("third")
        #expect(try await pass(LogMonitor.Watched(patterns: ["^sha256:"])) == [15])
        #expect(throws: SigstoreError.self) { try LogMonitor.Watched(patterns: ["("]) }

        var state = try LogMonitor.State(parsing: Files.read(file, limit: 1 << 20))
        state.checkpoint = try log.checkpoint(9, root: Digest.of("another"))
        try Files.write(state.json.bytes(), to: file)
        let error = await #expect(throws: SigstoreError.self) { try await pass(all) }
        #expect(error?.code == .refused)
    }
}
