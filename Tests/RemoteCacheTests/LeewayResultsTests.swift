import Attest
import Bytes
import Host
import Keys
import Policy
import Sigstore
import Synchronization
import Testing
import Workspace

@testable import Build
@testable import RemoteCache

@Suite("Builds that take from Leeway's cache", .serialized, .enabled(if: hasSandbox, "bubblewrap is not installed"))
struct LeewayResultsTests {
    /// What Leeway would have made of `c:middle`, with a mark by which it is known.
    private static func middle() throws -> [UInt8] {
        try LeewayFixture.archive { tar in
            try tar.addDirectory("./")
            try tar.addFile("./middle.txt", Array("from Leeway\n".utf8))
            try tar.addDirectory("./c--low/")
            try tar.addFile("./c--low/big", Array("xyz".utf8))
            try tar.addLink("./link", target: "middle.txt")
            try tar.addFile("./provenance-bundle.jsonl", Array("{}\n".utf8))
        }
    }

    private func package(_ name: String) throws -> PackageName { try #require(PackageName(name)) }

    private func version(_ name: String, on machine: Machine) async throws -> String {
        try #require(try await machine.project().workspace.packages[package(name)]).leewayVersion
    }

    /// A place with an archive of `c:middle` and an attestation.
    private func place(
        _ machine: Machine, _ archive: [UInt8]? = nil, _ change: (inout LeewayFixture) -> Void = { _ in }
    ) async throws -> MemoryPlace {
        let archive = try archive ?? Self.middle()
        let object = try await version("c:middle", on: machine) + ".tar.gz"
        var fixture = LeewayFixture(object, .of(archive))
        change(&fixture)
        return MemoryPlace([object: archive, object + ".att": try await fixture.attestation()])
    }

    private func build(
        _ machine: Machine, _ place: MemoryPlace, target: String = "c:top", policy: ArtifactPolicy? = nil,
        storage: MemoryStorage = MemoryStorage(), signer: PrivateKey? = nil
    ) async throws -> Machine.Build {
        let now = try #require(LeewayFixture.now).seconds * 1_000_000_000
        let verifier = try LeewayFixture.verifier(policy ?? LeewayFixture.policy())
        return try await machine.build(storage, target: target, signer: signer) { cache in
            LeewayResults(place, verifier: verifier, cache: cache, now: { now }, pause: { _ in })
        }
    }

    /// Why nothing is taken of `c:middle` and `c:low`.
    private func refusals(
        _ machine: Machine, _ place: MemoryPlace, _ limits: LeewayArchive.Limits = .init()
    ) async throws -> [String] {
        let project = try await machine.project()
        let now = try #require(LeewayFixture.now).seconds * 1_000_000_000
        let results = LeewayResults(
            place, verifier: try LeewayFixture.verifier(), cache: project.cache, limits: limits, now: { now },
            pause: { _ in })
        let wanted = try ["c:middle", "c:low"].compactMap { name in
            try project.workspace.packages[package(name)].flatMap { WantedImport($0) }
        }
        #expect(wanted.count == 2)
        #expect(try await results.take(wanted).isEmpty)
        return results.takeRemarks().map(\.message)
    }

    private func statement(of name: String, in build: Machine.Build) throws -> ProvenanceView {
        let built = try #require(build.outcome.built[package(name)])
        let bundle = try build.project.bundle(of: built)
        let views = try bundle.entries.map { try ProvenanceView($0.envelope) }
        return try #require(views.first { $0.entryPoint == name })
    }

    @Test("a good object is used and not built, and what is built from it says so")
    func good() async throws {
        let machine = try Machine()
        let place = try await place(machine)
        let build = try await build(machine, place)
        #expect(build.remarks.isEmpty)
        #expect(build.ran == ["c:top"])
        #expect(try build.artifact("c:top")["top.txt"] == "15 from Leeway\nxyz")
        #expect(Set(try build.artifact("c:middle").keys) == ["middle.txt", "c--low", "c--low/big", "link"])

        let archive = Digest.of(try Self.middle())
        let middle = try #require(build.outcome.built[package("c:middle")])
        let material = try #require(try statement(of: "c:top", in: build).materials(.package).first)
        #expect(material.digest["sha256"] == middle.artifact.hex)
        #expect(material.annotations["origin"]?.stringValue == "leeway")
        #expect(material.annotations["archive"]?.stringValue == "\(archive)")
        let said = try statement(of: "c:middle", in: build)
        #expect(said.builderID == LeewayFixture.builder)
        #expect(said.sandbox == nil && !said.isMartletBuild)
        #expect(said.subjects.map { $0.digest["sha256"] } == [middle.artifact.hex, archive.hex])

        let top = try #require(build.outcome.built[package("c:top")])
        let report = BundlePolicy(
            [.builtWithMartlet, .sandboxed, .noDirty, .slsaLevel(2), .allDependencies], target: "c:top"
        ).check(try build.project.bundle(of: top))
        let failed = Set(report.violations.filter { $0.subject == "c:middle" }.map(\.assertion))
        #expect(failed.isSuperset(of: ["built-with-martlet", "sandboxed", "no-dirty", "slsa-level"]))
        #expect(!report.violations.contains { $0.subject == "c:top" && $0.assertion == "all-dependencies" })
        // Who asks about results afterwards finds them.
        #expect(try await build.project.result(of: package("c:top")).key == top.key)
    }

    @Test("what was taken stays, without Leeway's cache too, and builds without it know nothing of it")
    func again() async throws {
        let machine = try Machine()
        let place = try await place(machine)
        _ = try await build(machine, place)
        place.state.withLock { $0.isDown = true }
        #expect(try await build(machine, place).ran.isEmpty)
        let own = try await machine.build(MemoryStorage())
        #expect(own.ran == ["c:low", "c:middle", "c:top"])
        #expect(try own.artifact("c:top")["top.txt"]?.contains("Leeway") == false)
        // martlet's own results come first.
        let requests = place.requests.count
        let last = try await build(machine, place)
        #expect(last.ran.isEmpty)
        #expect(try last.artifact("c:top")["top.txt"]?.contains("Leeway") == false)
        #expect(place.requests.count == requests)
    }

    @Test("a target is taken too, unless it is to be signed; Leeway's signature stays what it is")
    func target() async throws {
        let machine = try Machine()
        let place = try await place(machine)
        let taken = try await build(machine, place, target: "c:middle")
        #expect(taken.ran.isEmpty && taken.remarks.isEmpty)
        #expect(try taken.artifact("c:middle")["middle.txt"] == "12 from Leeway\n")
        let key = EntryFixture.makeKey()
        let built = try #require(taken.outcome.built[package("c:middle")])
        let signatures = StatementSignatures(DSSESigner(PrivateKeySigner(key)), cache: taken.project.cache)
        await #expect(throws: BuildError.self) { try await signatures.bundle(around: [], about: built) }

        #expect(try await build(machine, place, target: "c:middle", signer: key).ran == ["c:low", "c:middle"])
        let other = try Machine()
        let storage = MemoryStorage()
        let signed = try await build(other, try await self.place(other), storage: storage, signer: key)
        #expect(signed.ran == ["c:top"])
        // Nobody else is given what Leeway made.
        #expect(storage.state.withLock { $0.entries.count } == 1)
        let all = try RecordedStatements(actions: signed.project.cache.actions, store: signed.project.cache.store).all(
            of: signed.outcome.built.values.map { ($0.key, $0.name) }, .slsa)
        let own = StatementSignatures(DSSESigner(PrivateKeySigner(key)), cache: signed.project.cache)
        #expect(Set(all.map(\.built.name.name)) == ["middle", "top"])
        for said in all {
            let bundle = try #require(try await said.bundle(own))
            let isLeeway = said.built.name.name == "middle"
            #expect((bundle.envelope?.payload == said.statement) != isLeeway)
            if isLeeway {
                #expect(throws: (any Error).self) { try own.check(bundle) }
            } else {
                try own.check(bundle)
            }
        }
    }

    @Test("a policy that is stricter now counts for what was taken before")
    func stricter() async throws {
        let machine = try Machine()
        let place = try await place(machine)
        _ = try await build(machine, place)
        let other = EntryFixture.makeKey().publicKey
        let build = try await build(machine, place, policy: LeewayFixture.policy(other))
        #expect(build.ran == ["c:low", "c:middle", "c:top"])
        #expect(build.remarks.contains { $0.contains("signature of its attestation") })
    }

    @Test("objects that are not as they should be are built, and it is said why")
    func refused() async throws {
        let machine = try Machine()
        let object = try await version("c:middle", on: machine) + ".tar.gz"
        let low = try await version("c:low", on: machine) + ".tar.gz"
        typealias Change = @Sendable (inout [String: [UInt8]]) -> Void
        let changes: [(String, Change)] = [
            ("nobody vouches for", { $0[object + ".att"] = nil }),
            ("damaged or replaced", { $0[object]?.append(0) }),
            ("damaged or replaced", { $0[object]?.removeLast(20) }),
            ("damaged or replaced", { $0[object] = [] }),
            ("and no \(object)", { $0[object] = nil }),
            ("no Sigstore bundle", { $0[object + ".att"]?.removeLast(20) }),
            (
                "is about \(object)",
                { objects in
                    objects[low] = objects[object]
                    objects[low + ".att"] = objects[object + ".att"]
                    objects[object] = nil
                    objects[object + ".att"] = nil
                }
            ),
        ]
        for (reason, change) in changes {
            let place = try await place(machine)
            place.state.withLock { change(&$0.objects) }
            #expect(try await refusals(machine, place).contains { $0.contains(reason) }, "\(reason)")
        }
        let place = try await place(machine)
        place.state.withLock { $0.objects[object + ".att"] = nil }
        let build = try await build(machine, place)
        #expect(build.ran == ["c:low", "c:middle", "c:top"])
        #expect(build.remarks.contains { $0.contains("nobody vouches for") })
        #expect(try build.artifact("c:top")["top.txt"]?.contains("Leeway") == false)
    }

    @Test("archives that lead elsewhere, or ask for too much, are refused although somebody signed for them")
    func hostile() async throws {
        let text = Array("x".utf8)
        var small = LeewayArchive.Limits()
        small.content = 1 << 16
        var few = LeewayArchive.Limits()
        few.entries = 2
        var short = LeewayArchive.Limits()
        short.archive = 10
        typealias Fill = (inout TarWriter) throws -> Void
        let archives: [(String, LeewayArchive.Limits, Fill)] = [
            ("is absolute", .init(), { try $0.addFile("/etc/martlet", text) }),
            ("leads out of", .init(), { try $0.addFile("./a/../../b", text) }),
            (
                "below something", .init(),
                {
                    try $0.addLink("./a", target: "/tmp")
                    try $0.addFile("./a/b", text)
                }
            ),
            (
                "twice", .init(),
                {
                    try $0.addFile("./a", text)
                    try $0.addFile("a", text)
                }
            ),
            ("second name", .init(), { try $0.addHardLink("./a", target: "b") }),
            ("65536", small, { try $0.addFile("./a", [UInt8](repeating: 0, count: 1 << 20)) }),
            (
                "too many", few,
                {
                    try $0.addFile("./a", text)
                    try $0.addFile("./b", text)
                    try $0.addFile("./c", text)
                }
            ),
            ("more than 10 bytes", short, { try $0.addFile("./a", text) }),
        ]
        let machine = try Machine()
        for (reason, limits, fill) in archives {
            let place = try await place(machine, try LeewayFixture.archive(fill))
            #expect(try await refusals(machine, place, limits).contains { $0.contains(reason) }, "\(reason)")
        }
    }

    @Test("packages that Leeway's version does not describe are built")
    func uncovered() async throws {
        let machine = try Machine([
            "WORKSPACE.yaml": "defaultArgs: {word: here}\n",
            "c/BUILD.yaml": """
            packages:
              - name: middle
                type: generic
                config:
                  commands: [["sh", "-c", "echo ${word} > middle.txt"]]
              - name: top
                type: generic
                deps: [":middle"]
                config:
                  commands: [["sh", "-c", "cat c--middle/middle.txt > top.txt"]]

            """,
        ])
        let build = try await build(machine, try await place(machine))
        #expect(build.ran == ["c:middle", "c:top"])
    }
}
