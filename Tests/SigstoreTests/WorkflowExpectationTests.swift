import Attest
import Bytes
import Sigstore
import Testing
import VirtualSigstore

/// What users of GitHub's program ask for, against a certificate of a workflow.
@Suite struct WorkflowExpectationTests {
    static let workflow = "https://github.com/Acme/ci/.github/workflows/release.yml@refs/tags/v2"

    static func moment(_ text: String = "2026-01-01T00:00:00Z") throws -> Timestamp { try #require(Timestamp(text)) }

    /// A Sigstore whose certificates are for a workflow that `acme/app` called, and a bundle that it signed.
    static func signed() async throws -> (sigstore: VirtualSigstore, bundle: UnverifiedBundle) {
        let now = try moment()
        let claims: [(number: UInt, text: String)] = [
            (10, "bb"), (11, "self-hosted"), (12, "https://github.com/acme/app"), (13, "aa"),
            (14, "refs/tags/v1.2.3"), (16, "https://github.com/acme"),
        ]
        let sigstore = try VirtualSigstore(claims: claims) { now }
        let signer = KeylessSigner(
            config: sigstore.signingConfig(), trustedRoot: try sigstore.trustedRoot(), transport: sigstore)
        let token = try IdentityToken(
            TestToken.make(workflow, issuer: WorkflowExpectation.issuer, expires: moment("2026-01-01T00:05:00Z")))
        return (sigstore, try await signer.sign(.artifact(BytesArtifact([1])), token: token, at: now).bundle)
    }

    @Test("a workflow is who is expected, or is refused")
    func workflows() async throws {
        let (sigstore, bundle) = try await Self.signed()
        let root = try sigstore.trustedRoot()
        func accepts(_ expect: (inout WorkflowExpectation) -> Void) throws -> Bool {
            var expectation = WorkflowExpectation()
            expect(&expectation)
            #expect(!expectation.isEmpty)
            let policy = VerificationPolicy(
                signer: .identities([
                    .init(
                        issuer: .exactly(WorkflowExpectation.issuer), name: try expectation.name() ?? .any,
                        extensions: try expectation.extensions())
                ]))
            return (try? Verifier(trustedRoot: root, policy: policy).verify(bundle, artifact: BytesArtifact([1])))
                != nil
        }
        #expect(try accepts { $0.owner = "acme" })
        #expect(try accepts { $0.owner = "ACME" })
        // The workflow that signed is in another repository than the sources, so that has to be said.
        #expect(try !accepts { $0.repository = "acme/app" })
        for signer in ["acme/ci", "Acme/CI"] {
            #expect(
                try accepts {
                    $0.repository = "acme/app"
                    $0.signerRepository = signer
                })
        }
        for workflow in [
            "Acme/ci/.github/workflows/release.yml", "github.com/Acme/ci/.github/workflows/release.yml",
            "Acme/ci/.github/workflows/release.yml@refs/tags/v2",
        ] { #expect(try accepts { $0.signerWorkflow = workflow }, "\(workflow)") }
        for workflow in [
            "Acme/ci/.github/workflows/release.ym", "Acme/ci/.github/workflows/release.yml@refs/tags/v",
            "example.com/Acme/ci/.github/workflows/release.yml", "Acme/ci/xgithub/workflows/release.yml",
        ] { #expect(try !accepts { $0.signerWorkflow = workflow }, "\(workflow)") }
        for owner in ["acm", "acme2", "other"] { #expect(try !accepts { $0.owner = owner }, "\(owner)") }
        #expect(
            try !accepts {
                $0.repository = "acme/other"
                $0.signerRepository = "acme/ci"
            })
        #expect(try accepts { $0.sourceRef = "refs/tags/v1.2.3" })
        #expect(try !accepts { $0.sourceRef = "refs/tags/v1.2" })
        #expect(try accepts { $0.sourceDigest = "aa" })
        #expect(try !accepts { $0.sourceDigest = "bb" })
        #expect(try accepts { $0.signerDigest = "bb" })
        #expect(try !accepts { $0.signerDigest = "aa" })
        #expect(try !accepts { $0.deniesSelfHostedRunners = true })
    }

    @Test("what is no name is refused before anything is verified")
    func names() throws {
        for text in ["", "a/b", "a b", "a.*", "/"] {
            var expectation = WorkflowExpectation()
            expectation.owner = text
            #expect(throws: SigstoreError.self, "\(text)") { try expectation.name() }
            #expect(throws: SigstoreError.self, "\(text)") { try expectation.extensions() }
        }
        for text in ["a", "a/", "a/b/c", "a/(b)"] {
            var expectation = WorkflowExpectation()
            expectation.repository = text
            #expect(throws: SigstoreError.self, "\(text)") { try expectation.name() }
        }
        for text in ["a/b", "a", "github.com/a/b", "a//b"] {
            var expectation = WorkflowExpectation()
            expectation.signerWorkflow = text
            #expect(throws: SigstoreError.self, "\(text)") { try expectation.name() }
        }
        #expect(WorkflowExpectation().isEmpty)
        #expect(try WorkflowExpectation().name() == nil)
    }

    @Test("trusted roots one a line are trusted together")
    func trustedRoots() async throws {
        let (sigstore, bundle) = try await Self.signed()
        let now = try Self.moment()
        let other = try VirtualSigstore { now }
        let lines = try [other, sigstore].map { try $0.trustedRoot().json.bytes() }
        let file = Array(lines.joined(separator: [0x0A])) + [0x0A]
        for root in [try TrustedRoot(parsing: file), try ClientTrustConfig(parsing: file).trustedRoot] {
            #expect(root.logs.count == 2 && root.certificateAuthorities.count == 2)
            let policy = VerificationPolicy(signer: .identities([.init(issuer: .any, name: .any)]))
            _ = try Verifier(trustedRoot: root, policy: policy).verify(bundle, artifact: BytesArtifact([1]))
        }
        for bad in [lines[0] + [0x0A] + lines[1].dropLast(), lines[0] + Array("\n{}".utf8), Array("{}\nx".utf8)] {
            #expect(throws: SigstoreError.self) { try TrustedRoot(parsing: bad) }
        }
    }

    @Test("authorities without a period are trusted for the time of their certificates, logs without one at no time")
    func periods() async throws {
        let (sigstore, bundle) = try await Self.signed()
        func accepts(leavingOut list: String, _ path: [String]) throws -> Bool {
            var root = try #require(try sigstore.trustedRoot().json.objectValue)
            root[list] = .array(
                (root[list]?.arrayValue ?? []).map { element in
                    var members = element.objectValue ?? [:]
                    if path.count == 1 {
                        members[path[0]] = nil
                    } else {
                        var inner = members[path[0]]?.objectValue ?? [:]
                        inner[path[1]] = nil
                        members[path[0]] = .object(inner)
                    }
                    return .object(members)
                })
            let policy = VerificationPolicy(signer: .identities([.init(issuer: .any, name: .any)]))
            let verifier = Verifier(trustedRoot: try TrustedRoot(JSON.object(root)), policy: policy)
            return (try? verifier.verify(bundle, artifact: BytesArtifact([1]))) != nil
        }
        #expect(try accepts(leavingOut: "certificateAuthorities", ["validFor"]))
        #expect(try accepts(leavingOut: "certificateAuthorities", ["validFor", "start"]))
        #expect(try accepts(leavingOut: "timestampAuthorities", ["validFor"]))
        #expect(try !accepts(leavingOut: "tlogs", ["publicKey", "validFor"]))
        #expect(try !accepts(leavingOut: "ctlogs", ["publicKey", "validFor"]))
    }

    @Test("a bundle 0.3 has the signer's certificate alone, and one with a root is passed over only when asked to")
    func chain() async throws {
        let (sigstore, bundle) = try await Self.signed()
        guard case .certificates(let chain) = bundle.identity else { return }
        let root = try sigstore.trustedRoot()
        var json = try #require(bundle.json.objectValue)
        var material = try #require(json["verificationMaterial"]?.objectValue)
        material["certificate"] = nil
        let above = root.certificateAuthorities.flatMap(\.chain).map(\.der)
        let list = (chain.prefix(1) + above).map { JSON.object(["rawBytes": .string(Base64.encode($0))]) }
        material["x509CertificateChain"] = ["certificates": .array(list)]
        json["verificationMaterial"] = .object(material)
        #expect(throws: SigstoreError.self) { try UnverifiedBundle(JSON.object(json)) }
        json["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
        let older = try UnverifiedBundle(JSON.object(json))
        var policy = VerificationPolicy(signer: .identities([.init(issuer: .any, name: .any)]))
        let refusal = #expect(throws: VerificationFailure.self) {
            try Verifier(trustedRoot: root, policy: policy).verify(older, artifact: BytesArtifact([1]))
        }
        #expect(refusal?.report.failures.map(\.check) == [.format])
        policy.ignoresChain = true
        _ = try Verifier(trustedRoot: root, policy: policy).verify(older, artifact: BytesArtifact([1]))
    }
}
