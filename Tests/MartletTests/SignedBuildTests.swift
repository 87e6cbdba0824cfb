import Attest
import Bytes
import Host
import Keys
import Sigstore
import SystemPackage
import TestKit
import Testing

@Suite(
    .enabled(
        if: TestWorkspace.hasProgram && ToolPath.find("bwrap", path: "/usr/bin:/bin") != nil,
        "the program martlet is not built, or bubblewrap is not installed"))
struct SignedBuildTests {
    private let secret = ["MARTLET_KEY_PASSWORD": "correct horse"]

    private func keyed() async throws -> TestWorkspace {
        let workspace = try TestWorkspace()
        let made = try await workspace.martlet(["key", "generate", "--output", "../release"], environment: secret)
        #expect(made.status == 0)
        return workspace
    }

    @Test("a build signs with a key file, and its archive is verified with the public key")
    func signed() async throws {
        let workspace = try await keyed()
        let build = try await workspace.martlet(
            ["build", "--sign", "--key", "../release.key", "--save", "../out.tar.gz", "--json"], environment: secret)
        #expect(build.status == 0, "\(build.error)")
        #expect(build.json?["succeeded"] == true)
        let key = try PublicKey(pem: Files.read(workspace.files["release.pub"], limit: 1 << 16))
        let bundle = try UnverifiedBundle(
            parsing: Files.read(workspace.files["out.tar.gz.sigstore.json"], limit: 1 << 20))
        var policy = VerificationPolicy(signer: .key(key))
        (policy.logEntries, policy.certificateLogs) = (0, 0)
        let content = try Files.read(workspace.files["out.tar.gz"], limit: 1 << 20)
        let verifier = Verifier(trustedRoot: TrustedRoot(), policy: policy)
        let verified = try verifier.verify(bundle, artifact: BytesArtifact(content))
        #expect(verified.statement?.subjects.first?.name == "app:app")
        var changed = content
        changed[content.count / 2] ^= 1
        #expect(throws: VerificationFailure.self) { try verifier.verify(bundle, artifact: BytesArtifact(changed)) }
    }

    @Test("no step sees the process that signs, its socket, the passphrase or the key")
    func unreachable() async throws {
        let workspace = try await keyed()
        try workspace.write(
            """
            environmentManifest:
              - name: look
                command: ["sh", "-c", "env; ls -l /proc/self/fd"]

            """, to: "WORKSPACE.yaml")
        try workspace.write(
            """
            packages:
              - name: spy
                type: generic
                martlet:
                  passEnvironment: [MARTLET_KEY_PASSWORD, LOOKED_FOR]
                config:
                  commands:
                    - - sh
                      - -c
                      - |
                        { env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; ls -l /proc/[0-9]*/fd; cat /proc/net/unix
                          cat "$SECRET_PLACE" ../release.key ../../release.key /build/../release.key; } > seen.txt 2>&1
                        for number in 0 3 4 5 6 7 8 9; do echo reached >&$number; done 2> /dev/null
                        exit 0

            """, to: "spy/BUILD.yaml")
        let build = try await workspace.martlet(
            ["build", "--sign", "--key", "../release.key", "--save", "../spy.tar", "spy:spy"],
            environment: secret.merging(["LOOKED_FOR": "and found"]) { $1 })
        #expect(build.status == 0, "\(build.error)")
        let seen = String(
            decoding: try Files.read(workspace.files["spy.tar"], limit: 1 << 22), as: UTF8.self)
        let said = try await workspace.martlet("provenance", "export", "--decode", "file://../spy.tar").output
        #expect(said.contains("SHLVL") || said.contains("PATH="), "the environment manifest's command looked around")
        #expect(seen.contains("and found"), "the step gets what it is to get")
        for secret in ["correct horse", "sign-statements", "socket:", "ENCRYPTED SIGSTORE"] {
            #expect(!seen.contains(secret) && !said.contains(secret), "\(secret)")
        }
    }

    @Test("where the key does not open, or its holder refuses, the build fails and saves nothing")
    func failures() async throws {
        let workspace = try await keyed()
        func run(_ key: String, _ environment: [String: String] = [:]) async throws -> TestWorkspace.Run {
            try await workspace.martlet(
                ["build", "--sign", "--key", key, "--save", "../out.tar", "lib:lib"], environment: environment)
        }
        let wrong = try await run("../release.key", ["MARTLET_KEY_PASSWORD": "wrong"])
        #expect(wrong.status == 2)
        #expect(wrong.error.contains("the passphrase does not open the private key"))
        #expect(try await run("../no.key").status == 2)
        #expect(try await run("awskms://x").status == 2)

        let answer: JSON = [
            "publicKey": .string(
                String(decoding: try Files.read(workspace.files["release.pub"], limit: 4096), as: UTF8.self))
        ]
        try workspace.files.write(answer.text(), to: "public")
        let program = try workspace.files.write(
            """
            #!/bin/sh
            if grep -q public-key; then cat \(workspace.files["public"]); else echo "outside office hours" >&2; exit 1; fi

            """, to: "signer", mode: 0o755)
        let refused = try await run("exec:\(program)")
        #expect(refused.status == 1)
        #expect(refused.error.contains("outside office hours"))
        for name in ["out.tar", "out.tar.sigstore.json", "out.tar.provenance.jsonl"] {
            #expect(try !Files.exists(workspace.files[name]))
        }
        // Built it is, and signing it later builds nothing again.
        let later = try await workspace.martlet(
            ["build", "--sign", "--key", "../release.key", "--json", "lib:lib"], environment: secret)
        #expect(later.status == 0)
    }

    @Test("signing wants a key, and walls around the steps")
    func usage() async throws {
        let workspace = try await keyed()
        for arguments in [
            ["build", "--sign"], ["build", "--key", "../release.key"],
            ["build", "--sign", "--key", "../release.key", "--dry-run"],
            ["build", "--sign", "--key", "../release.key", "--sandbox", "off"], ["sign-statements"],
        ] {
            #expect(try await workspace.martlet(arguments, environment: secret).status == 2, "\(arguments)")
        }
    }
}
