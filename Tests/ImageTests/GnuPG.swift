import Host
import SystemPackage
import TestKit

/// A GnuPG of the test's own: it makes the keys and signatures that verdicts are compared over.
struct GnuPG {
    static let isPresent = ["gpg", "gpgv", "gpg-agent"].allSatisfy { ToolPath.find($0, path: "/usr/bin:/bin") != nil }
    static let absence: String = "gpg, gpg-agent or gpgv is absent; scripts/setup --tests installs them"

    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try Files.createDirectory(directory["home"], mode: 0o700)
    }

    private var environment: [String: String] {
        ["PATH": "/usr/bin:/bin", "GNUPGHOME": directory["home"].string, "LC_ALL": "C"]
    }

    @discardableResult
    func run(_ program: String, _ arguments: [String], input: String = "") async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            [program] + arguments, environment: environment, input: Array(input.utf8), outputLimit: 8 << 20,
            timeLimit: .seconds(120))
    }

    private func gpg(_ arguments: [String], time: String?, input: String = "") async throws -> [UInt8] {
        let usual = ["--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""]
        let outcome = try await run(
            "gpg", usual + (time.map { ["--faked-system-time", $0] } ?? []) + arguments, input: input)
        // The agent that gpg starts would outlive the test.
        try await run("gpgconf", ["--kill", "all"])
        guard outcome.isSuccess else { throw HostError(.input, outcome.errorText) }
        return outcome.output
    }

    /// Makes a key that signs; `algorithm` is GnuPG's word, `expiry` `never` or `1d`.
    func makeKey(_ name: String, _ algorithm: String, expiry: String = "never", time: String? = nil) async throws {
        _ = try await gpg(["--quick-generate-key", name, algorithm, "sign", expiry], time: time)
    }

    /// Adds a subkey that signs.
    func addSubkey(_ name: String, _ algorithm: String, time: String? = nil) async throws {
        _ = try await gpg(["--quick-add-key", try await fingerprint(name), algorithm, "sign", "never"], time: time)
    }

    func fingerprint(_ name: String) async throws -> String {
        let lines = String(decoding: try await gpg(["--list-keys", "--with-colons", name], time: nil), as: UTF8.self)
        let line = lines.split(separator: "\n").first { $0.hasPrefix("fpr:") }
        return line.map { String($0.split(separator: ":").last ?? "") } ?? ""
    }

    func revoke(_ name: String) async throws {
        let file = directory["home/openpgp-revocs.d/\(try await fingerprint(name)).rev"]
        let text = try Files.readText(file, limit: 1 << 20).replacing(":-----", with: "-----")
        _ = try await gpg(["--import"], time: nil, input: text)
    }

    func keyring(_ names: [String]) async throws -> [UInt8] { try await gpg(["--export"] + names, time: nil) }

    func clearsign(
        _ text: String, by names: [String], lifetime: String? = nil, time: String? = nil
    ) async throws -> [UInt8] {
        let signers = names.flatMap { ["--local-user", $0] }
        let expiry = lifetime.map { ["--default-sig-expire", $0] } ?? []
        return try await gpg(signers + expiry + ["--clearsign"], time: time, input: text)
    }

    /// What gpgv says: whether there is a good signature, and no bad one.
    func gpgvAccepts(_ message: [UInt8], _ keyring: [UInt8]) async throws -> Bool {
        try Files.write(message, to: directory["message"])
        try Files.write(keyring, to: directory["keyring.gpg"])
        let outcome = try await run(
            "gpgv", ["--status-fd", "1", "--keyring", directory["keyring.gpg"].string, directory["message"].string])
        let words = outcome.outputText.split(separator: "\n").compactMap { line in
            line.split(separator: " ").dropFirst().first
        }
        return words.contains("GOODSIG") && !words.contains("BADSIG")
    }

    /// What sqop says; `nil` where it is absent.
    func sqopAccepts(_ message: [UInt8], _ keyring: [UInt8]) async throws -> Bool? {
        guard ToolPath.find("sqop", path: "/usr/bin:/bin") != nil else { return nil }
        try Files.write(keyring, to: directory["keyring.gpg"])
        let outcome = try await run(
            "sqop", ["inline-verify", directory["keyring.gpg"].string], input: String(decoding: message, as: UTF8.self))
        return outcome.isSuccess
    }
}
