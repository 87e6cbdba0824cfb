import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Build
@testable import Workspace

@Suite("Kept hashes")
struct KeptHashesTests {
    private func kept(_ workspace: TestWorkspace) throws -> KeptHashes? {
        let directory = workspace.cache.appending("index")
        let name = try #require(try Files.list(directory).first { $0.hasSuffix(".load") })
        return KeptHashes(directory.appending(name))
    }

    private func recalled(_ path: String, _ workspace: TestWorkspace, _ kept: KeptHashes) throws -> Digest? {
        let status = try #require(try Files.status(workspace.path(path)))
        return kept.recall(path, status)?.digest
    }

    @Test("a kept load knows the hashes of files that are as they were, and of no others")
    func recall() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": "packages: [{name: p, type: generic, srcs: ['*.txt']}]", "p/a.txt": "a", "p/sub/b": "b",
            "p/c.txt": "c",
        ])
        // As if everything had been written long ago.
        var settings = TestWorkspace.Settings()
        settings.clockOffset = 10_000_000_000
        _ = try await workspace.project(settings)
        let known = try #require(try kept(workspace))
        #expect(try recalled("p/a.txt", workspace, known) == .of("a"))
        #expect(try recalled("p/c.txt", workspace, known) == .of("c"))
        #expect(try recalled("p/sub/b", workspace, known) == nil)
        #expect(try recalled("p/BUILD.yaml", workspace, known) == nil)
        try workspace.write("x", to: "p/c.txt")
        #expect(try recalled("p/c.txt", workspace, known) == nil)
        try Files.setMode(workspace.path("p/a.txt"), 0o755)
        #expect(try recalled("p/a.txt", workspace, known) == nil)
    }

    @Test("hashes of files that were written to a moment before are not kept")
    func races() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": "packages: [{name: p, type: generic, srcs: ['*.txt']}]", "p/a.txt": "a",
        ])
        var settings = TestWorkspace.Settings()
        // As if the load had begun when the file was written.
        settings.clockOffset = -10_000_000_000
        _ = try await workspace.project(settings)
        let known = try #require(try kept(workspace))
        #expect(try recalled("p/a.txt", workspace, known) == nil)
    }

    @Test("what is no kept load gives nothing")
    func damage() async throws {
        let directory = try TemporaryDirectory()
        #expect(KeptHashes(directory["none"]) == nil)
        try directory.write("martsnp1 and nothing else", to: "cut")
        #expect(KeptHashes(directory["cut"]) == nil)
    }
}
