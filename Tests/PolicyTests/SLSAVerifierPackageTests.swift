import Attest
import Bytes
import Host
import Keys
import Sigstore
import SystemPackage
import TestKit
import Testing
import VirtualSigstore

@testable import Policy

/// slsa-verifier's checks of packages of npm.
@Suite struct SLSAVerifierPackageTests {
    static let hosted = "https://github.com/actions/runner/github-hosted"

    /// What npm writes, in its first and in today's form.
    struct Facts {
        var isVersion1 = true
        var workflow = "https://github.com/acme/app/.github/workflows/r.yml@refs/heads/main"
        var claims = [
            "issuer": "https://token.actions.githubusercontent.com",
            "sourceRepositoryURI": "https://github.com/acme/app", "buildTrigger": "push",
            "sourceRepositoryDigest": PolicyFixtures.commit, "buildConfigDigest": PolicyFixtures.commit,
            "sourceRepositoryRef": "refs/heads/main", "sourceRepositoryIdentifier": "11",
            "sourceRepositoryOwnerIdentifier": "22", "buildSignerDigest": PolicyFixtures.commit,
            "buildConfigURI": "https://github.com/acme/app/.github/workflows/r.yml@refs/heads/main",
            "runInvocationURI": "https://github.com/acme/app/actions/runs/7/attempts/1",
            "runnerEnvironment": "github-hosted",
        ]
        var builder = SLSAVerifierPackageTests.hosted
        var name = "pkg:npm/%40acme/app@1.2.3"
        var digests: JSON = ["sha512": "ab"]
        var github: JSONObject = ["event_name": "push", "repository_id": "11", "repository_owner_id": "22"]
        var environment: JSONObject = [
            "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_REPOSITORY": "acme/app",
            "GITHUB_REPOSITORY_ID": "11", "GITHUB_REPOSITORY_OWNER_ID": "22", "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": "7", "GITHUB_SHA": .string(PolicyFixtures.commit),
            "GITHUB_WORKFLOW_REF": "acme/app/.github/workflows/r.yml@refs/heads/main",
            "GITHUB_WORKFLOW_SHA": .string(PolicyFixtures.commit),
        ]
        var metadata: JSONObject?
        var path = ".github/workflows/r.yml"
        var invocation: JSONObject = [:]
        var dependencies: JSON = [["uri": "git+https://github.com/acme/app@refs/heads/main"]]
        var publicationType = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
        var published: JSON = ["name": "@acme/app", "version": "1.2.3", "registry": "https://registry.npmjs.org"]
        var publishedDigests: JSON = ["sha512": "ab"]

        var predicate: JSON {
            let uri = "https://github.com/acme/app"
            guard isVersion1 else {
                var calls = invocation
                calls["configSource"] = ["uri": .string("git+\(uri)@refs/heads/main"), "entryPoint": .string(path)]
                calls["environment"] = .object(environment)
                return [
                    "builder": ["id": .string(builder)], "buildType": "https://github.com/npm/cli/gha/v2",
                    "invocation": .object(calls), "metadata": .object(metadata ?? ["buildInvocationId": "7-1"]),
                    "materials": dependencies,
                ]
            }
            return [
                "buildDefinition": [
                    "buildType": "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
                    "externalParameters": [
                        "workflow": ["repository": .string(uri), "ref": "refs/heads/main", "path": .string(path)]
                    ], "internalParameters": ["github": .object(github)], "resolvedDependencies": dependencies,
                ],
                "runDetails": [
                    "builder": ["id": .string(builder)],
                    "metadata": .object(metadata ?? ["invocationId": .string("\(uri)/actions/runs/7/attempts/1")]),
                ],
            ]
        }

        func signed(_ name: String, _ digests: JSON, _ type: String, _ predicate: JSON) -> SignedProvenance {
            let statement: JSON = [
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [["name": .string(name), "digest": digests]],
                "predicateType": .string(type), "predicate": predicate,
            ]
            return SignedProvenance(
                subject: workflow, issuer: claims["issuer"] ?? "", claims: claims, payload: statement.bytes())
        }

        var provenance: SignedProvenance {
            signed(name, digests, "https://slsa.dev/provenance/v\(isVersion1 ? "1" : "0.2")", predicate)
        }
        var publication: SignedProvenance { signed(name, publishedDigests, publicationType, published) }
    }

    static func error(
        _ change: (inout Facts) -> Void = { _ in }, _ ask: (inout SLSAVerifierRun.Options) -> Void = { _ in }
    ) -> String? {
        var facts = Facts()
        change(&facts)
        var asked = SLSAVerifierRun.Options(sourceURI: "github.com/acme/app")
        asked.builderID = hosted
        asked.packageName = "@acme/app"
        asked.packageVersion = "1.2.3"
        ask(&asked)
        do {
            let run = SLSAVerifierRun(.npmPackage, asked)
            let built = facts.provenance
            _ = try run.verifyPackage(built, digest: "ab")
            try run.checkPublication(facts.publication, built, digest: "ab")
            return nil
        } catch { return error.identity.rawValue }
    }

    @Test("what is right passes, in both forms", arguments: [true, false])
    func passes(isVersion1: Bool) {
        #expect(Self.error { $0.isVersion1 = isVersion1 } == nil)
        #expect(
            Self.error(
                { $0.isVersion1 = isVersion1 },
                {
                    $0.packageName = nil
                    $0.packageVersion = nil
                }) == nil)
    }

    @Test("the builder is a runner whose kind the certificate tells")
    func builders() {
        #expect(Self.error({ _ in }, { $0.builderID = nil }) == "ErrorInvalidBuilderID")
        for id in ["https://github.com/actions/runner2", Self.hosted + "2", Self.hosted + "@v1"] {
            #expect(Self.error({ _ in }, { $0.builderID = id }) == "ErrorNotSupported", "\(id)")
        }
        let short = "https://github.com/actions/runner"
        #expect(Self.error({ _ in }, { $0.builderID = short }) == "ErrorInvalidBuilderID")
        #expect(Self.error({ $0.isVersion1 = false }, { $0.builderID = short }) == nil)
        #expect(
            Self.error {
                $0.isVersion1 = false
                $0.builder = short
            } == nil)
        #expect(Self.error { $0.builder = short + "/self-hosted" } == "ErrorMismatchBuilderID")
        #expect(Self.error { $0.claims["runnerEnvironment"] = "self-hosted" } == "ErrorMismatchBuilderID")
        #expect(Self.error { $0.claims["runnerEnvironment"] = nil } == "ErrorNotSupported")
        #expect(
            Self.error({ $0.claims["runnerEnvironment"] = "self-hosted" }, { $0.builderID = short + "/self-hosted" })
                == "ErrorInvalidBuilderID")
        #expect(Self.error { $0.claims["issuer"] = "https://x.example" } == "ErrorInvalidCertificate")
        #expect(Self.error({ _ in }, { $0.sourceURI = "github.com/acme/other" }) == "ErrorMismatchSource")
        #expect(Self.error { $0.digests = ["sha512": "ac"] } == "ErrorMismatchHash")
    }

    @Test("what anybody could have written is what the certificate says", arguments: [true, false])
    func forgeable(isVersion1: Bool) {
        func error(_ change: (inout Facts) -> Void) -> String? {
            Self.error {
                $0.isVersion1 = isVersion1
                change(&$0)
            }
        }
        #expect(error { $0.path = ".github/workflows/other.yml" } == "ErrorMismatchCertificate")
        #expect(error { $0.claims["buildConfigURI"] = nil } == "ErrorMismatchCertificate")
        #expect(
            error { $0.dependencies = .array(($0.dependencies.arrayValue ?? []) + [["uri": "x"]]) }
                == "ErrorNonVerifiableClaim")
        #expect(error { $0.digests = ["sha512": "ab", "sha256": "cd"] } == nil)
        if isVersion1 {
            for name in ["event_name", "repository_id", "repository_owner_id"] {
                #expect(error { $0.github[name] = "other" } == "ErrorMismatchCertificate", "\(name)")
            }
            #expect(error { $0.github["actor"] = "me" } == "ErrorMismatchCertificate")
            #expect(error { $0.claims["sourceRepositoryIdentifier"] = nil } == "ErrorMismatchCertificate")
            #expect(error { $0.metadata = ["startedOn": "2026-01-01T00:00:00Z"] } == "ErrorNonVerifiableClaim")
            #expect(error { $0.metadata = ["invocationId": "7"] } == "ErrorInvalidFormat")
            let other: JSON = "https://github.com/acme/app/actions/runs/7/attempts/2"
            #expect(error { $0.metadata = ["invocationId": other] } == "ErrorMismatchCertificate")
        } else {
            for name in Facts().environment.map(\.key) {
                #expect(error { $0.environment[name] = "other" } == "ErrorMismatchCertificate", "\(name)")
            }
            #expect(error { $0.environment["GITHUB_ACTOR"] = "me" } == "ErrorMismatchCertificate")
            #expect(error { $0.environment["GITHUB_SHA"] = 7 } == "ErrorInvalidDssePayload")
            #expect(error { $0.claims["runInvocationURI"] = nil } == "ErrorMismatchCertificate")
            #expect(error { $0.metadata = ["buildInvocationId": "8-1"] } == "ErrorMismatchCertificate")
            #expect(error { $0.metadata = ["reproducible": true] } == "ErrorNonVerifiableClaim")
            #expect(error { $0.metadata = ["completeness": ["materials": true]] } == "ErrorNonVerifiableClaim")
            #expect(error { $0.invocation = ["parameters": ["x": 1]] } == "ErrorNonVerifiableClaim")
            #expect(error { $0.invocation = ["parameters": [:]] } == nil)
        }
    }

    @Test("both attestations are of the package that is meant")
    func packages() {
        #expect(Self.error({ _ in }, { $0.packageName = "@acme/other" }) == "ErrorMismatchPackageName")
        #expect(Self.error({ _ in }, { $0.packageVersion = "2.0.0" }) == "ErrorMismatchPackageVersion")
        #expect(Self.error { $0.name = "app" } == "ErrorInvalidPackageName")
        #expect(Self.error { $0.name = "pkg:npm/a@1@2" } == "ErrorInvalidPackageName")
        #expect(Self.error { $0.name = "pkg:npm/%4" } == "ErrorInvalidEncoding")
        #expect(
            Self.error { $0.published = ["name": "@acme/other", "version": "1.2.3"] } == "ErrorMismatchPackageName")
        #expect(
            Self.error { $0.published = ["name": "@acme/app", "version": "1.2.4"] } == "ErrorMismatchPackageVersion")
        #expect(Self.error { $0.publishedDigests = ["sha512": "cd"] } == "ErrorMismatchHash")
        #expect(Self.error { $0.publicationType = "https://x.example" } == "ErrorInvalidDssePayload")
    }

    @Test("a builder that was brought is named by the statement")
    func delegated() {
        let builder = SLSAVerifierTests.workflows + "builder_nodejs_slsa3.yml"
        func error(_ wanted: String?, _ change: (inout SLSAVerifierTests.Facts) -> Void = { _ in }) -> String? {
            var facts = SLSAVerifierTests.Facts()
            facts.delegate(to: builder + "@refs/tags/v2.0.0")
            facts.subjects = [["name": "pkg:npm/app@1.0.0", "digest": ["sha512": "ab"]]]
            change(&facts)
            var options = SLSAVerifierRun.Options(sourceURI: "github.com/acme/app")
            options.builderID = wanted
            do {
                _ = try SLSAVerifierRun(.npmPackage, options).verifyPackage(facts.signed, digest: "ab")
                return nil
            } catch { return error.identity.rawValue }
        }
        #expect(error(builder) == nil)
        #expect(error(nil) == "ErrorInvalidBuilderID")
        #expect(error(SLSAVerifierTests.workflows + "builder_nodejs_slsa.yml") == "ErrorMismatchBuilderID")
        #expect(error(builder) { $0.claims["runnerEnvironment"] = "self-hosted" } == "ErrorMismatchBuilderID")
        #expect(error(builder) { $0.workflow = SLSAVerifierTests.delegator + "@refs/heads/main" } == "ErrorInvalidRef")
    }

    @Test("npm's answer is verified from file to answer, with the registry's keys or undecided without")
    func files() async throws {
        let facts = Facts()
        let now = try #require(Timestamp("2026-01-01T00:00:00Z"))
        let expires = try #require(Timestamp("2026-01-01T00:05:00Z"))
        let claims: [(number: UInt, text: String)] = facts.claims.filter { $0.key != "issuer" }.compactMap {
            name, text in
            Certificate.Claim.allCases.first { $0.name == name }.map { (number: $0.rawValue, text: text) }
        }
        let sigstore = try VirtualSigstore(majorLogVersion: 1, claims: claims) { now }
        let config = sigstore.signingConfig(withTimestamps: false)
        let root = try sigstore.trustedRoot()
        let token = try IdentityToken(
            TestToken.make(facts.workflow, issuer: WorkflowExpectation.issuer, expires: expires))
        let built = try await KeylessSigner(config: config, trustedRoot: root, transport: sigstore)
            .sign(.payload(type: Statement.payloadType, facts.provenance.payload), token: token, at: now).bundle
        let key = try PrivateKey.generate(.ecdsaP256)
        var published = try await KeySigner(
            PrivateKeySigner(key), config: config, trustedRoot: root, transport: sigstore
        ).sign(.payload(type: Statement.payloadType, facts.publication.payload), at: now).bundle
        published.identity = .publicKey(hint: "SHA256:registry")

        let directory = try TemporaryDirectory()
        func error(
            _ built: UnverifiedBundle, _ published: UnverifiedBundle, digest: String = "ab",
            _ ask: (inout SLSAVerifierRun.Options) -> Void = { _ in }, hint: String? = "SHA256:registry",
            by signer: PublicKey? = nil
        ) throws -> SLSAVerifierError? {
            let answer: JSON = [
                "attestations": [
                    ["predicateType": .string(facts.publicationType), "bundle": published.json],
                    ["predicateType": "https://slsa.dev/provenance/v1", "bundle": built.json],
                ]
            ]
            try Files.write(answer.bytes(), to: directory["npm"])
            var options = SLSAVerifierRun.Options(sourceURI: "github.com/acme/app")
            options.builderID = Self.hosted
            options.packageName = "@acme/app"
            options.packageVersion = "1.2.3"
            ask(&options)
            var trust = SLSAVerifierTrust(trustedRoot: root)
            trust.registryKeys = try hint.map { hint in
                let keys: JSON = [
                    "keys": [
                        [
                            "keyId": .string(hint), "keyUsage": "npm:attestations",
                            "publicKey": [
                                "rawBytes": .string(Base64.encode((signer ?? key.publicKey).der)),
                                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                                "validFor": ["start": "2025-01-01T00:00:00Z"],
                            ],
                        ]
                    ]
                ]
                return try NamedKeys(parsing: keys.bytes(), usage: "npm:attestations")
            }
            do {
                let verified = try SLSAVerifierRun(.npmPackage, options).verify(
                    directory["npm"], digest: digest, trust: trust)
                #expect(verified.payload == facts.provenance.payload)
                return nil
            } catch let error as SLSAVerifierError { return error }
        }
        #expect(try error(built, published) == nil)
        #expect(try error(built, published, digest: "cd")?.identity == .mismatchHash)
        #expect(try error(built, published, hint: "SHA256:other")?.identity == .missingRegistryKey)
        let undecided = try error(built, published, hint: nil)
        #expect(undecided?.identity == .missingRegistryKey && undecided?.isUndecided == true)
        let wrong = try error(built, published, { $0.packageVersion = "1.2.4" }, hint: nil)
        #expect(wrong?.identity == .mismatchPackageVersion && wrong?.isUndecided == false)
        let stranger = try PrivateKey.generate(.ecdsaP256).publicKey
        #expect(try error(built, published, by: stranger)?.identity == .invalidSignature)
        func altered(_ bundle: UnverifiedBundle) -> UnverifiedBundle {
            var bundle = bundle
            guard case .envelope(var envelope) = bundle.content else { return bundle }
            envelope.payload.append(0x20)
            bundle.content = .envelope(envelope)
            return bundle
        }
        #expect(try error(altered(built), published)?.identity == .invalidSignature)
        #expect(try error(built, altered(published))?.identity == .invalidSignature)
    }
}
