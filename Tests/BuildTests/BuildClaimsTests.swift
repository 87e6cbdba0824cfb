import Attest
import Bytes
import Testing

@testable import Build

struct BuildClaimsTests {
    private func statement(clean: Bool, annotations: JSONObject = ["ref": "refs/heads/main"]) -> Statement {
        var source = annotations
        source["role"] = "source"
        source["clean"] = .bool(clean)
        let provenance = Provenance(
            buildType: MartletBuild.buildType, externalParameters: ["package": "app:app"],
            resolvedDependencies: [
                ResourceDescriptor(
                    uri: "git+https://git.example/ws.git", digest: ["gitCommit": "aaaa"], annotations: source)
            ],
            builder: .init(id: "x", dependencies: [ResourceDescriptor(name: "martlet", digest: ["sha256": "bbbb"])]),
            metadata: .init(invocationID: "cccc"))
        return Statement(
            subjects: [Subject(name: "app:app", digest: ["sha256": "dddd"])],
            predicateType: Provenance.predicateType, predicate: provenance.json)
    }

    @Test("a token says of a build what its statement says")
    func claims() throws {
        let claims = try BuildClaims(
            statement(clean: true, annotations: ["ref": "refs/tags/v1", "directory": "sub"]),
            builder: "https://ci.example/main/"
        ).json
        #expect(
            claims == [
                "build_signer_uri": "https://ci.example/main/", "build_signer_digest": "sha256:bbbb",
                "run_invocation_uri": "https://ci.example/main/builds/cccc", "source_repository_digest": "aaaa",
                "source_repository_ref": "refs/tags/v1", "source_repository_uri": "https://git.example/ws.git",
                "build_config_uri": "https://git.example/ws.git/sub/app/BUILD.yaml@refs/tags/v1",
                "build_config_digest": "aaaa",
            ])
    }

    @Test("a build of changed files claims no commit")
    func changed() throws {
        let claims = try BuildClaims(statement(clean: false), builder: "https://ci.example/main").json
        #expect(Set(claims.map(\.key)) == ["build_signer_uri", "build_signer_digest", "run_invocation_uri"])
    }

    @Test("another statement takes the claims of provenance of the same artifact, and of no other")
    func beside() throws {
        let builder = "https://ci.example/main"
        let provenance = statement(clean: true)
        var entry = Statement(
            subjects: [Subject(name: "another name", digest: ["sha256": "dddd"])],
            predicateType: "https://martlet.dev/cache-entry/v1", predicate: [:])
        let claims = try BuildClaims(entry, beside: provenance, builder: builder).json
        #expect(claims == (try BuildClaims(provenance, builder: builder).json))
        entry.subjects.append(Subject(name: "x", digest: ["sha256": "eeee"]))
        #expect(
            try BuildClaims(entry, beside: provenance, builder: builder).json == ["build_signer_uri": .string(builder)])
        #expect(try BuildClaims(entry, builder: builder).json == ["build_signer_uri": .string(builder)])
        // Provenance speaks for itself.
        let own = try BuildClaims(statement(clean: false), beside: provenance, builder: builder).json
        #expect(own["source_repository_digest"] == nil)
    }
}
