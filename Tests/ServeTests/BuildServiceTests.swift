import Attest
import Build
import Bytes
import Git
import Host
import SystemPackage
import TestKit
import Testing
import Workspace

@testable import Serve

/// What the build service decides without a build; builds themselves are in Tests/Interop/service.py.
struct BuildServiceTests {
    private static let commit = String(repeating: "a", count: 40)

    private static func request(_ ref: String? = "refs/heads/main") throws -> BuildRequest {
        BuildRequest(
            .repository("https://git.example/app.git", ref: ref), commit: try #require(GitObjectID(commit)),
            target: PackageName(component: "app", name: "app"), arguments: ["version": "1"])
    }

    private static func testimony(_ request: BuildRequest) -> BuildTestimony {
        BuildTestimony(
            request: request, requester: "https://id#alice", builder: "https://ci/builds",
            invocation: "https://ci/builds/1")
    }

    private static func facts(_ request: BuildRequest) -> ProvenanceFacts {
        var facts = ProvenanceFacts(
            packageName: "app:app", packageType: "generic", actionKey: .of("k"), inputs: .of("i"), inputCount: 1,
            sandbox: "full", builder: .init(version: "1", digest: .of("m")))
        facts.subjects = [Subject(name: "app:app", digest: ["sha256": Digest.of("a").hex])]
        facts.source = .init(origin: "https://git.example/app.git", commit: commit, ref: "refs/heads/main")
        facts.service = .init(
            builderID: "https://ci/builds", request: request.json, invocationID: "https://ci/builds/1",
            requester: "https://id#alice")
        facts.metadata = .init(invocationID: "https://ci/builds/1")
        return facts
    }

    @Test("a statement about this very build is signed")
    func testimony() throws {
        let request = try Self.request()
        let statement = try Self.testimony(request).check(Self.facts(request).statement.payload)
        #expect(statement.subjects.count == 1)
    }

    @Test("no other statement is signed")
    func otherTestimony() throws {
        let request = try Self.request()
        let changes: [(inout ProvenanceFacts) -> Void] = [
            { $0.subjects = [] }, { $0.sandbox = "off" }, { $0.sandbox = "namespaces" },
            { $0.source?.commit = String(repeating: "b", count: 40) }, { $0.source?.origin = "https://git.example/b" },
            { $0.source?.origin = nil }, { $0.source?.ref = "refs/heads/other" }, { $0.source?.ref = nil },
            { $0.source = nil },
            { $0.changedInputs = [.init(path: "x", digest: nil, reason: "deleted")] },
            { $0.service?.builderID = "https://other/builds" }, { $0.service?.requester = "https://id#bob" },
            { $0.service?.request = [:] }, { $0.service = nil }, { $0.metadata.invocationID = "https://ci/builds/2" },
        ]
        for (number, change) in changes.enumerated() {
            var facts = Self.facts(request)
            change(&facts)
            #expect(throws: AttestError.self, "\(number)") {
                try Self.testimony(request).check(facts.statement.payload)
            }
        }
        var foreign = Self.facts(request).statement
        foreign.predicateType = "https://slsa.dev/verification_summary/v1"
        #expect(throws: AttestError.self) { try Self.testimony(request).check(foreign.payload) }
        #expect(throws: AttestError.self) { try Self.testimony(request).check(Array("{}".utf8)) }
        #expect(throws: AttestError.self) {
            try Self.testimony(Self.request(nil)).check(Self.facts(request).statement.payload)
        }
    }

    @Test("an address is allowed where it is below what is allowed, and by no detour")
    func repositories() {
        let allowed = "https://git.example/team"
        for address in ["https://git.example/team", "https://git.example/team/app.git", "https://git.example/team/a/b"]
        {
            #expect(BuildServiceSettings.isBelow(address, allowed))
            #expect(address == allowed || BuildServiceSettings.isBelow(address, allowed + "/"))
        }
        for address in [
            "https://git.example/teammate/app", "https://git.example/team/../other", "https://git.example/team/./x",
            "https://git.example/team/%2e%2e/other", "https://git.example/team/x?y", "https://git.example/team/x#y",
            "https://git.example/team\\..\\x", "http://git.example/team/app", "https://git.example/team/",
            "https://git.example.evil/team/app",
        ] { #expect(!BuildServiceSettings.isBelow(address, allowed), "\(address)") }
    }

    @Test("what is on the shelf when a server begins is told as it is")
    func recovery() throws {
        let directory = try TemporaryDirectory()
        let shelf = BuildShelf(root: directory["builds"])
        let now = try #require(Timestamp(seconds: 1_800_000_000))
        #expect(try shelf.recover(at: now).isEmpty)
        let request = try Self.request()
        let upload = BuildRequest(
            .upload(.of("pack")), commit: request.commit, target: request.target)
        for (index, state) in [BuildRecord.State.queued, .running, .succeeded, .waiting].enumerated() {
            let id = String(repeating: "\(index)", count: 32)
            let created = try #require(Timestamp(seconds: 1_700_000_000 + Int64(index)))
            var record = BuildRecord(
                id: id, request: state == .waiting ? upload : request, requester: "https://id#alice",
                access: .of("secret"), created: created)
            #expect(record.state == (state == .waiting ? .waiting : .queued))
            record.state = state
            record.artifact = state == .succeeded ? .of("artifact") : nil
            try shelf.create(record)
            try Files.createDirectories(shelf.workplace(id))
        }
        try Files.createDirectories(directory["builds/" + String(repeating: "f", count: 32)])
        try Files.createDirectories(directory["builds/lost"])
        let found = try shelf.recover(at: now)
        #expect(found.map(\.state) == [.queued, .interrupted, .succeeded, .interrupted])
        #expect(found[1].finished == now)
        #expect(found[2].artifact == .of("artifact"))
        #expect(found[2].request == request)
        #expect(try shelf.recover(at: now) == found)
        #expect(try Files.list(directory["builds"]).count == 5)
        for record in found { #expect(try !Files.exists(shelf.workplace(record.id))) }
    }

    @Test("a log is kept to its limit, and read in parts")
    func log() throws {
        let directory = try TemporaryDirectory()
        let shelf = BuildShelf(root: directory["builds"])
        let id = String(repeating: "a", count: 32)
        let record = BuildRecord(
            id: id, request: try Self.request(), requester: "x", access: .of("y"),
            created: try #require(Timestamp(seconds: 1)))
        try Files.createDirectories(shelf.root)
        try shelf.create(record)
        try shelf.append("one\ntwo\n", to: id)
        #expect(try shelf.log(id, from: 4, limit: 100) == Array("two\n".utf8))
        #expect(try shelf.log(id, from: 0, limit: 3) == Array("one".utf8))
        #expect(try shelf.log(id, from: 8, limit: 100).isEmpty)
        #expect(try shelf.log(id, from: 900, limit: 100).isEmpty)
    }
}
