import Attest
import Bytes
import Keys
import Testing

@testable import Policy

/// Google Cloud Build's provenance, made and signed here.
@Suite struct CloudBuildTests {
    static let digest = PolicyFixtures.digest.hex
    static let ring = "projects/verified-builder/locations/"
    static let regional = ring + "us-west2/keyRings/attestor/cryptoKeys/builtByGCB/cryptoKeyVersions/1"
    static let global01 = ring + "global/keyRings/attestor/cryptoKeys/provenanceSigner/cryptoKeyVersions/1"
    static let global1 = ring + "global/keyRings/attestor/cryptoKeys/google-hosted-worker/cryptoKeyVersions/1"

    let key: PrivateKey
    let keys: CloudBuildProvenance.KeyRing

    init() throws {
        key = try PrivateKey.generate(.ecdsaP256)
        keys = CloudBuildProvenance.KeyRing([
            "us-west2": key.publicKey, "global-pae-google-hosted-worker_1": key.publicKey,
            "global-pae-provenanceSigner_1": key.publicKey,
        ])
    }

    /// What a build says; tests change one thing of it.
    struct Facts {
        var isVersion1 = false
        var version = "@v0.3"
        var recipe = "https://cloudbuild.googleapis.com/CloudBuildYaml@v0.1"
        var arguments: JSONObject = [
            "@type": "type.googleapis.com/google.devtools.cloudbuild.v1.Build",
            "substitutions": ["TAG_NAME": "v33.0.4", "REPO_NAME": "app"], "id": "7",
        ]
        var source = "https://github.com/acme/app"
        var ref = "refs/tags/v33.0.4"
        var subject: JSON = ["sha256": .string(CloudBuildTests.digest)]
        var keyIDs = [CloudBuildTests.regional]
        var signature: [UInt8]?
        var kind = "BUILD"
        var resource = "https://us-west2-docker.pkg.dev/p/app@sha256:\(CloudBuildTests.digest)"
        var summary = "sha256:\(CloudBuildTests.digest)"
        var copy: (inout JSONObject) -> Void = { _ in }

        var predicateType: String { isVersion1 ? "https://slsa.dev/provenance/v1" : "https://slsa.dev/provenance/v0.1" }

        var predicate: JSON {
            let builder = CloudBuildProvenance.builder + (isVersion1 ? "" : version)
            guard isVersion1 else {
                return [
                    "builder": ["id": .string(builder)],
                    "recipe": ["type": .string(recipe), "entryPoint": "", "arguments": .object(arguments)],
                    "metadata": ["buildStartedOn": "2026-01-01T00:00:00Z", "buildInvocationId": "7"],
                    "materials": [["uri": .string(source), "digest": ["sha1": .string(PolicyFixtures.commit)]]],
                ]
            }
            return [
                "buildDefinition": [
                    "buildType": "https://cloud.google.com/build/gcb-buildtypes/google-worker/v1",
                    "externalParameters": [
                        "buildConfigSource": ["repository": .string("git+" + source), "ref": .string(ref)]
                    ], "internalParameters": ["systemSubstitutions": ["TAG_NAME": "v33.0.4"]],
                ],
                "runDetails": ["builder": ["id": .string(builder)], "metadata": ["invocationId": "7"]],
            ]
        }

        func statement(_ name: String) -> JSONObject {
            [
                "_type": "https://in-toto.io/Statement/v0.1", "predicateType": .string(predicateType),
                "subject": [["name": "app", "digest": subject]], name: predicate,
            ]
        }

        func file(_ key: PrivateKey) async throws -> JSON {
            let payload = JSON.object(statement("predicate")).bytes()
            var signatures: [JSON] = []
            for id in keyIDs {
                let message =
                    id.contains("/global/")
                    ? Envelope.preAuthenticationEncoding(type: Statement.payloadType, payload: payload) : payload
                let made = try await PrivateKeySigner(key).sign(.bytes(message))
                signatures.append(["keyid": .string(id), "sig": .string(Base64.encode(signature ?? made))])
            }
            var copied = statement(isVersion1 ? "predicate" : "slsaProvenance")
            copy(&copied)
            return [
                "image_summary": ["digest": .string(summary), "fully_qualified_digest": .string("app@" + summary)],
                "provenance_summary": [
                    "provenance": [
                        [
                            "build": [isVersion1 ? "inTotoSlsaProvenanceV1" : "intotoStatement": .object(copied)],
                            "kind": .string(kind), "resourceUri": .string(resource),
                            "envelope": [
                                "payload": .string(Base64.encode(payload)),
                                "payloadType": "application/vnd.in-toto+json", "signatures": .array(signatures),
                            ],
                        ]
                    ]
                ],
            ]
        }
    }

    func error(
        _ change: (inout Facts) -> Void = { _ in }, _ ask: (inout SLSAVerifierRun.Options) -> Void = { _ in }
    ) async throws -> String? {
        var facts = Facts()
        change(&facts)
        var asked = SLSAVerifierRun.Options(sourceURI: "github.com/acme/app")
        asked.builderID = CloudBuildProvenance.builder
        ask(&asked)
        let file = try await facts.file(key).bytes()
        do {
            _ = try SLSAVerifierRun(.image, asked).verifyCloudBuild(file, digest: Self.digest, keys: keys)
            return nil
        } catch { return error.identity.rawValue }
    }

    @Test("what is right passes, in all versions")
    func passes() async throws {
        #expect(try await error() == nil)
        #expect(try await error { $0.keyIDs = [Self.global01] } == nil)
        #expect(try await error { $0.keyIDs = ["somebody", Self.regional] } == nil)
        #expect(
            try await error {
                $0.isVersion1 = true
                $0.keyIDs = [Self.global1]
            } == nil)
        #expect(try await error { $0.source = "git+https://github.com/acme/app" } == nil)
        #expect(
            try await error {
                $0.version = "@v0.2"
                $0.recipe = CloudBuildProvenance.builder + "@v0.2"
                $0.source = "https://github.com/acme/app/commit/" + PolicyFixtures.commit
            } == nil)
        #expect(try await error({ _ in }, { $0.builderID = CloudBuildProvenance.builder + "@v0.3" }) == nil)
        #expect(try await error({ $0.source = "gs://b/s.tgz#1" }, { $0.sourceURI = "gs://b/s.tgz" }) == nil)
        // The copy may leave out what the statement says in vain, and write members in another order.
        #expect(
            try await error {
                $0.copy = {
                    $0["predicateType"] = nil; $0["predicateType"] = "https://slsa.dev/provenance/v0.1"
                }
            } == nil)
    }

    @Test("signatures must be by a key of the build service")
    func signatures() async throws {
        for ids in [
            [], ["somebody"], [""], [Self.ring + "mars/keyRings/attestor/cryptoKeys/builtByGCB/cryptoKeyVersions/1"],
        ] {
            #expect(try await error { $0.keyIDs = ids } == "ErrorNoValidSignature", "\(ids)")
        }
        #expect(try await error { $0.signature = [1, 2] } == "ErrorNoValidSignature")
        #expect(try await error { $0.signature = [] } == "ErrorNoValidSignature")
        // Each key signs statements of its own version.
        #expect(try await error { $0.isVersion1 = true } == "ErrorNoValidSignature")
        #expect(try await error { $0.keyIDs = [Self.global1] } == "ErrorNoValidSignature")
        let options = SLSAVerifierRun.Options(sourceURI: "github.com/acme/app")
        for text in ["", "[]", "{}", "{\"provenance_summary\":{\"provenance\":[]}}"] {
            do {
                _ = try SLSAVerifierRun(.image, options).verifyCloudBuild(
                    Array(text.utf8), digest: Self.digest, keys: keys)
                Issue.record("\(text) passes")
            } catch { #expect(error.identity == .invalidDSSEPayload) }
        }
    }

    @Test("what is wrong has slsa-verifier's name")
    func fails() async throws {
        #expect(
            try await error({ _ in }, { $0.builderID = CloudBuildProvenance.builder + "@v0.4" })
                == "ErrorMismatchBuilderID")
        #expect(try await error { $0.version = "@v0.4" } == "ErrorInvalidBuilderID")
        #expect(try await error { $0.recipe = "https://x.example" } == "ErrorInvalidRecipe")
        #expect(try await error { $0.arguments["@type"] = "x" } == "ErrorMismatchBuilderID")
        #expect(try await error { $0.arguments["@type"] = nil } == "ErrorInvalidDssePayload")
        #expect(try await error { $0.subject = ["sha256": "ab"] } == "ErrorMismatchHash")
        #expect(try await error { $0.subject = ["sha512": "ab"] } == "ErrorInvalidDssePayload")
        for uri in ["github.com/acme/name", "github.com/org/app", "gitlab.com/acme/app", "github.com/acme/ap"] {
            #expect(try await error({ _ in }, { $0.sourceURI = uri }) == "ErrorMismatchSource", "\(uri)")
        }
        #expect(try await error { $0.kind = "DISCOVERY" } == "ErrorInvalidFormat")
        #expect(try await error { $0.resource = "app@sha256:ab" } == "ErrorMismatchHash")
        #expect(try await error { $0.summary = "sha256:ab" } == "ErrorMismatchHash")
        #expect(try await error { $0.copy = { $0["subject"] = [] } } == "ErrorMismatchIntoto")
        #expect(
            try await error { $0.copy = { $0["slsaProvenance"] = ["builder": ["id": "x"]] } } == "ErrorMismatchIntoto")
        #expect(
            try await error {
                $0.isVersion1 = true
                $0.keyIDs = [Self.global1]
                $0.copy = { $0["predicate"] = nil }
            } == "ErrorMismatchIntoto")
        #expect(try await error({ _ in }, { $0.sourceBranch = "main" }) == "ErrorNotSupported")
    }

    @Test("tags are those of the build", arguments: [false, true])
    func tags(isVersion1: Bool) async throws {
        func error(_ change: (inout Facts) -> Void = { _ in }, _ ask: (inout SLSAVerifierRun.Options) -> Void)
            async throws -> String?
        {
            try await self.error(
                {
                    $0.isVersion1 = isVersion1
                    if isVersion1 { $0.keyIDs = [Self.global1] }
                    change(&$0)
                }, ask)
        }
        #expect(try await error { $0.sourceTag = "v33.0.4" } == nil)
        #expect(try await error { $0.sourceTag = "v33.0.5" } == "ErrorMismatchTag")
        for version in ["v33", "v33.0", "v33.0.4"] {
            #expect(try await error { $0.sourceVersionedTag = version } == nil)
        }
        #expect(try await error { $0.sourceVersionedTag = "v33.1" } == "ErrorMismatchVersionedTag")
        #expect(
            try await error(
                {
                    $0.arguments["substitutions"] = nil
                    $0.ref = "refs/heads/main"
                }, { $0.sourceTag = "v33.0.4" }) == "ErrorMismatchTag")
        #expect(
            try await error(
                {
                    $0.arguments["substitutions"] = nil
                    $0.ref = "refs/heads/main"
                }, { $0.sourceVersionedTag = "v33" }) == "ErrorMismatchVersionedTag")
    }
}
