import Bytes
import Host
import Keys
import Ledger
import Sigstore
import SystemPackage
import TestKit
import Testing
import TileLog
import Wire

@testable import Serve

/// A witness over HTTP, and a log that has its checkpoints cosigned by it.
struct WitnessFaceTests {
    private struct Log {
        let origin = "log.example/other"
        let key: PrivateKey
        let leaves = (0..<9).map { MerkleTree.leafHash([UInt8($0)]) }

        init() throws { key = try PrivateKey.generate(.ed25519) }

        var noteKey: NoteKey { .log(name: origin, key: key.publicKey) }

        func note(_ size: Int, root: Digest? = nil) throws -> Note {
            let root = root ?? MerkleTree.root(leaves[..<size])
            var note = Note(text: Checkpoint(origin: origin, size: UInt64(size), root: root).text)
            let signature = try key.signature(of: .bytes(Array(note.text.utf8)))
            note.append(Note.Signature(name: origin, keyID: noteKey.keyID, signature: signature))
            return note
        }
    }

    private static func add(
        _ server: RunningServer, _ old: UInt64, _ note: Note, proof: [Digest] = []
    ) async throws -> HTTPAnswer {
        let request = try WitnessRequest.AddCheckpoint(oldSize: old, proof: proof, note: note)
        return try await server.ask(.post, "/witness/add-checkpoint", body: request.body)
    }

    private static func text(_ answer: HTTPAnswer) -> String { String(decoding: answer.bytes, as: UTF8.self) }

    @Test("each status of the protocol is given, and what was cosigned is remembered over a restart")
    func protocolCases() async throws {
        let directory = try TemporaryDirectory()
        let log = try Log()
        let settings = FaceSettings(
            name: "witness", ["logs": [.string(log.noteKey.verifierKey ?? "")], "name": "w.example"])
        try await RunningServer.with([.witness], in: directory) {
            $0.services["witness"] = settings
        } _: { server in
            let path = "/witness/\(Digest.of(log.origin).hex)/checkpoint"
            #expect(try await server.ask(.get, path).status == 404)
            #expect(try await server.ask(.post, "/witness/add-checkpoint", body: Array("old 0\n".utf8)).status == 400)
            let answer = try await Self.add(server, 0, log.note(4))
            #expect(answer.status == 200)
            #expect(Self.text(answer).hasPrefix("\u{2014} w.example "))
            let witness = try #require(server.site.face(WitnessFace.self)).store.witness
            let served = try Note(parsing: Self.text(await server.ask(.get, path)))
            try served.verify(log.noteKey)
            #expect(try served.verifyCosignature(witness.keys[0].noteKey).time > 1_700_000_000)
        }
        try await RunningServer.with([.witness], in: directory) {
            $0.services["witness"] = settings
        } _: { server in
            let conflict = try await Self.add(server, 0, log.note(8))
            #expect(conflict.status == 409 && Self.text(conflict) == "4\n")
            #expect(conflict.fields["Content-Type"] == "text/x.tlog.size")
            #expect(try await Self.add(server, 9, log.note(8)).status == 400)
            #expect(try await Self.add(server, 4, log.note(8)).status == 422)
            #expect(try await Self.add(server, 4, log.note(4, root: Digest.of("fork"))).status == 422)
            let stranger = try Log()
            #expect(try await Self.add(server, 4, stranger.note(8)).status == 403)
            let good = try await Self.add(server, 4, log.note(8), proof: [MerkleTree.root(log.leaves[4..<8])])
            #expect(good.status == 200)
            // The fork can be shown to everybody.
            let store = try #require(server.site.face(WitnessFace.self)).store
            let evidence = try Files.list(store.evidenceDirectory)
            #expect(evidence == ["\(Digest.of(log.origin).hex)-4"])
        }
        // What was kept and is not what was written is not taken for nothing.
        let kept = directory.path.appending("witness").appending("logs").appending(Digest.of(log.origin).hex)
        try Files.write(Array(try log.note(2).description.utf8), to: kept)
        await #expect(throws: (any Error).self) {
            try await RunningServer.with([.witness], in: directory) {
                $0.services["witness"] = settings
            } _: { _ in
            }
        }
    }

    @Test("of racing requests for one state only those of one tree are cosigned")
    func racing() async throws {
        let log = try Log()
        try await RunningServer.with([.witness]) {
            $0.services["witness"] = FaceSettings(name: "witness", ["logs": [.string(log.noteKey.verifierKey ?? "")]])
        } _: { server in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for size in 1...8 { group.addTask { try await Self.add(server, 0, log.note(size)).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 200 } == 1)
            #expect(statuses.count { $0 == 409 } == 7)
        }
    }

    @Test("a log has its checkpoints cosigned, and gives nothing as witnessed without a quorum")
    func witnessedLog() async throws {
        let directory = try TemporaryDirectory()
        let signer = try LogFaceTests.Signer()
        // The log's key is known before the witness is told of it.
        try Files.createDirectories(directory.path.appending("log"))
        let checkpointKey = try ServiceKeys.key("checkpoint", .ed25519, in: directory.path.appending("log"))
        let own = NoteKey.log(name: "log.example/own", key: checkpointKey.publicKey)
        try await RunningServer.with([.witness]) {
            $0.services["witness"] = FaceSettings(name: "witness", ["logs": [.string(own.verifierKey ?? "")]])
        } _: { witness in
            let key = try #require(witness.site.face(WitnessFace.self)).store.witness.keys[0].noteKey
            let absent = try WitnessKey(name: "absent.example", key: .generate(.ed25519)).noteKey
            let policy = directory.path.appending("policy")
            func write(_ quorum: String) throws {
                let text =
                    "witness here \(key.verifierKey ?? "") \(witness.site.url)/witness\nwitness absent \(absent.verifierKey ?? "") http://127.0.0.1:1\ngroup all all here absent\n\(quorum)\n"
                try Files.write(Array(text.utf8), to: policy)
            }
            func serve(_ body: @escaping @Sendable (RunningServer) async throws -> Void) async throws {
                try await RunningServer.with([.log], in: directory) {
                    $0.services["log"] = FaceSettings(
                        name: "log",
                        ["origin": "log.example/own", "witnesses": .string(policy.string), "witnessSeconds": 5])
                } _: {
                    try await body($0)
                }
            }
            try write("quorum here")
            try await serve { server in
                for number in 0..<3 {
                    let answer = try await server.ask(
                        .post, "/api/v2/log/entries?await=witnessed", body: signer.requestV2("\(number)").bytes())
                    #expect(answer.status == 201)
                    let json = try JSON(parsing: answer.bytes)
                    let note = try Note(
                        parsing: #require(json["inclusionProof"]?["checkpoint"]?["envelope"]?.stringValue))
                    _ = try note.verifyCosignature(key)
                    #expect(try Checkpoint(parsing: note.text).size == UInt64(number + 1))
                }
                let answer = try await server.ask(.get, "/log/checkpoint?await=witnessed")
                _ = try Note(parsing: Self.text(answer)).verifyCosignature(key)
                // The log's own word is enough where nobody asks for more.
                let plain = try await server.ask(.post, "/api/v2/log/entries", body: signer.requestV2("x").bytes())
                #expect(plain.status == 201)
            }
            // An old copy of the log is not served: the witness knows of more.
            let tree = directory.path.appending("log").appending("tree")
            try Files.removeTree(tree)
            await #expect(throws: (any Error).self) { try await serve { _ in } }
        }
    }
}
