import Attest
import Bytes
import Host
import SystemPackage
import TestKit
import Testing
import Workspace

@testable import Build

@Suite(
    "Building again from provenance", .serialized,
    .enabled(if: hasSandbox && hasGit, "bubblewrap or git is not installed"))
struct RebuildTests {
    private static let files = [
        "p/BUILD.yaml": packages(
            generic("low", sh: "cat in.txt > out; echo ${flavour} >> out", "srcs: [in.txt]"),
            """
            - name: image
              type: image
              deps: [":low"]
              config: {provenance: app/provenance-bundle.jsonl}
            """),
        "p/image.yaml": "name: i\narchitectures: [amd64]\nfiles: [{path: /app, source: p--low}]\n", "p/in.txt": "in\n",
    ]

    private func built(_ package: String) async throws -> (workspace: TestWorkspace, build: TestBuild) {
        let workspace = try TestWorkspace(Self.files)
        try await workspace.commitAll()
        var settings = TestWorkspace.Settings()
        settings.arguments = ["flavour": "plain"]
        let build = try await workspace.build(package, settings: settings)
        _ = try build.built(package)
        return (workspace, build)
    }

    private func rebuild(
        _ workspace: TestWorkspace, _ statement: Statement, inside: [UInt8]? = nil
    ) async throws -> RebuiltPackage {
        var options = try await workspace.project().options
        // What dependencies took is in their own statements.
        options.arguments = ["flavour": "plain"]
        return try await Project.rebuild(
            RebuildOrder(statement), from: workspace.root, options, BuildOptions(jobs: 2)
        ) { _ in inside }
    }

    @Test("a package comes out the same from its commit, whatever the working tree has become")
    func same() async throws {
        let (workspace, build) = try await built("p:low")
        let statement = try build.statement("p:low")
        #expect(try RebuildOrder(statement).arguments["flavour"] == "plain")
        try workspace.write("other\n", to: "p/in.txt")
        let rebuilt = try await rebuild(workspace, statement)
        defer { rebuilt.remove() }
        #expect(try rebuilt.built.artifact == build.built("p:low").artifact)
        #expect(try rebuilt.built.key == build.built("p:low").key)
    }

    @Test("provenance inside an image is taken over where it says what the second build says, and only there")
    func inside() async throws {
        let (workspace, build) = try await built("p:image")
        let statement = try build.statement("p:image")
        let said = try build.statementBytes("p:low")
        var bundle = ProvenanceBundle()
        bundle.append(Envelope(payloadType: Statement.payloadType, payload: said))
        let rebuilt = try await rebuild(workspace, statement, inside: bundle.bytes())
        defer { rebuilt.remove() }
        #expect(try rebuilt.built.artifact == build.built("p:image").artifact)

        var other = try Statement(parsing: said)
        other.subjects[0].digest["sha256"] = String(repeating: "0", count: 64)
        var lie = ProvenanceBundle()
        lie.append(Envelope(payloadType: Statement.payloadType, payload: other.payload))
        let honest = try await rebuild(workspace, statement, inside: lie.bytes())
        defer { honest.remove() }
        #expect(try honest.built.artifact != build.built("p:image").artifact)
    }

    @Test("what no commit has is not built again")
    func dirty() async throws {
        let workspace = try TestWorkspace(Self.files)
        try await workspace.commitAll()
        try workspace.write("changed\n", to: "p/in.txt")
        var settings = TestWorkspace.Settings()
        settings.arguments = ["flavour": "plain"]
        let statement = try await workspace.build("p:low", settings: settings).statement("p:low")
        let error = #expect(throws: BuildError.self) { try RebuildOrder(statement) }
        #expect(error?.code == .unavailable)
        #expect("\(try #require(error))".contains("p/in.txt"))
    }
}
