import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@Suite(.enabled(if: TestWorkspace.hasProgram, "the program martlet is not built"))
struct KeyCommandTests {
    private let secret = ["MARTLET_KEY_PASSWORD": "correct horse"]

    @Test("a generated key is shown, exported and imported again as the same key")
    func roundTrip() async throws {
        let workspace = try TestWorkspace()
        let made = try await workspace.martlet(["key", "generate", "--output", "release"], environment: secret)
        #expect(made.status == 0)
        #expect(try Files.status(workspace.root.appending("release.key"))?.mode ?? 0 & 0o777 == 0o600)
        let shown = try await workspace.martlet("key", "show", "release.pub", "--json")
        #expect(shown.json?["algorithm"] == "ecdsa-p256")
        let ofPrivate = try await workspace.martlet(["key", "show", "release.key", "--json"], environment: secret)
        #expect(ofPrivate.output == shown.output)

        let exported = try await workspace.martlet(
            ["key", "export", "--private", "release.key", "--output", "plain.pem"], environment: secret)
        #expect(exported.status == 0)
        #expect(exported.output.isEmpty)
        #expect(try Files.status(workspace.root.appending("plain.pem"))?.mode ?? 0 & 0o777 == 0o600)
        let imported = try await workspace.martlet(
            ["key", "import", "plain.pem", "--output", "again", "--format", "pkcs8"], environment: secret)
        #expect(imported.status == 0)
        #expect(try await workspace.martlet("key", "show", "again.pub", "--json").output == shown.output)
        #expect(
            try await workspace.martlet("key", "export", "again.pub").output.hasPrefix("-----BEGIN PUBLIC KEY-----"))
    }

    @Test("without a passphrase, with a wrong one, or over an existing file nothing is written")
    func refusals() async throws {
        let workspace = try TestWorkspace()
        // The child has a session of its own, and so no terminal to ask at.
        let none = try await workspace.martlet("key", "generate")
        #expect(none.status == 2)
        #expect(none.error.contains("MARTLET_KEY_PASSWORD"))
        #expect(try !Files.exists(workspace.root.appending("martlet.key")))
        #expect(try await workspace.martlet(["key", "generate"], environment: secret).status == 0)
        let again = try await workspace.martlet(["key", "generate"], environment: secret)
        #expect(again.status == 1)
        #expect(again.error.contains("not overwritten"))
        let wrong = try await workspace.martlet(
            ["key", "export", "--private", "martlet.key"], environment: ["COSIGN_PASSWORD": "wrong horse"])
        #expect(wrong.status == 2)
        #expect(wrong.output.isEmpty)
        #expect(!wrong.error.contains("wrong horse"))
    }

    @Test("the passphrase may come from a file, and a PIN in an argument is not repeated")
    func places() async throws {
        let workspace = try TestWorkspace()
        try workspace.write("from a file\n", to: "secret")
        let made = try await workspace.martlet("key", "generate", "--key-password-file", "secret")
        #expect(made.status == 0)
        let shown = try await workspace.martlet(
            ["key", "show", "martlet.key"], environment: ["MARTLET_KEY_PASSWORD": "from a file"])
        #expect(shown.status == 0)
        for arguments in [["key", "show", "pkcs11:object=a?pin-value=314159"], ["key", "show", "exec:a/b"]] {
            let run = try await workspace.martlet(arguments)
            #expect(run.status == 2)
            #expect(!run.error.contains("314159"))
        }
    }

    static let softToken = [
        "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    ].first { (try? Files.exists(FilePath($0))) == true }

    @Test(
        "a key in a token opens with its PIN only, and a removed token is missed",
        .enabled(if: softToken != nil, "softhsm2 is not installed"))
    func token() async throws {
        let workspace = try TestWorkspace()
        try Files.createDirectories(workspace.files["tokens"])
        let settings = try workspace.files.write(
            "directories.tokendir = \(workspace.files["tokens"])\nobjectstore.backend = file\nlog.level = ERROR\n",
            to: "softhsm2.conf")
        var environment = [
            "SOFTHSM2_CONF": settings.string, "MARTLET_PKCS11_MODULE": Self.softToken ?? "",
            "MARTLET_PKCS11_PIN": "1234",
        ]
        let prepared = try await ChildProcess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", "ci", "--pin", "1234", "--so-pin", "5678"],
            environment: environment.merging(["PATH": "/usr/bin:/bin"]) { $1 }, outputLimit: 1 << 16,
            timeLimit: .seconds(60))
        #expect(prepared.isSuccess)
        let uri = "pkcs11:token=ci;object=release"
        let made = try await workspace.martlet(
            ["key", "generate", "--key", uri, "--output", "release"], environment: environment)
        #expect(made.status == 0, "\(made.error)")
        let shown = try await workspace.martlet(["key", "show", uri], environment: environment)
        #expect(shown.status == 0)
        #expect(try await workspace.martlet("key", "show", "release.pub").output == shown.output)
        let exported = try await workspace.martlet(["key", "export", "--private", uri], environment: environment)
        #expect(exported.status == 2)

        environment["MARTLET_PKCS11_PIN"] = "4321"
        let wrong = try await workspace.martlet(["key", "show", uri], environment: environment)
        #expect(wrong.status == 2)
        #expect(wrong.error.contains("the PIN is wrong"))
        environment["MARTLET_PKCS11_PIN"] = nil
        let none = try await workspace.martlet(["key", "show", uri], environment: environment)
        #expect(none.error.contains("after logging in with its PIN"))
        environment["MARTLET_PKCS11_PIN"] = "1234"
        environment["MARTLET_PKCS11_MODULE"] = "/usr/lib/removed.so"
        let module = try await workspace.martlet(["key", "show", uri], environment: environment)
        #expect(module.error.contains("there is no PKCS #11 module /usr/lib/removed.so"))
        environment["MARTLET_PKCS11_MODULE"] = Self.softToken
        for token in try Files.list(workspace.files["tokens"]) {
            try Files.removeTree(workspace.files["tokens"].appending(token))
        }
        let removed = try await workspace.martlet(["key", "show", uri], environment: environment)
        #expect(removed.status == 2)
        #expect(removed.error.contains("no token fits"))
    }
}
