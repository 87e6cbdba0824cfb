import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Keys

@Suite struct ExternalSignerTests {
    static let message: SignedMessage = SignedMessage.bytes(Array("a message".utf8))
    static let program: FilePath = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent()
        .appending("examples/external-signer/openssl-signer")
    static let hasTools: Bool = ["openssl", "jq"].allSatisfy { ToolPath.find($0, path: "/usr/bin:/bin") != nil }

    @Test(
        "the sample program signs as the documentation says", .enabled(if: hasTools, "openssl or jq is absent"),
        arguments: [(KeyVectors.p256PKCS8, RSAPadding.pkcs1v15), (KeyVectors.rsa, .pkcs1v15), (KeyVectors.rsa, .pss)])
    func sample(key: String, padding: RSAPadding) async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(key, to: "key.pem", mode: 0o600)
        let reference = try KeyReference("exec:\(Self.program)?key=\(file)")
        let options = KeyReference.Options(secrets: SecretSource(asks: false, environment: [:]), padding: padding)
        let signer = try await reference.signer(options)
        #expect(try signer.publicKey == PrivateKeyText(Secret(key)).open().publicKey)
        try signer.publicKey.verify(try await signer.sign(Self.message), of: Self.message, padding: padding)
        let missing = await #expect(throws: KeyError.self) {
            _ = try await KeyReference("exec:\(Self.program)?key=/nope").signer(options)
        }
        #expect(missing?.code == .absent)
        #expect(missing?.message.contains("no key /nope") == true)
    }

    /// Programs that answer wrongly, and what is made of it.
    static let brokenPrograms: [(script: String, code: KeyError.Code)] = [
        ("exit 1", .refused), ("echo not set up >&2; exit 2", .absent), ("exit 3", .unavailable),
        ("kill -9 $$", .unavailable), ("echo nonsense", .malformed), ("echo '{}'", .malformed),
        ("echo '{\"publicKey\": 7}'", .malformed), ("echo '{\"publicKey\": \"x\"}'", .malformed),
        ("yes | head -c 100000", .unavailable), ("", .malformed),
    ]

    @Test("a program that answers wrongly, too much or not at all is told apart", arguments: brokenPrograms.indices)
    func broken(index: Int) async throws {
        let (script, code) = Self.brokenPrograms[index]
        let directory = try TemporaryDirectory()
        let program = try directory.write("#!/bin/sh\n\(script)\n", to: "signer", mode: 0o755)
        let error = await #expect(throws: KeyError.self) {
            _ = try await ExternalSigner(ExternalProgram("exec:\(program)"))
        }
        #expect(error?.code == code, "\(script): \(error?.message ?? "")")
    }

    @Test("a program that takes too long is ended")
    func slow() async throws {
        let directory = try TemporaryDirectory()
        let program = try directory.write("#!/bin/sh\nexec cat /dev/zero > /dev/null\n", to: "signer", mode: 0o755)
        let error = await #expect(throws: KeyError.self) {
            _ = try await ExternalSigner(ExternalProgram("exec:\(program)"), timeLimit: .milliseconds(50))
        }
        #expect(error?.code == .unavailable)
    }

    @Test("a signature by another key is not passed on")
    func lie() async throws {
        let directory = try TemporaryDirectory()
        let (own, other) = (try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519))
        let answers: [(String, JSON)] = [
            ("public-key", ["publicKey": .string(own.publicKey.pem)]),
            ("sign", ["signature": .string(Base64.encode(try other.signature(of: Self.message)))]),
        ]
        for (name, json) in answers { try directory.write(json.text(), to: name) }
        let program = try directory.write(
            "#!/bin/sh\ncd \(directory.path)\nif grep -q '\"sign\"'; then cat sign; else cat public-key; fi\n",
            to: "signer", mode: 0o755)
        let signer = try await ExternalSigner(ExternalProgram("exec:\(program)"))
        let error = await #expect(throws: KeyError.self) { _ = try await signer.sign(Self.message) }
        #expect(error?.code == .refused)
        let digest = SignedMessage.digest(HashAlgorithm.sha256.digest(of: [1]))
        let unfit = await #expect(throws: KeyError.self) { _ = try await signer.sign(digest) }
        #expect(unfit?.code == .unsupported)
    }

    @Test("references of programs are read, and relative paths refused")
    func references() throws {
        let program = try ExternalProgram("exec:kms-sign?key=projects/a%20b%26c")
        #expect(program.program == "kms-sign")
        #expect(program.key == "projects/a b&c")
        #expect(try ExternalProgram("exec:/a/b").key == nil)
        for text in ["exec:", "exec:./a", "exec:a/b", "exec:a?b=c", "exec:a?key=b&c=d", "exec:a?key=%", "exec:%00"] {
            #expect(throws: KeyError.self) { try ExternalProgram(text) }
        }
    }
}
