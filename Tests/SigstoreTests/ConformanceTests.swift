import Bytes
import Host
import Keys
import Sigstore
import SystemPackage
import TestKit
import Testing

/// The cases of sigstore-conformance's `bundle-verify`: the name of a folder says whether its bundle is good.
@Suite struct ConformanceTests {
    /// Who signs where a case names nobody.
    static let identity =
        "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
    static let issuer = "https://token.actions.githubusercontent.com"

    struct Case: Sendable {
        let name: String
        let bundle: [UInt8]
        let artifact: [UInt8]
        let verifier: Verifier
        var isGood: Bool { !name.hasSuffix("_fail") }

        init(_ name: String) throws {
            self.name = name
            let root = try #require(TestData.folder("sigstore-conformance"))
            let trust = try #require(TestData.folder("sigstore-trust"))
            func read(_ file: String) throws -> [UInt8]? {
                let path = root.appending(name).appending(file)
                return try Files.exists(path) ? Files.read(path, limit: 1 << 26) : nil
            }
            func text(_ file: String) throws -> String? {
                guard var bytes = try read(file) else { return nil }
                while bytes.last == 0x0A { bytes.removeLast() }
                return String(decoding: bytes, as: UTF8.self)
            }
            bundle = try #require(try read("bundle.sigstore.json"))
            artifact = try read("artifact") ?? Files.read(root.appending("a.txt"), limit: 1 << 20)
            let trusted =
                try read("trusted_root.json")
                ?? Files.read(trust.appending("public-good").appending("trusted_root.json"), limit: 1 << 20)
            let policy: VerificationPolicy
            if let key = try read("key.pub") {
                policy = VerificationPolicy(signer: .key(try PublicKey(pem: key)))
            } else {
                policy = VerificationPolicy(
                    signer: .identities([
                        .init(
                            issuer: .exactly(try text("issuer") ?? ConformanceTests.issuer),
                            name: .exactly(try text("identity") ?? ConformanceTests.identity))
                    ]))
            }
            verifier = Verifier(trustedRoot: try TrustedRoot(parsing: trusted), policy: policy)
        }

        func verify(_ artifact: any Artifact) throws(VerificationFailure) -> VerifiedBundle {
            let bundle: UnverifiedBundle
            do {
                bundle = try UnverifiedBundle(parsing: self.bundle)
            } catch {
                throw VerificationFailure(unreadable: error)
            }
            return try verifier.verify(bundle, artifact: artifact)
        }
    }

    static var names: [String] {
        guard let folder = TestData.folder("sigstore-conformance"), let names = try? Files.list(folder) else {
            return []
        }
        return names.filter { !$0.contains(".") || $0.contains("v0.") }.sorted()
    }

    @Test("there are 70 cases", .enabled(if: TestData.folder("sigstore-conformance") != nil, "\(TestData.absence)"))
    func count() { #expect(Self.names.count == 70) }

    @Test("each case has the stated outcome, by file and by digest", arguments: names)
    func outcome(name: String) async throws {
        await Task.yield()
        let test: Case
        do {
            test = try Case(name)
        } catch let error as KeyError {
            // One of the keys is no point of its curve.
            #expect(name.hasSuffix("_fail"), "\(name): \(error)")
            return
        }
        for artifact: any Artifact in [
            BytesArtifact(test.artifact), DigestArtifact(HashAlgorithm.sha256.digest(of: test.artifact)),
        ] {
            do {
                _ = try test.verify(artifact)
                #expect(test.isGood, "\(name): accepted")
            } catch {
                #expect(!test.isGood, "\(name): \(error)")
                #expect(!error.report.failures.isEmpty)
            }
        }
    }
}
