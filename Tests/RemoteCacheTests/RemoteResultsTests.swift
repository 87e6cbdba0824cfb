import Attest
import Build
import Bytes
import Keys
import Synchronization
import Testing
import Workspace

@testable import RemoteCache

@Suite("Builds that share a remote cache", .serialized, .enabled(if: hasSandbox, "bubblewrap is not installed"))
struct RemoteResultsTests {
    private static let key = EntryFixture.makeKey()
    private var key: PrivateKey { Self.key }
    private var reads: [(Namespace, PublicKey)] { [(.main, key.publicKey)] }

    private struct Filled: Sendable {
        var storage: MemoryStorage
        var artifact: [String: String]
        var ran: [String]
        var remarks: [String]
    }

    /// One machine's build, whose results the tests copy.
    private static let first = Task {
        let storage = MemoryStorage()
        let build = try await Machine().build(storage, signer: key, reads: [(.main, key.publicKey)])
        return Filled(
            storage: storage, artifact: try build.artifact("c:top"), ran: build.ran, remarks: build.remarks)
    }

    /// A cache with everything in it, and what the artifact is.
    private func filled() async throws -> (storage: MemoryStorage, artifact: [String: String]) {
        let first = try await Self.first.value
        #expect(first.ran == ["c:low", "c:middle", "c:top"])
        #expect(first.remarks.isEmpty)
        return (MemoryStorage(copying: first.storage), first.artifact)
    }

    @Test("a second machine gets the artifact whole and runs nothing")
    func second() async throws {
        let (storage, artifact) = try await filled()
        #expect(storage.state.withLock { $0.entries.count } == 3)
        let machine = try Machine()
        let build = try await machine.build(storage, reads: reads)
        #expect(build.ran.isEmpty)
        #expect(build.remote == ["c:top"])
        #expect(build.remarks.isEmpty)
        #expect(try build.artifact("c:top") == artifact)
        // What came is this machine's own now: nothing is asked again.
        let silent = MemoryStorage(fault: { _, _ in throw RemoteCacheError(.unreachable, "gone") })
        let again = try await machine.build(silent, reads: reads)
        #expect(again.ran.isEmpty && again.remote.isEmpty)
        #expect(silent.requests.isEmpty)
        #expect(try again.artifact("c:top") == artifact)
    }

    @Test("the provenance of everything that a result was built from comes along")
    func provenance() async throws {
        let (storage, _) = try await filled()
        let build = try await Machine().build(storage, reads: reads)
        let built = try #require(build.outcome.built.values.first { $0.name.name == "top" })
        let bundle = try build.project.bundle(of: built)
        #expect(
            try bundle.entries.map { try Statement(parsing: $0.envelope.payload).subjects[0].name } == [
                "c:low", "c:middle", "c:top",
            ])
    }

    @Test("files that nobody reads are not fetched")
    func lazy() async throws {
        let storage = MemoryStorage()
        let packages = """
            packages:
              - name: base
                type: generic
                config:
                  commands: [["sh", "-c", "head -c 300000 /dev/zero > big"]]
              - name: tool
                type: generic
                deps: ["c:base"]
                config:
                  commands: [["sh", "-c", "rm -rf c--base; echo tool > tool.txt"]]
                martlet:
                  outputs: ["tool.txt"]
              - name: app
                type: generic
                srcs: ["app.txt"]
                deps: [":tool"]
                config:
                  commands: [["sh", "-c", "cat c--tool/tool.txt app.txt > out"]]

            """
        let contents = ["c/BUILD.yaml": packages, "c/app.txt": "1\n"]
        #expect(try await Machine(contents).build(storage, target: "c:app", signer: key).outcome.succeeded)
        let other = MemoryStorage(copying: storage)
        // Only what is changed is built; of what it needs, the tool's files are read, and those of its base are not.
        let build = try await Machine(contents.merging(["c/app.txt": "2\n"]) { $1 }).build(
            other, target: "c:app", reads: reads)
        #expect(build.ran == ["c:app"])
        #expect(!other.requests.contains("blob large"))
        #expect(other.requests.contains("blob small"))
        #expect(try build.artifact("c:app")["out"] == "7 tool\n2\n")
    }

    @Test("whatever becomes of a request, the artifact is the right one")
    func everyRequest() async throws {
        let (storage, artifact) = try await filled()
        let whole = MemoryStorage(copying: storage)
        _ = try await Machine().build(whole, reads: reads)
        let count = whole.requests.count
        #expect(count >= 5)
        for cut in 0..<count {
            // This request and all that follow, or this one alone.
            let isForGood = cut % 2 == 0
            let broken = MemoryStorage(
                copying: storage,
                fault: { number, _ in
                    if isForGood ? number >= cut : number == cut {
                        throw RemoteCacheError(.unreachable, "the network is cut")
                    }
                })
            let build = try await Machine().build(broken, reads: reads)
            #expect(build.outcome.succeeded)
            #expect(try build.artifact("c:top") == artifact)
        }
    }

    @Test("whatever becomes of a request, giving results away harms no build, and the next one makes up for it")
    func everyUpload() async throws {
        let (_, artifact) = try await filled()
        let count = try await Self.first.value.storage.requests.count
        for cut in stride(from: 3, to: count, by: 4) {
            let broken = MemoryStorage(fault: { number, _ in
                if number >= cut { throw RemoteCacheError(.unreachable, "the network is cut") }
            })
            let machine = try Machine()
            let build = try await machine.build(broken, signer: key, reads: reads)
            #expect(build.outcome.succeeded)
            #expect(!build.remarks.isEmpty)
            let healed = MemoryStorage(copying: broken)
            _ = try await machine.build(healed, signer: key, reads: reads)
            let second = try await Machine().build(healed, reads: reads)
            #expect(second.ran.isEmpty, "cut at \(cut): \(second.remarks)")
            #expect(try second.artifact("c:top") == artifact)
        }
    }

    @Test(
        "bytes that are not those that were signed for are refused with a reason, and the artifact is built",
        arguments: ["blob large", "blob small"], ["swapped", "truncated", "extended", "absent"])
    func alteredBlobs(_ request: String, _ attack: String) async throws {
        let (storage, artifact) = try await filled()
        let hostile = MemoryStorage(
            copying: storage,
            change: { name, bytes in
                guard name == request else { return bytes }
                switch attack {
                case "swapped": return bytes.map { $0 ^ 1 }
                case "truncated": return Array(bytes.dropLast(7))
                case "extended": return bytes + [0]
                default: return nil
                }
            })
        let build = try await Machine().build(hostile, reads: reads)
        #expect(try build.artifact("c:top") == artifact)
        #expect(build.ran.contains("c:low"))
        let reason = ["swapped": "replaced", "truncated": "ends after", "extended": "longer", "absent": "not there"]
        let expected = request == "blob large" && attack == "swapped" ? "damaged or replaced" : reason[attack] ?? "?"
        #expect(build.remarks.contains { $0.contains(expected) }, "\(build.remarks)")
    }

    @Test("bytes that differ from one request to the next don't get in")
    func timeOfCheck() async throws {
        let (storage, artifact) = try await filled()
        let count = Mutex(0)
        let hostile = MemoryStorage(
            copying: storage,
            change: { name, bytes in
                let number = count.withLock {
                    $0 += 1; return $0
                }
                return number % 2 == 0 ? bytes.reversed() : bytes
            })
        let build = try await Machine().build(hostile, reads: reads)
        #expect(try build.artifact("c:top") == artifact)
        #expect(!build.remarks.isEmpty)
    }

    @Test("what was wrong in the cache is put right by the machine that finds it out and may write")
    func healing() async throws {
        let (storage, artifact) = try await filled()
        storage.state.withLock { state in
            for (digest, bytes) in state.blobs { state.blobs[digest] = bytes.map { $0 ^ 1 } }
        }
        let first = try await Machine().build(storage, signer: key, reads: reads)
        #expect(first.ran == ["c:low", "c:middle", "c:top"])
        let second = try await Machine().build(storage, reads: reads)
        #expect(second.ran.isEmpty)
        #expect(try second.artifact("c:top") == artifact)
    }

    @Test("an entry under another key, and one of another signer, are refused with their reasons")
    func entries() async throws {
        let (storage, artifact) = try await filled()
        let replayed = MemoryStorage(copying: storage)
        replayed.state.withLock { state in
            let all = state.entries.values.sorted { $0.count < $1.count }
            for name in state.entries.keys { state.entries[name] = all[0] }
        }
        let build = try await Machine().build(replayed, reads: reads)
        #expect(try build.artifact("c:top") == artifact)
        #expect(build.remarks.contains { $0.contains("not the one that was asked for") })

        // Somebody with the storage's credentials and a key of their own.
        let foreign = MemoryStorage()
        _ = try await Machine().build(foreign, signer: EntryFixture.makeKey())
        let refused = try await Machine().build(foreign, reads: reads)
        #expect(refused.ran == ["c:low", "c:middle", "c:top"])
        #expect(refused.remarks.contains { $0.contains("signature") })
    }

    @Test("a pull request reads what is trusted, writes its own namespace alone, and can't fill another")
    func namespaces() async throws {
        let (storage, _) = try await filled()
        let contributor = EntryFixture.makeKey()
        let own = try Namespace("pr/17")
        let both = reads + [(own, contributor.publicKey)]
        let before = storage.state.withLock { $0.entries.filter { $0.key.namespace == .main } }
        let machine = try Machine(["c/low.txt": "changed\n"])
        let build = try await machine.build(storage, signer: contributor, reads: both, writes: own)
        #expect(build.ran == ["c:low", "c:middle", "c:top"])
        #expect(storage.state.withLock { $0.entries.filter { $0.key.namespace == .main } } == before)
        #expect(storage.state.withLock { $0.entries.count { $0.key.namespace == own } } == 3)
        // The pull request's next build has its own results and the trusted ones.
        #expect(try await Machine(["c/low.txt": "changed\n"]).build(storage, reads: both).ran.isEmpty)
        #expect(try await Machine().build(storage, reads: both).ran.isEmpty)
        // Who reads the trusted ones alone has nothing of it, also when it is moved there.
        storage.state.withLock { state in
            for (name, bytes) in state.entries where name.namespace == own {
                state.entries[EntryName(.main, name.key)] = bytes
            }
        }
        let victim = try await Machine(["c/low.txt": "changed\n"]).build(storage, reads: reads)
        #expect(victim.ran == ["c:low", "c:middle", "c:top"])
        #expect(victim.remarks.contains { $0.contains("signature") })
    }

    @Test("without a signer nothing is given away")
    func unsigned() async throws {
        let storage = MemoryStorage()
        #expect(try await Machine().build(storage, reads: reads).outcome.succeeded)
        #expect(storage.state.withLock { $0.entries.isEmpty && $0.blobs.isEmpty })
    }

    @Test("a cache that no longer answers is not asked for ever")
    func silence() async throws {
        let storage = MemoryStorage(fault: { _, _ in throw RemoteCacheError(.unreachable, "nobody answers") })
        let build = try await Machine().build(storage, signer: key, reads: reads)
        #expect(build.outcome.succeeded)
        #expect(storage.requests.count <= 6)
        #expect(build.remarks.contains { $0.contains("asked nothing more") })
    }
}
