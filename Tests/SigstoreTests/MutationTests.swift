import Attest
import Bytes
import Host
import Keys
import Sigstore
import SystemPackage
import TestKit
import Testing

/// Good bundles with one bit turned, at every field that something signs or hashes.
@Suite(.enabled(if: TestData.folder("sigstore-conformance") != nil, "\(TestData.absence)"))
struct MutationTests {
    static var good: [String] { ConformanceTests.names.filter { !$0.hasSuffix("_fail") } }

    /// One bundle of each shape; all of them where MARTLET_MUTANTS asks for more.
    static var mutated: [String] {
        guard ChildProcess.environmentVariable("MARTLET_MUTANTS") == nil else { return good }
        let shapes: Set<String> = [
            "happy-path-v0.1", "happy-path-v0.3", "happy-path-intoto-in-dsse-v3", "intoto-with-custom-trust-root",
            "managed-key-happy-path", "rekor2-checkpoint-cosigned", "rekor2-dsse-happy-path",
            "rekor2-timestamp-with-embedded-cert",
        ]
        return good.filter { shapes.contains($0) }
    }

    /// Fields whose value is text or base64, by their paths, and where the mutant must fail.
    ///
    /// Left out is what a verifier rightly passes over: hints, indices of Rekor v1's outer count without a promise,
    /// signature lines of others in a checkpoint, and the times and promises that something else already vouches for.
    static func fields(_ json: JSON, _ path: String = "") -> [(path: String, value: JSON)] {
        switch json {
        case .object(let members): members.flatMap { fields($0.value, path + "/" + $0.key) }
        case .array(let elements): elements.enumerated().flatMap { fields($0.element, path + "/\($0.offset)") }
        default: [(path, json)]
        }
    }

    static func replacing(_ path: [Substring], in json: JSON, with value: JSON) -> JSON {
        guard let first = path.first else { return value }
        let rest = Array(path.dropFirst())
        switch json {
        case .object(var members):
            let key = String(first)
            if let member = members[key] { members[key] = replacing(rest, in: member, with: value) }
            return .object(members)
        case .array(var elements):
            if let index = Int(first) { elements[index] = replacing(rest, in: elements[index], with: value) }
            return .array(elements)
        default: return json
        }
    }

    static let binary: Set<String> = [
        "rawBytes", "keyId", "signedEntryTimestamp", "rootHash", "canonicalizedBody", "signedTimestamp", "digest",
        "signature", "payload", "sig",
    ]

    @Test("every bundle with one bit turned is refused", arguments: mutated)
    func mutants(name: String) async throws {
        let test = try ConformanceTests.Case(name)
        let json = try JSON(parsing: test.bundle)
        let artifact = BytesArtifact(test.artifact)
        var count = 0
        for (path, value) in Self.fields(json) {
            guard let text = value.stringValue, let field = path.split(separator: "/").last.map(String.init) else {
                continue
            }
            let isHash = path.contains("/hashes/")
            guard Self.binary.contains(field) || isHash, let bytes = try? Base64.decode(text), !bytes.isEmpty else {
                continue
            }
            // What comes after the signer's own certificate is not used at all.
            if path.contains("/certificates/"), !path.contains("/certificates/0/") { continue }
            for position in Self.positions(bytes.count) {
                // Other tests wait for answers meanwhile.
                await Task.yield()
                var changed = bytes
                changed[position / 8] ^= 1 << UInt8(position % 8)
                let mutant = Self.replacing(
                    path.split(separator: "/"), in: json, with: .string(Base64.encode(changed)))
                count += 1
                #expect(throws: (any Error).self, "\(name): bit \(position) of \(path)") {
                    try test.verifier.verify(UnverifiedBundle(mutant), artifact: artifact)
                }
            }
        }
        #expect(count > 20)
    }

    /// How many bits of a field are turned; MARTLET_MUTANTS asks for more.
    static let density = ChildProcess.environmentVariable("MARTLET_MUTANTS").flatMap { Int($0) } ?? 2

    /// Bits spread over a field, its first and last among them.
    static func positions(_ byteCount: Int) -> [Int] {
        let bits = byteCount * 8
        let step = max(1, bits / density)
        return Array(stride(from: 0, to: bits, by: step)) + [bits - 1]
    }

    @Test("an artifact with one bit turned is refused", arguments: good)
    func artifacts(name: String) throws {
        let test = try ConformanceTests.Case(name)
        var changed = test.artifact
        changed[0] ^= 1
        let failure = #expect(throws: VerificationFailure.self) { try test.verify(BytesArtifact(changed)) }
        let codes = Set(failure?.report.failures.map(\.check) ?? [])
        #expect(!codes.isDisjoint(with: [.artifact, .signature]))
    }

    @Test("a bundle for another signer is refused by name")
    func otherSigner() throws {
        let test = try ConformanceTests.Case("happy-path-v0.3")
        let identities: [(VerificationPolicy.Identity, VerificationReport.Check)] = [
            (.init(issuer: .exactly("https://other.example"), name: .any), .issuer),
            (.init(issuer: .any, name: .exactly("somebody")), .identity),
            (.init(issuer: .any, name: .pattern("^https://example\\.org/")), .identity),
            (
                .init(issuer: .any, name: .any, extensions: [("1.3.6.1.4.1.57264.1.14", .exactly("refs/heads/other"))]),
                .claim
            ),
        ]
        for (identity, check) in identities {
            let verifier = Verifier(
                trustedRoot: test.verifier.trustedRoot, policy: VerificationPolicy(signer: .identities([identity])))
            let failure = #expect(throws: VerificationFailure.self) {
                try verifier.verify(UnverifiedBundle(parsing: test.bundle), artifact: BytesArtifact(test.artifact))
            }
            #expect(failure?.report.failures.map(\.check) == [check])
        }
    }

    @Test("what a certificate says of its source can be asked for")
    func claims() throws {
        let test = try ConformanceTests.Case("happy-path-v0.3")
        let identity = VerificationPolicy.Identity(
            issuer: .pattern("actions"), name: .pattern("oidc-beacon"),
            extensions: [("1.3.6.1.4.1.57264.1.14", .exactly("refs/heads/main")), ("1.3.6.1.4.1.57264.1.2", .any)])
        let verifier = Verifier(
            trustedRoot: test.verifier.trustedRoot, policy: VerificationPolicy(signer: .identities([identity])))
        let bundle = try verifier.verify(
            UnverifiedBundle(parsing: test.bundle), artifact: BytesArtifact(test.artifact))
        guard case .certificate(let certificate, _, _) = bundle.signer else {
            Issue.record("signed by a key")
            return
        }
        #expect(try certificate.claim(.sourceRepositoryRef) == "refs/heads/main")
        #expect(bundle.times.count == 1)
    }
}
