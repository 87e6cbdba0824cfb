import Attest
import Bytes
import Host
import Hummingbird
import Keys
import Ledger
import Sigstore
import Synchronization
import SystemPackage
import TestKit
import Testing
import TileLog
import Wire

@testable import Serve

/// A log over HTTP, by what Rekor's clients ask.
struct LogFaceTests {
    /// A key with what it signs.
    struct Signer {
        let key: PrivateKey

        init() throws { key = try PrivateKey.generate(.ecdsaP256) }

        private var pem: JSON { .string(Base64.encode(Array(key.publicKey.pem.utf8))) }

        func hashedRekord(_ text: String) throws -> JSON {
            let digest = MessageDigest(Digest.of(text))
            return [
                "apiVersion": "0.0.1", "kind": "hashedrekord",
                "spec": [
                    "data": ["hash": ["algorithm": "sha256", "value": .string(digest.hex)]],
                    "signature": [
                        "content": .string(Base64.encode(try key.signature(of: .digest(digest)))),
                        "publicKey": ["content": pem],
                    ],
                ],
            ]
        }

        func dsse(_ subject: Digest) throws -> (proposal: JSON, payload: [UInt8]) {
            let payload = Array(
                #"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":"\#(subject.hex)"}}],"predicateType":"p","predicate":{}}"#
                    .utf8)
            var envelope = Envelope(payloadType: Statement.payloadType, payload: payload)
            envelope.signatures.append(.init(signature: try key.signature(of: .bytes(envelope.signedBytes))))
            return (
                [
                    "apiVersion": "0.0.1", "kind": "dsse",
                    "spec": [
                        "proposedContent": [
                            "envelope": .string(String(decoding: envelope.line, as: UTF8.self)), "verifiers": [pem],
                        ]
                    ],
                ], payload
            )
        }

        func requestV2(_ text: String) throws -> JSON {
            let digest = MessageDigest(Digest.of(text))
            return [
                "hashedRekordRequestV002": [
                    "digest": .string(Base64.encode(digest.bytes)),
                    "signature": [
                        "content": .string(Base64.encode(try key.signature(of: .digest(digest)))),
                        "verifier": [
                            "publicKey": ["rawBytes": .string(Base64.encode(key.publicKey.der))],
                            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                        ],
                    ],
                ]
            ]
        }
    }

    private static let json: Wire.HTTPFields = ["Content-Type": "application/json"]

    private static func post(_ server: RunningServer, _ path: String, _ body: JSON) async throws -> HTTPAnswer {
        try await server.ask(.post, path, fields: json, body: body.bytes())
    }

    /// A reader that trusts the log of `server`.
    private static func reader(_ server: RunningServer) throws -> LogReader {
        let identity = try #require(server.site.face(LogFace.self)).service.identity
        let log = try TrustedRoot.Log(
            url: server.site.url, key: identity.promiseKey.publicKey, origin: identity.origin,
            period: ValidityPeriod(start: nil))
        return LogReader(url: server.site.url, logs: [log], transport: server.client)
    }

    @Test("what is logged by version 1 is found by name, place and digest, and everything about it verifies")
    func version1() async throws {
        try await RunningServer.with([.log]) { server in
            let signer = try Signer()
            let answer = try await Self.post(server, "/api/v1/log/entries", signer.hashedRekord("one"))
            #expect(answer.status == 201)
            let uuid = try #require(try JSON(parsing: answer.bytes).objectValue?.keys.first)
            #expect(uuid.utf8.count == 80)
            #expect(answer.fields["Location"] == "/api/v1/log/entries/\(uuid)")
            #expect(answer.fields["ETag"] == uuid)
            let subject = Digest.of("subject")
            let dsse = try signer.dsse(subject)
            #expect(try await Self.post(server, "/api/v1/log/entries", dsse.proposal).status == 201)

            let reader = try Self.reader(server)
            let name = try #require(EntryUUID(uuid))
            let found = try await reader.entry(.uuid(name))
            #expect(found.entry.logIndex == 0 && found.entry.integratedTime > 1_700_000_000)
            #expect(try await reader.entry(.uuid(EntryUUID(treeID: nil, leafHash: name.leafHash))).uuid == name)
            let second = try await reader.entry(.index(1))
            #expect(second.attestation == dsse.payload)
            #expect(second.tree.checkpoint.size == 2)

            func search(_ change: (inout LogReader.Query) throws -> Void) async throws -> [EntryUUID] {
                var query = LogReader.Query()
                try change(&query)
                return try await reader.search(query)
            }
            #expect(try await search { $0.hash = Digest.of("one").hex } == [name])
            #expect(try await search { $0.hash = subject.description } == [second.uuid])
            #expect(try await search { $0.hash = Digest.of(dsse.payload).description.uppercased() } == [second.uuid])
            let pem = Array(signer.key.publicKey.pem.utf8)
            #expect(try await search { $0.publicKey = pem } == [name, second.uuid])
            #expect(
                try await search {
                    $0.publicKey = pem
                    $0.hash = Digest.of("one").hex
                    $0.isConjunction = true
                } == [name])
            #expect(try await search { $0.email = "nobody@example.org" } == [])
        }
    }

    @Test("the same again gets the first entry with a fresh proof, after a restart too")
    func idempotent() async throws {
        let directory = try TemporaryDirectory()
        let proposal = try Signer().hashedRekord("one")
        let other = try Signer().requestV2("two")
        let first = Mutex<JSON?>(nil)
        for _ in 0..<2 {
            try await RunningServer.with([.log], in: directory) { server in
                for _ in 0..<3 {
                    let answer = try await Self.post(server, "/api/v1/log/entries", proposal)
                    #expect(answer.status == 201)
                    let member = try #require(try JSON(parsing: answer.bytes).objectValue?.members.first)
                    for key in ["logIndex", "integratedTime", "body", "logID"] {
                        let before = first.withLock { first in
                            if first == nil { first = member.value }
                            return first?[key]
                        }
                        #expect(member.value[key] == before)
                    }
                    let proof = member.value["verification"]?["inclusionProof"]
                    #expect(proof?["logIndex"]?.intValue == 0)
                    #expect(try await Self.post(server, "/api/v2/log/entries", other).status == 201)
                }
                #expect(try await Self.reader(server).tree().checkpoint.size == 2)
            }
        }
    }

    @Test("racing identical submissions make one entry")
    func racing() async throws {
        try await RunningServer.with([.log]) { server in
            let proposal = try Signer().hashedRekord("one")
            let indexes = try await withThrowingTaskGroup(of: Int?.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let answer = try await Self.post(server, "/api/v1/log/entries", proposal)
                        return try JSON(parsing: answer.bytes).objectValue?.members.first?.value["logIndex"]?.intValue
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(indexes == Array(repeating: 0, count: 20))
        }
    }

    @Test("where it is set so, the same again is refused as Rekor does")
    func conflict() async throws {
        try await RunningServer.with([.log]) {
            $0.services["log"] = FaceSettings(name: "log", ["duplicates": "conflict"])
        } _: { server in
            let signer = try Signer()
            let first = try await Self.post(server, "/api/v1/log/entries", signer.hashedRekord("one"))
            // Signatures differ from one time to the next, so the same bytes are sent.
            let request = try signer.requestV2("two")
            #expect(try await Self.post(server, "/api/v2/log/entries", request).status == 201)
            let body = try #require(
                try JSON(parsing: first.bytes).objectValue?.members.first?.value["body"]?.stringValue)
            let again = try await Self.post(
                server, "/api/v1/log/entries", JSON(parsing: Base64.decode(body)))
            #expect(again.status == 409)
            #expect(again.fields["Location"] == first.fields["Location"])
            #expect(
                String(decoding: again.bytes, as: UTF8.self).contains(
                    "already exists in the transparency log with UUID"))
            let second = try await Self.post(server, "/api/v2/log/entries", request)
            #expect(second.status == 409 && second.fields["x-log-index"] == "1")
        }
    }

    @Test("version 2 answers as bundles have it, with the fields that have no value")
    func version2() async throws {
        try await RunningServer.with([.log]) { server in
            let answer = try await Self.post(server, "/api/v2/log/entries", Signer().requestV2("one"))
            #expect(answer.status == 201)
            let json = try JSON(parsing: answer.bytes)
            #expect(json["integratedTime"]?.stringValue == "0")
            #expect(json["inclusionPromise"]?.isNull == true)
            #expect(json["logIndex"]?.stringValue == "0")
            #expect(json["kindVersion"]?["version"]?.stringValue == "0.0.2")
            let identity = try #require(server.site.face(LogFace.self)).service.identity
            #expect(json["logId"]?["keyId"]?.stringValue == Base64.encode(identity.checkpointLogID))
            let envelope = try #require(json["inclusionProof"]?["checkpoint"]?["envelope"]?.stringValue)
            let note = try Note(parsing: envelope)
            try note.verify(.log(name: identity.origin, key: identity.checkpointKey))
            try note.verify(.log(name: identity.origin, key: identity.promiseKey.publicKey))
            let served = try await server.ask(.get, "/api/v2/checkpoint")
            #expect(String(decoding: served.bytes, as: UTF8.self) == envelope)
            #expect(served.fields["Content-Type"] == "text/plain; charset=utf-8")
            let bundle = try await server.ask(.get, "/api/v2/tile/entries/000.p/1")
            let body = try Base64.decode(#require(json["canonicalizedBody"]?.stringValue))
            #expect(bundle.bytes == [UInt8(body.count >> 8), UInt8(body.count & 255)] + body)
            let tile = try await server.ask(.get, "/api/v2/tile/0/000.p/1")
            #expect(tile.bytes == MerkleTree.leafHash(body).bytes)
            let tag = try #require(tile.fields["ETag"])
            #expect(try await server.ask(.get, "/api/v2/tile/0/000.p/1", fields: ["If-None-Match": tag]).status == 304)
            for path in [
                "0/000", "0/000.p/2", "0/000.p/0", "0/00.p/1", "0/0000.p/1", "1/000.p/1", "64/000", "entries/001",
            ] {
                #expect(try await server.ask(.get, "/api/v2/tile/\(path)").status == 404, "\(path)")
            }
        }
    }

    @Test("an answer without a task is what the routes answer, and the same again is answered by them")
    func hotCreate() async throws {
        try await RunningServer.with([.log]) { server in
            let path = "/api/v2/log/entries"
            for text in ["one", "two", "three"] {
                let request = try Signer().requestV2(text)
                let first = try await Self.post(server, path, request)
                #expect(first.status == 201 && first.fields["Content-Type"] == "application/json")
                // No query is for the hot path, so this is the routes' answer.
                let routed = try await Self.post(server, path + "?await=log", request)
                let again = try await Self.post(server, path, request)
                #expect(routed.status == 201 && again.status == 201)
                #expect(first.bytes == routed.bytes && first.bytes == again.bytes)
                #expect(try JSON(parsing: first.bytes).bytes() == first.bytes)
            }
            var wrong = try Signer().requestV2("one")
            let other = try Signer().requestV2("one")["hashedRekordRequestV002"]?["signature"]?["content"]
            guard var inner = wrong["hashedRekordRequestV002"]?.objectValue,
                var signature = inner["signature"]?.objectValue
            else { throw CancellationError() }
            signature["content"] = other
            inner["signature"] = .object(signature)
            wrong = ["hashedRekordRequestV002": .object(inner)]
            for body in [wrong.bytes(), Array("{".utf8), []] {
                let hot = try await server.ask(.post, path, fields: Self.json, body: body)
                let routed = try await server.ask(.post, path + "?await=log", fields: Self.json, body: body)
                #expect(hot.status == 400 && hot.bytes == routed.bytes)
            }
            // More than the hot path takes.
            let large = Array(#"{"x":""#.utf8) + [UInt8](repeating: 0x20, count: 40_000) + Array(#""}"#.utf8)
            #expect(try await server.ask(.post, path, fields: Self.json, body: large).status == 400)
            let metrics = try await server.ask(.get, "/metrics")
            #expect(
                String(decoding: metrics.bytes, as: UTF8.self).contains(
                    #"martlet_log_requests_total{call="v2-create",status="201"} 9"#))
        }
    }

    @Test("what is wrong with a request is told by its status")
    func refusals() async throws {
        try await RunningServer.with([.log]) { server in
            let signer = try Signer()
            func status(_ path: String, _ body: JSON) async throws -> Int {
                try await Self.post(server, path, body).status
            }
            let entries = "/api/v1/log/entries"
            #expect(try await status(entries, [:]) == 400)
            #expect(try await status(entries, ["kind": "alpine", "apiVersion": "0.0.1", "spec": [:]]) == 400)
            #expect(try await status("/api/v2/log/entries", ["hashedRekordRequestV002": [:]]) == 400)
            #expect(try await server.ask(.post, entries, body: Array("{".utf8)).status == 400)
            #expect(try await status(entries + "?await=witnessed", signer.hashedRekord("one")) == 400)
            #expect(try await status(entries + "?await=ever", signer.hashedRekord("one")) == 400)
            #expect(
                try await status(entries + "/retrieve", ["logIndexes": .array((0..<11).map { .integer($0) })]) == 422)
            #expect(try await status(entries + "/retrieve", [:]) == 400)
            #expect(try await status(entries + "/retrieve", ["entryUUIDs": ["xyz"]]) == 400)
            #expect(try await status("/api/v1/index/retrieve", [:]) == 400)
            #expect(try await status("/api/v1/index/retrieve", ["hash": "sha256:zz"]) == 400)
            #expect(
                try await status(
                    "/api/v1/index/retrieve", ["publicKey": ["format": "pgp", "content": "AAAA"]]) == 400)
            let large = [UInt8](repeating: 0x20, count: LogRecord.greatestRequestByteCount + 1)
            #expect(try await server.ask(.post, entries, body: large).status == 413)
            for (path, status) in [
                ("\(entries)?logIndex=0", 404), ("\(entries)?logIndex=-1", 400), ("\(entries)?logIndex=00", 400),
                (entries, 400), ("\(entries)/abc", 400), ("\(entries)/\(String(repeating: "0", count: 64))", 404),
                ("/api/v1/log/proof?lastSize=9", 400), ("/api/v1/log/proof?firstSize=2&lastSize=1", 400),
                ("/api/v1/log/proof", 400), ("/api/v1/log/publicKey?treeID=1", 400), ("/log/proof/inclusion", 400),
                ("/log/proof/inclusion?index=0", 404), ("/log/proof/consistency?from=0&to=1", 404), ("/log/add", 404),
            ] {
                #expect(try await server.ask(.get, path).status == status, "\(path)")
            }
        }
    }

    @Test("entries are got ten at a time by name, place and content, and proofs of growth hold")
    func retrieve() async throws {
        try await RunningServer.with([.log]) { server in
            let signer = try Signer()
            var proposals: [JSON] = []
            for number in 0..<5 {
                proposals.append(try signer.hashedRekord("\(number)"))
                _ = try await Self.post(server, "/api/v1/log/entries", proposals[number])
            }
            let reader = try Self.reader(server)
            let tree = try await reader.tree()
            let first = try await reader.entry(.index(1)).uuid
            let answer = try await Self.post(
                server, "/api/v1/log/entries/retrieve",
                [
                    "entryUUIDs": [.string("\(first)"), .string(first.leafHash.hex)], "entries": [proposals[3]],
                    "logIndexes": [4, 99],
                ])
            let indexes = try JSON(parsing: answer.bytes).arrayValue?.compactMap {
                $0.objectValue?.members.first?.value["logIndex"]?.intValue
            }
            #expect(indexes == [1, 1, 3, 4])
            #expect(try await reader.entries(0..<5).count == 5)
            for number in 5..<9 {
                _ = try await Self.post(server, "/api/v1/log/entries", signer.hashedRekord("\(number)"))
            }
            let later = try await reader.tree()
            try await reader.check(later, extends: tree.checkpoint)
            let evil = Checkpoint(origin: tree.checkpoint.origin, size: 5, root: Digest.of("another"))
            await #expect(throws: SigstoreError.self) { try await reader.check(later, extends: evil) }
            await #expect(throws: SigstoreError.self) { try await reader.check(tree, extends: later.checkpoint) }
            let key = try await server.ask(.get, "/api/v1/log/publicKey")
            #expect(try PublicKey(pem: key.bytes) == reader.logs[0].key)

            let text = try await server.ask(.get, "/log/proof/inclusion?hash=\(first.leafHash.hex)").bytes
            let identity = try #require(server.site.face(LogFace.self)).service.identity
            let proof = try LogProof(parsing: text)
            #expect(proof.index == 1)
            _ = try proof.verify(
                leaf: first.leafHash, policy: .logs([.log(name: identity.origin, key: identity.checkpointKey)]))
            let lines = try await server.ask(.get, "/log/proof/consistency?from=5&to=9").bytes
            #expect(lines.split(separator: 0x0A).count > 0)
        }
    }

    @Test("bytes of any kind are logged where the log is set to take them")
    func raw() async throws {
        try await RunningServer.with([.log]) {
            $0.services["log"] = FaceSettings(name: "log", ["rawEntries": true])
        } _: { server in
            for number in 0..<3 {
                let answer = try await server.ask(.post, "/log/add", body: [UInt8(number), 0, 255])
                #expect(String(decoding: answer.bytes, as: UTF8.self) == "\(number)")
            }
            #expect(try await server.ask(.post, "/log/add", body: [0, 0, 255]).bytes == Array("0".utf8))
            #expect(try await server.ask(.post, "/log/add", body: []).status == 400)
            let most = [UInt8](repeating: 1, count: 65_535)
            #expect(try await server.ask(.post, "/log/add", body: most).status == 200)
            #expect(try await server.ask(.post, "/log/add", body: most + [1]).status == 413)
            let bundle = try await server.ask(.get, "/log/tile/entries/000.p/4").bytes
            #expect(bundle.count == 3 * 5 + 2 + 65_535)
        }
    }

    @Test("a log that is full or frozen says so, and goes on to be read")
    func faults() async throws {
        let store = FaultyStore()
        let kind = FaceKind(name: "log", summary: "") { site, _ in
            let key = try PrivateKey.generate(.ecdsaP256)
            let identity = LogService.Identity(
                origin: "log.example", promiseKey: key, checkpointKey: try PrivateKey.generate(.ed25519).publicKey)
            return LogFace(
                LogService(identity: identity, store: store, attestations: nil), takesRawEntries: true, site: site
            ) {}
        }
        try await RunningServer.with([kind]) { server in
            for (code, status) in [
                (TileLogError.Code.full, 503), (.busy, 503), (.unreachable, 503), (.stopped, 503), (.frozen, 405),
                (.damaged, 500),
            ] {
                store.error.withLock { $0 = TileLogError(code, "/secret/path") }
                for path in ["/api/v1/log/entries", "/api/v2/log/entries", "/log/add"] {
                    let body = try path.contains("v1") ? Signer().hashedRekord("x") : Signer().requestV2("x")
                    let answer = try await Self.post(server, path, body)
                    #expect(answer.status == status)
                    #expect((answer.fields["Retry-After"] != nil) == (status == 503))
                    let text = String(decoding: answer.bytes, as: UTF8.self)
                    #expect(!text.contains("secret"))
                    if code == .frozen {
                        #expect(text.contains("This log has been frozen, please switch to the latest log."))
                    }
                }
            }
            #expect(try await server.ask(.get, "/api/v2/checkpoint").status == 200)
        }
    }

    @Test("a proof of ours that is wrong does not leave")
    func wrongProof() async throws {
        let store = FaultyStore()
        store.error.withLock { $0 = nil }
        let kind = FaceKind(name: "log", summary: "") { site, _ in
            let identity = LogService.Identity(
                origin: "log.example", promiseKey: try PrivateKey.generate(.ecdsaP256),
                checkpointKey: try PrivateKey.generate(.ed25519).publicKey)
            return LogFace(
                LogService(identity: identity, store: store, attestations: nil), takesRawEntries: false, site: site
            ) {}
        }
        try await RunningServer.with([kind]) { server in
            let answer = try await Self.post(server, "/api/v2/log/entries", Signer().requestV2("x"))
            #expect(answer.status == 500)
        }
    }
}

/// A log that does not take entries, or gives wrong proofs.
private final class FaultyStore: LogStore {
    let error = Mutex<TileLogError?>(nil)
    private let latest = LogHead(size: 0, root: MerkleTree.emptyRoot, checkpoint: "log.example\n0\n")

    func add(_ bodies: [LogSubmission]) async throws -> [ProvenEntry] {
        if let error = error.withLock({ $0 }) { throw error }
        return bodies.map {
            ProvenEntry(
                index: 0, body: $0.body, time: 1, isDuplicate: false, path: [],
                head: LogHead(size: 1, root: Digest.of("another"), checkpoint: ""))
        }
    }

    func place(_ leaves: [[UInt8]]) async throws -> (indexes: [UInt64], head: LogHead) {
        if let error = error.withLock({ $0 }) { throw error }
        return (Array(repeating: 0, count: leaves.count), latest)
    }
    func add(_ submission: LogSubmission, answer: @escaping @Sendable (Result<AddedBody, any Error>) -> Void) {
        answer(
            error.withLock { $0 }.map { .failure($0) }
                ?? .success(
                    AddedBody(index: 0, isDuplicate: false) {
                        ([], LogHead(size: 1, root: Digest.of("another"), checkpoint: ""))
                    }))
    }
    var isFrozen: Bool { false }
    func head() async throws -> LogHead { latest }
    func entry(at index: UInt64) async throws -> ProvenEntry? { nil }
    func index(ofLeafHash hash: Digest) async throws -> UInt64? { nil }
    func search(_ key: String, limit: Int) async throws -> [UInt64] { [] }
    func inclusionProof(of index: UInt64, size: UInt64) async throws -> [Digest] { [] }
    func consistencyProof(from old: UInt64, to new: UInt64) async throws -> [Digest] { [] }
    func root(size: UInt64) async throws -> Digest { MerkleTree.emptyRoot }
    func tile(_ tile: TileCoordinate) async throws -> [UInt8] { throw TileLogError(.absent, "nothing") }
    func entryBundle(_ index: UInt64, width: Int) async throws -> [UInt8] { throw TileLogError(.absent, "nothing") }
}

/// The log of a server that is down.
struct LogMaintenanceTests {
    @Test("a log is checked while its server is down, and not while it runs")
    func check() async throws {
        let directory = try TemporaryDirectory()
        await #expect(throws: ServeError.self) { try await LogMaintenance(data: directory.path).check() }
        try await RunningServer.with([.log], in: directory) {
            $0.services["log"] = FaceSettings(name: "log", ["rawEntries": true])
        } _: { server in
            for number in 0..<300 {
                let answer = try await server.ask(.post, "/log/add", body: Array("\(number)".utf8))
                #expect(answer.status == 200)
            }
            await #expect(throws: ServeError.self) { try await LogMaintenance(data: directory.path).check() }
        }
        let report = try await LogMaintenance(data: directory.path).check()
        #expect(report.findings.isEmpty && report.entryCount == 300)

        let (files, other) = (directory["files"], directory["other"])
        let exported = try await LogMaintenance(data: directory.path).export(to: files)
        let key = try PrivateKeyText(
            Secret(Files.read(directory["log/checkpoint.key"], limit: PrivateKeyText.greatestByteCount))
        ).open().publicKey
        let stranger = try PrivateKey.generate(.ed25519).publicKey
        await #expect(throws: LedgerError.self) {
            try await LogMaintenance(data: other).importTiles(
                from: TileDirectory(files), key: stranger, origin: nil, progress: { _ in })
        }
        for _ in 0..<2 {
            let imported = try await LogMaintenance(data: other).importTiles(
                from: TileDirectory(files), key: key, origin: "log.example/2", progress: { _ in })
            #expect(imported.checkpoint.root == exported.checkpoint.root && imported.checkpoint.size == 300)
            #expect(imported.checkpoint.origin == "log.example/2")
        }
        _ = try await LogMaintenance(data: directory.path).freeze()
        try await RunningServer.with([.log], in: directory) {
            $0.services["log"] = FaceSettings(name: "log", ["rawEntries": true])
        } _: { server in
            let refused = try await server.ask(.post, "/log/add", body: Array("one more".utf8))
            #expect(refused.status == 405)
            let read = try await server.ask(.get, "/log/checkpoint")
            #expect(read.status == 200)
        }
    }
}
