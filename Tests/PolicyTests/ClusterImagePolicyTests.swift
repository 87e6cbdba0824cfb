import Attest
import Bytes
import Keys
import Testing

@testable import Policy

/// ClusterImagePolicies as policy-controller's documentation writes them.
@Suite struct ClusterImagePolicyTests {
    static let keyless = """
        apiVersion: policy.sigstore.dev/v1beta1
        kind: ClusterImagePolicy
        metadata:
          name: image-is-signed-by-github-actions
        spec:
          images:
          - glob: "ghcr.io/acme/**"
          authorities:
          - name: actions
            keyless:
              url: https://fulcio.sigstore.dev
              identities:
              - issuer: https://token.actions.githubusercontent.com
                subjectRegExp: ^https://github\\.com/acme/app/\\.github/workflows/.*@refs/tags/v[0-9.]+$
            ctlog:
              url: https://rekor.sigstore.dev
        """

    func decide(_ text: String, _ evidence: Evidence...) throws -> Decision {
        PolicyEvaluation.decide(
            try PolicyFixtures.read(text), about: PolicyFixtures.subject, with: EvidencePool(evidence),
            at: PolicyFixtures.now)
    }

    func signature(_ signer: Evidence.Signer = PolicyFixtures.releaser, isLogged: Bool = true) -> Evidence {
        Evidence(
            name: "signature", signer: signer, statement: nil, artifact: PolicyFixtures.subject.digests,
            isLogged: isLogged)
    }

    @Test("a keyless authority takes the identity that it names, with its log entry")
    func identity() throws {
        #expect(try decide(Self.keyless, signature()).verdict == .allowed)
        #expect(try decide(Self.keyless, signature(isLogged: false)).verdict == .denied)
        #expect(try decide(Self.keyless, signature(PolicyFixtures.scanner)).verdict == .denied)
        let decision = try decide(Self.keyless)
        #expect(decision.failures.map(\.authority) == ["actions"])
        #expect(decision.policyName == "image-is-signed-by-github-actions")
    }

    @Test("a key as data is a key")
    func key() throws {
        let key = try PrivateKey.generate(.ecdsaP256).publicKey
        let pem = key.pem.split(separator: "\n").joined(separator: "\n        ")
        let text = """
            apiVersion: policy.sigstore.dev/v1alpha1
            kind: ClusterImagePolicy
            metadata: {name: keyed}
            spec:
              images: [{glob: "**"}]
              authorities:
              - key:
                  data: |
                    \(pem.replacing("\n        ", with: "\n        "))
            """
        // The key stands in a block of its own indentation.
        let indented = text.replacing(pem, with: key.pem.split(separator: "\n").joined(separator: "\n        "))
        #expect(try decide(indented, signature(.key(key), isLogged: false)).verdict == .allowed)
        let other = try PrivateKey.generate(.ecdsaP256).publicKey
        #expect(try decide(indented, signature(.key(other))).verdict == .denied)
    }

    @Test("one authority is enough, and all attestations of one are needed")
    func attestations() throws {
        let text = Self.keyless.replacing(
            "    ctlog:\n      url: https://rekor.sigstore.dev",
            with: """
                    attestations:
                    - {name: tested, predicateType: "https://test.example/result"}
                    - {name: vuln, predicateType: vuln}
                  - name: everyone
                    static: {action: fail, message: nobody else}
                """)
        func attestation(_ type: String) -> Evidence {
            Evidence(
                name: type, signer: PolicyFixtures.releaser, statement: PolicyFixtures.statement(type, [:]),
                isLogged: true)
        }
        let tested = attestation("https://test.example/result")
        let vuln = attestation("https://cosign.sigstore.dev/attestation/vuln/v1")
        #expect(try decide(text, tested, vuln).verdict == .allowed)
        #expect(try decide(text, tested).verdict == .denied)
        #expect(try decide(text, tested).failures.count == 2)
        #expect(
            try decide(text.replacing("action: fail, message: nobody else", with: "action: pass")).verdict == .allowed)
    }

    @Test(
        "what can't be decided admits nothing",
        arguments: [
            ("spec:\n", "spec:\n  policy: {type: cue, data: \"x\"}\n"),
            (
                "    ctlog:",
                "    attestations: [{name: a, predicateType: custom, policy: {type: rego, data: x}}]\n    ctlog:"
            ),
            ("      url: https://fulcio.sigstore.dev", "      trustRootRef: mine"),
            ("      url: https://rekor.sigstore.dev", "      trustRootRef: mine"),
            ("      url: https://fulcio.sigstore.dev", "      insecureIgnoreSCT: true"),
        ])
    func unsupported(part: String, replacement: String) throws {
        let decision = try decide(Self.keyless.replacing(part, with: replacement), signature())
        #expect(decision.verdict == .denied)
        #expect(decision.failures.contains { $0.outcome == .unsupported })
    }

    @Test(
        "globs are policy-controller's",
        arguments: [
            ("ghcr.io/acme/**", "ghcr.io/acme/app:v1", true), ("ghcr.io/acme/*", "ghcr.io/acme/a/b", false),
            ("*", "busybox", true),
            ("*", "acme/app", false), ("*/*", "acme/app", true), ("index.docker.io/library/*", "ubuntu:20.04", true),
            ("**", "registry.example:5000/a/b@sha256:" + String(repeating: "a", count: 64), true),
            ("ubuntu*", "ubuntu", true),
            ("gcr.io/*", "gcr.io/a:b", true), ("gcr.io/a", "gcr.io/a:b", false), ("gcrxio/**", "gcr.io/a", false),
        ])
    func globs(glob: String, image: String, expected: Bool) throws {
        #expect(try ImageGlob(glob).matches(ImageName(image)) == expected)
    }

    @Test("names of images are read as the distribution reads them")
    func names() throws {
        #expect(try ImageName("ubuntu").fullName == "index.docker.io/library/ubuntu:latest")
        #expect(try ImageName("docker.io/acme/app:1").fullName == "index.docker.io/acme/app:1")
        #expect(try ImageName("localhost:5000/a").fullName == "localhost:5000/a:latest")
        let digest = "sha256:" + String(repeating: "0", count: 64)
        #expect(try ImageName("a.example/b:c@\(digest)").digest == digest)
        for bad in ["", "A", "a/", "a:", "a@sha256:0", "a b", "a//b", "a:-x", "http://a/b", "a\u{0}"] {
            #expect(throws: PolicyError.self) { try ImageName(bad) }
        }
    }
}
