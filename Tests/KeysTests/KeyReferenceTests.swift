import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Keys

@Suite struct KeyReferenceTests {
    private func options(_ environment: [String: String] = [:], file: FilePath? = nil) -> KeyReference.Options {
        KeyReference.Options(secrets: SecretSource(file: file, asks: false, environment: environment))
    }

    private func code(_ body: () async throws -> Void) async -> KeyError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? KeyError)?.code
        }
    }

    @Test("a reference is a path unless it has a scheme")
    func parsing() throws {
        #expect(try KeyReference("a/b.key") == .file("a/b.key"))
        #expect(try KeyReference("env://KEY") == .variable("KEY"))
        #expect(try KeyReference("pkcs11:object=a") == .pkcs11(PKCS11URI("pkcs11:object=a")))
        #expect(try KeyReference("exec:a?key=b") == .program(ExternalProgram("exec:a?key=b")))
        for text in ["", "env://", "env://a=b", "awskms:///alias/x", "k8s://ns/secret", "pkcs11:x", "exec:a/b"] {
            #expect(throws: KeyError.self) { try KeyReference(text) }
        }
    }

    @Test("a key pair is written once, its private half for the owner alone, and found again")
    func files() async throws {
        let directory = try TemporaryDirectory()
        let files = try KeyFiles(directory["release"].string)
        let key = try PrivateKey.generate(.ecdsaP256)
        try files.write(key, in: .cosign, passphrase: Secret("sesame"))
        #expect(try Files.status(files.privateKey)?.mode ?? 0 & 0o777 == 0o600)
        #expect(await code { try files.write(key, in: .cosign, passphrase: Secret("sesame")) } == .refused)
        #expect(await code { try files.requireAbsent() } == .refused)
        #expect(try Files.list(directory.path).sorted() == ["release.key", "release.pub"])

        let reference = KeyReference.file(files.privateKey)
        for variable in ["MARTLET_KEY_PASSWORD", "COSIGN_PASSWORD"] {
            let signer = try await reference.signer(options([variable: "sesame"]))
            #expect(signer.publicKey == key.publicKey)
        }
        let secret = try directory.write("sesame\n", to: "secret", mode: 0o600)
        #expect(try await reference.publicKey(options(file: secret)) == key.publicKey)
        #expect(await code { _ = try await reference.signer(options()) } == .wrongPassphrase)
        #expect(await code { _ = try await reference.signer(options(["COSIGN_PASSWORD": "x"])) } == .wrongPassphrase)
        // The public half needs no passphrase, and can't sign.
        let half = KeyReference.file(files.publicKey)
        #expect(try await half.publicKey(options()) == key.publicKey)
        #expect(await code { _ = try await half.signer(options()) } == .unsupported)
    }

    @Test("a key may be in a variable, and a file may be DER")
    func otherPlaces() async throws {
        let variable = try KeyReference("env://KEY")
        let key = try await variable.signer(options(["KEY": KeyVectors.p256PKCS8])).publicKey
        #expect(await code { _ = try await variable.signer(options()) } == .absent)
        let directory = try TemporaryDirectory()
        let containers: [(String, PrivateKeyText.Container)] = [
            (KeyVectors.p256PKCS8, .pkcs8), (KeyVectors.p256PBKDF2, .encryptedPKCS8), (KeyVectors.rsa, .pkcs1),
        ]
        for (text, container) in containers {
            let der = try PEM.blocks(in: Array(text.utf8))[0].bytes
            let found = try PrivateKeyText(Secret(der))
            #expect(found.container == container)
            _ = try found.open(Secret(KeyVectors.passphrase))
        }
        let file = directory["key.der"]
        try Files.write(key.der, to: file)
        #expect(try await KeyReference.file(file).publicKey(options()) == key)
    }

    @Test("an unencrypted key that everybody can read is refused, an encrypted one is not")
    func exposed() async throws {
        let directory = try TemporaryDirectory()
        let open = try directory.write(KeyVectors.p256PKCS8, to: "open", mode: 0o644)
        #expect(await code { _ = try await KeyReference.file(open).signer(options()) } == .exposed)
        let group = try directory.write(KeyVectors.p256PKCS8, to: "group", mode: 0o640)
        _ = try await KeyReference.file(group).signer(options())
        let encrypted = try directory.write(KeyVectors.p256PBKDF2, to: "encrypted", mode: 0o644)
        _ = try await KeyReference.file(encrypted).signer(options(["COSIGN_PASSWORD": KeyVectors.passphrase]))
    }

    @Test("a missing, enormous or foreign file is refused by what it is")
    func wrongFiles() async throws {
        let directory = try TemporaryDirectory()
        #expect(await code { _ = try await KeyReference.file(directory["no"]).signer(options()) } == .absent)
        #expect(await code { _ = try await KeyReference.file("/dev/zero").signer(options()) } == .unavailable)
        #expect(await code { _ = try await KeyReference.file(directory.path).signer(options()) } == .unavailable)
        let text = try directory.write("hello", to: "text", mode: 0o600)
        #expect(await code { _ = try await KeyReference.file(text).signer(options()) } == .malformed)
    }

    @Test("a new key needs a decision about its passphrase, which may be empty")
    func newPassphrase() throws {
        let error = #expect(throws: KeyError.self) {
            try SecretSource(asks: false, environment: [:]).newPassphrase(for: "x")
        }
        #expect(error?.code == .wrongPassphrase)
        let empty = try SecretSource(asks: false, environment: ["COSIGN_PASSWORD": ""]).newPassphrase(for: "x")
        #expect(empty.bytes.isEmpty)
    }
}
