import Bytes
import Host
import SystemPackage
import TestKit

@testable import Image

/// A small Debian archive in a directory, signed by a key of its own.
struct TestArchive {
    static let isPossible = GnuPG.isPresent && TestPackage.isPossible
    static let absence: String = "gpg, gpg-agent, gpgv or dpkg-deb is absent; scripts/setup --tests installs them"

    let directory: TemporaryDirectory
    let gpg: GnuPG
    let key = "archive@example.org"

    init() async throws {
        directory = try TemporaryDirectory()
        gpg = try GnuPG()
        try await gpg.makeKey(key, "ed25519")
        try Files.write(try await gpg.keyring([key]), to: directory["keyring.gpg"])
    }

    /// Puts packages into the archive and signs it.
    func publish(
        _ packages: [TestPackage], date: String = "Sat, 11 Jan 2025 10:36:00 UTC", validUntil: String? = nil,
        signer: String? = nil
    ) async throws {
        var entries: [String: [String]] = [:]
        for package in packages {
            let bytes = try await package.build()
            // As in Debian's own, without the epoch.
            let version = package.version.split(separator: ":").last ?? ""
            let path = "pool/main/\(package.name)/\(package.name)_\(version)_\(package.architecture).deb"
            try Files.createDirectories(directory["mirror/\(path)"].removingLastComponent())
            try Files.write(bytes, to: directory["mirror/\(path)"])
            let lines =
                [
                    "Package: \(package.name)", "Version: \(package.version)", "Architecture: \(package.architecture)",
                    "Filename: \(path)", "Size: \(bytes.count)", "SHA256: \(Digest.of(bytes).hex)",
                ] + package.fields
            for architecture in package.architecture == "all" ? ["amd64", "arm64"] : [package.architecture] {
                entries[architecture, default: []].append(lines.joined(separator: "\n") + "\n")
            }
        }
        var release = "Origin: Test\nSuite: stable\nCodename: trixie\nDate: \(date)\n"
        if let validUntil { release += "Valid-Until: \(validUntil)\n" }
        release += "Acquire-By-Hash: yes\nSHA256:\n"
        for architecture in ["amd64", "arm64"] {
            let text = Array((entries[architecture] ?? []).joined(separator: "\n").utf8)
            for (name, bytes) in [("Packages", text), ("Packages.gz", try Compression.gzip.compress(text))] {
                let path = "main/binary-\(architecture)/\(name)"
                try Files.createDirectories(directory["mirror/dists/stable/\(path)"].removingLastComponent())
                try Files.write(bytes, to: directory["mirror/dists/stable/\(path)"])
                release += " \(Digest.of(bytes).hex) \(bytes.count) \(path)\n"
            }
        }
        let signed = try await gpg.clearsign(release, by: [signer ?? key])
        try Files.write(signed, to: directory["mirror/dists/stable/InRelease"])
    }

    /// Writes a definition and reads it.
    func definition(_ rest: String, name: String = "image") throws -> ImageDefinition {
        let text = """
            name: \(name)
            archives:
              - uri: file:mirror
                suite: stable
                keyring: keyring.gpg
            architectures: [amd64, arm64]

            """
        return try ImageDefinition.load(directory.write(text + rest + "\n", to: "\(name).yaml"))
    }

    var cache: ImageCache { ImageCache(directory["cache"]) }
    var client: ArchiveClient { ArchiveClient(cache: cache, http: nil) }

    func lock(
        _ definition: ImageDefinition, previous: ImageLock? = nil, time: Int = 1_800_000_000
    ) async throws -> ImageLock {
        try await Locker(client: client, time: time).lock(definition, previous: previous)
    }
}

/// The code of the error that `body` throws; `nil` where it throws none of Image's.
func imageErrorCode(_ body: () async throws -> Void) async -> ImageError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? ImageError)?.code
    }
}
