import Attest
import Bytes
import Host
import Keys
import Registry
import Sigstore
import SystemPackage
import TestKit
import Testing
import VirtualSigstore

@testable import Policy

/// slsa-verifier's checks from file to answer, with certificates and log entries of a Sigstore in this process.
@Suite struct SLSAVerifierFilesTests {
    let directory: TemporaryDirectory
    let sigstore: VirtualSigstore
    let bundle: UnverifiedBundle
    let payload: [UInt8]

    init() async throws {
        directory = try TemporaryDirectory()
        var facts = SLSAVerifierTests.Facts()
        facts.claims["issuer"] = nil
        sigstore = try Self.sigstore()
        payload = facts.statement.bytes()
        bundle = try await Self.sign(sigstore, .payload(type: Statement.payloadType, payload))
    }

    static func moment(_ text: String = "2026-01-01T00:00:00Z") throws -> Timestamp { try #require(Timestamp(text)) }

    static func sigstore() throws -> VirtualSigstore {
        let now = try moment()
        let claims: [(number: UInt, text: String)] = [
            (11, "github-hosted"), (12, "https://github.com/acme/app"), (13, PolicyFixtures.commit),
            (14, "refs/tags/v1.2.3"), (19, PolicyFixtures.commit), (20, "push"),
            (21, "https://github.com/acme/app/actions/runs/7/attempts/1"),
        ]
        return try VirtualSigstore(majorLogVersion: 1, claims: claims) { now }
    }

    static func sign(_ sigstore: VirtualSigstore, _ content: SigningContent) async throws -> UnverifiedBundle {
        let signer = KeylessSigner(
            config: sigstore.signingConfig(withTimestamps: false), trustedRoot: try sigstore.trustedRoot(),
            transport: sigstore)
        let token = try IdentityToken(
            TestToken.make(
                SLSAVerifierTests.generator + "@refs/tags/v2.0.0",
                issuer: "https://token.actions.githubusercontent.com",
                expires: moment("2026-01-01T00:05:00Z")))
        return try await signer.sign(content, token: token, at: moment()).bundle
    }

    func verify(
        _ content: [UInt8], digest: String = SLSAVerifierTests.digest, with sigstore: VirtualSigstore? = nil,
        _ change: (inout SLSAVerifierTrust) -> Void = { _ in }
    ) throws -> SLSAVerifierRun.Verified {
        try Files.write(content, to: directory["provenance"])
        var trust = SLSAVerifierTrust(trustedRoot: try (sigstore ?? self.sigstore).trustedRoot())
        change(&trust)
        let options = SLSAVerifierRun.Options(sourceURI: "github.com/acme/app")
        return try SLSAVerifierRun(.artifact, options).verify(directory["provenance"], digest: digest, trust: trust)
    }

    func failure(_ body: () throws -> SLSAVerifierRun.Verified) throws -> SLSAVerifierError {
        try #require(throws: SLSAVerifierError.self) { try body() }
    }

    /// The envelope as the generators wrote it before there were bundles: with the certificate in the signature.
    func envelope(_ change: (inout [UInt8]) -> Void = { _ in }) throws -> [UInt8] {
        guard case .envelope(let envelope) = bundle.content, case .certificates(let chain) = bundle.identity else {
            return []
        }
        var payload = envelope.payload
        change(&payload)
        let json: JSON = [
            "payloadType": .string(envelope.payloadType), "payload": .string(Base64.encode(payload)),
            "signatures": [
                [
                    "keyid": "", "sig": .string(Base64.encode(bundle.signature)),
                    "cert": .string(PEM(label: "CERTIFICATE", bytes: chain[0]).text),
                ]
            ],
        ]
        return json.bytes()
    }

    @Test("a bundle passes, and its statement is what was signed")
    func bundles() throws {
        let verified = try verify(bundle.json.bytes())
        #expect(verified.builder == SLSAVerifierTests.generator + "@refs/tags/v2.0.0")
        #expect(verified.commit == PolicyFixtures.commit)
        #expect(verified.payload == payload)
        #expect(try failure { try verify(bundle.json.bytes(), digest: "ab") }.identity == .mismatchHash)
    }

    @Test("certificates above the signer's do no harm, even a root")
    func chains() throws {
        guard case .certificates(let chain) = bundle.identity else { return }
        let above = try sigstore.trustedRoot().certificateAuthorities.flatMap(\.chain).map(\.der)
        var json = try #require(bundle.json.objectValue)
        var material = try #require(json["verificationMaterial"]?.objectValue)
        material["certificate"] = nil
        let list = (chain.prefix(1) + above).map { JSON.object(["rawBytes": .string(Base64.encode($0))]) }
        material["x509CertificateChain"] = ["certificates": .array(list)]
        json["verificationMaterial"] = .object(material)
        json["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
        #expect(try verify(JSON.object(json).bytes()).payload == payload)
    }

    @Test("a bundle that is not to be believed is refused by its first fault")
    func refusals() async throws {
        #expect(try failure { try verify(bundle.json.bytes(), with: Self.sigstore()) }.identity == .rekorPublicKey)
        var altered = bundle
        altered.content = .envelope(
            Envelope(
                payloadType: Statement.payloadType, payload: payload + [0x20],
                signatures: [.init(signature: bundle.signature)]))
        #expect(try failure { try verify(altered.json.bytes()) }.identity == .invalidSignature)
        altered = bundle
        altered.entries[0].signedEntryTimestamp?[20] ^= 1
        #expect(try failure { try verify(altered.json.bytes()) }.identity == .invalidRekorEntry)
        altered = bundle
        altered.entries = []
        let unlogged = try failure { try verify(altered.json.bytes()) }
        #expect(unlogged.identity == .noValidRekorEntries && !unlogged.isUndecided)
        altered = bundle
        altered.identity = .publicKey(hint: "x")
        #expect(try failure { try verify(altered.json.bytes()) }.identity == .missingCertificateInBundle)
        let blob = try await Self.sign(sigstore, .artifact(BytesArtifact([1])))
        #expect(try failure { try verify(blob.json.bytes()) }.identity == .unexpectedBundleContent)
        #expect(try failure { try verify(Array("{}".utf8)) }.identity == .invalidFormat)
    }

    @Test("an envelope without its log entry is refused for what is wrong, and otherwise undecided")
    func unlogged() throws {
        let bare = try envelope()
        let undecided = try failure { try verify(bare) }
        #expect(undecided.identity == .rekorSearch && undecided.isUndecided)
        let wrong = try failure { try verify(bare, digest: "ab") }
        #expect(wrong.identity == .mismatchHash && !wrong.isUndecided)
        #expect(try failure { try verify(envelope { $0.append(0x20) }) }.identity == .invalidSignature)
        #expect(try failure { try verify(bare, with: Self.sigstore()) }.identity == .invalidCertificate)
        let nameless = try Envelope(parsing: bare).line
        #expect(try failure { try verify(nameless) }.identity == .rekorSearch)
    }

    @Test("an envelope passes with the log's answer")
    func logged() throws {
        let entry = try #require(bundle.entries.first)
        #expect(try verify(envelope()) { $0.logEntry = entry }.payload == payload)
        #expect(
            try failure { try verify(envelope { $0.append(0x20) }) { $0.logEntry = entry } }.identity
                == .invalidSignature)
        #expect(
            try failure {
                try verify(envelope()) {
                    $0.logEntry = entry
                    $0.logEntry?.integratedTime += 1
                }
            }.identity == .invalidRekorEntry)
    }

    @Test("npm's answer must have both attestations, of which the registry's needs its keys")
    func packages() throws {
        func error(_ list: JSON) throws -> SLSAVerifierError {
            let answer: JSON = ["attestations": list]
            try Files.write(answer.bytes(), to: directory["npm"])
            return try failure {
                try SLSAVerifierRun(.npmPackage, .init(sourceURI: "github.com/acme/app")).verify(
                    directory["npm"], digest: "ab", trust: SLSAVerifierTrust(trustedRoot: sigstore.trustedRoot()))
            }
        }
        let built: JSON = ["predicateType": "https://slsa.dev/provenance/v0.2", "bundle": bundle.json]
        let published: JSON = ["predicateType": .string(SLSAVerifierRun.publication + "v0.1"), "bundle": bundle.json]
        #expect(try error([]).identity == .invalidAttestations)
        #expect(try error([built]).identity == .invalidAttestations)
        #expect(try error([built, built]).identity == .invalidAttestations)
        #expect(
            try error([["predicateType": "https://slsa.dev/provenance/v1", "bundle": [:]], published]).identity
                == .invalidFormat)
        // The generator's statement is none of npm's.
        #expect(try error([built, published]).identity == .invalidBuilderID)
    }

    @Test("an image's attestations are found in a folder of cosign save")
    func images() async throws {
        let layout = try OCILayout(creating: directory["layout"])
        let content = try envelope()
        let entry = try #require(bundle.entries.first)
        guard case .certificates(let chain) = bundle.identity else { return }
        let answer: JSON = [
            "SignedEntryTimestamp": .string(Base64.encode(entry.signedEntryTimestamp ?? [])),
            "Payload": [
                "body": .string(Base64.encode(entry.canonicalizedBody)), "logIndex": .integer(entry.logIndex),
                "integratedTime": .integer(entry.integratedTime), "logID": .string(Hex.encode(entry.logID)),
            ],
        ]
        var layer = try layout.write(content, .envelope)
        layer.annotations = [
            "dev.cosignproject.cosign/signature": "", "dev.sigstore.cosign/bundle": answer.text(),
            "dev.sigstore.cosign/certificate": PEM(label: "CERTIFICATE", bytes: chain[0]).text,
        ]
        let manifest = ImageManifest(
            config: try layout.write(Array("{}".utf8), try #require(MediaType("application/json"))), layers: [layer])
        var descriptor = try layout.write(manifest.bytes, manifest.mediaType)
        descriptor.annotations["kind"] = "dev.cosignproject.cosign/atts"
        try await layout.add(descriptor, name: nil)
        let digest = try #require(MessageDigest(description: "sha256:\(SLSAVerifierTests.digest)"))
        var options = SLSAVerifierRun.Options(sourceURI: "github.com/acme/app")
        let trust = SLSAVerifierTrust(trustedRoot: try sigstore.trustedRoot())
        // The statement is read and verified; its builder does not make images.
        var error = await #expect(throws: SLSAVerifierError.self) {
            try await SLSAVerifierRun(.image, options).verify(image: digest, in: layout, trust: trust)
        }
        #expect(error?.identity == .untrustedReusableWorkflow)
        options.builderID = SLSAVerifierTests.generator
        #expect(
            try await SLSAVerifierRun(.image, options).verify(image: digest, in: layout, trust: trust).payload
                == payload)
        let other = try #require(MessageDigest(description: "sha256:\(Digest.of([7]).hex)"))
        error = await #expect(throws: SLSAVerifierError.self) {
            try await SLSAVerifierRun(.image, options).verify(image: other, in: layout, trust: trust)
        }
        #expect(error?.identity == .mismatchHash)
    }
}
