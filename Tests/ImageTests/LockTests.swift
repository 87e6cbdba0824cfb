import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Image

@Suite(.enabled(if: TestArchive.isPossible, "\(TestArchive.absence)"))
struct LockTests {
    private static let packages = [
        TestPackage(name: "app", version: "2.0", fields: ["Depends: lib (>= 1.0), tool | other"]),
        TestPackage(
            name: "app", version: "2.0", architecture: "arm64", fields: ["Depends: lib (>= 1.0), tool | other"]),
        TestPackage(name: "lib", version: "1.0", architecture: "all"),
        TestPackage(name: "lib", version: "1.5", architecture: "all", fields: ["Provides: virtual"]),
        TestPackage(
            name: "other", version: "1:3", architecture: "all", fields: ["Depends: virtual", "Source: else (1)"]),
    ]

    @Test("A lock holds the chain from the keyring to each package, and reads back as it was written")
    func lock() async throws {
        let archive = try await TestArchive()
        try await archive.publish(Self.packages)
        let definition = try archive.definition("certificates: false\npackages: [app, lib=1.0]")
        let lock = try await archive.lock(definition)
        #expect(lock.archives[0].keyring == (try Files.digest(of: archive.directory["keyring.gpg"]).digest))
        #expect(lock.archives[0].signers.map(\.fingerprint) == [try await archive.gpg.fingerprint(archive.key)])
        #expect(lock.archives[0].codename == "trixie")
        let packages = lock.packages(architecture: "arm64", variant: "")
        #expect(packages.map { "\($0.name) \($0.version) \($0.architecture)" } == ["app 2.0 arm64", "lib 1.0 all"])
        #expect(packages[1].purl == "pkg:deb/debian/lib@1.0?arch=all")
        #expect(try ImageLock(parsing: lock.bytes) == lock)
        #expect(lock.allPackages.count == 3)
        // Nothing changed, so neither does the lock.
        #expect(try await archive.lock(definition, previous: lock, time: 1_900_000_000) == lock)
    }

    @Test("Dependencies come along when that is asked for: alternatives, versions, providers")
    func transitive() async throws {
        let archive = try await TestArchive()
        try await archive.publish(Self.packages)
        let definition = try archive.definition("certificates: false\nresolve_transitive: true\npackages: [app]")
        let lock = try await archive.lock(definition)
        let names = lock.packages(architecture: "amd64", variant: "").map { "\($0.name) \($0.version)" }
        #expect(names == ["app 2.0", "lib 1.5", "other 1:3"])
        #expect(lock.packages(architecture: "amd64", variant: "")[2].source == "else (1)")
        let wrong = try archive.definition("certificates: false\npackages: [absent]", name: "wrong")
        #expect(await imageErrorCode { _ = try await archive.lock(wrong) } == .absent)
    }

    @Test("The chain is derived anew without the archive, and every change in it is found")
    func verification() async throws {
        let archive = try await TestArchive()
        try await archive.publish(Self.packages)
        let definition = try archive.definition("certificates: false\npackages: [app, lib]")
        let lock = try await archive.lock(definition)
        let verifier = LockVerifier(client: archive.client)
        _ = try await verifier.verify(lock, of: definition, includingPackages: true)
        try Files.removeTree(archive.directory["mirror"])
        let report = try await verifier.verify(lock, of: definition, includingPackages: true)
        #expect(report.packageCount == 3)

        var other = lock
        other.selections[0].packages[0].digest = Digest.of("other")
        #expect(await code(verifier, other, definition) == .untrusted)
        other = lock
        other.archives[0].indexes[0].digest = Digest.of("other")
        #expect(await code(verifier, other, definition) == .untrusted)
        other = lock
        other.archives[0].signers = []
        #expect(await code(verifier, other, definition) == .untrusted)
        other = lock
        other.selections[0].packages[0].version = "3.0"
        #expect(await code(verifier, other, definition) == .untrusted)
        let changed = try archive.definition("certificates: false\npackages: [app]")
        #expect(await code(verifier, lock, changed) == .stale)
        // A damaged file in the cache is not used; with the archive gone, nobody can say.
        let package = lock.selections[0].packages[0]
        try Files.write([1, 2, 3], to: archive.cache.path(package.digest))
        #expect(await code(verifier, lock, definition) == .absent)
    }

    private func code(
        _ verifier: LockVerifier, _ lock: ImageLock, _ definition: ImageDefinition
    ) async -> ImageError.Code? {
        await imageErrorCode { _ = try await verifier.verify(lock, of: definition, includingPackages: true) }
    }

    @Test("A release by another key, out of date, of another suite or older than the lock is refused")
    func release() async throws {
        let archive = try await TestArchive()
        try await archive.publish(Self.packages)
        let definition = try archive.definition("certificates: false\npackages: [app]")
        let lock = try await archive.lock(definition)
        try await archive.publish(Self.packages, date: "Fri, 10 Jan 2025 10:36:00 UTC")
        #expect(await imageErrorCode { _ = try await archive.lock(definition, previous: lock) } == .untrusted)
        _ = try await archive.lock(definition)
        try await archive.publish(Self.packages, validUntil: "Sat, 18 Jan 2025 10:36:00 UTC")
        #expect(await imageErrorCode { _ = try await archive.lock(definition) } == .untrusted)
        try await archive.gpg.makeKey("stranger@example.org", "ed25519")
        try await archive.publish(Self.packages, signer: "stranger@example.org")
        #expect(await imageErrorCode { _ = try await archive.lock(definition) } == .untrusted)
    }

    @Test("A package or an index that is not what was signed is refused")
    func tampered() async throws {
        let archive = try await TestArchive()
        try await archive.publish(Self.packages)
        let definition = try archive.definition("certificates: false\npackages: [app]")
        let lock = try await archive.lock(definition)
        let package = lock.selections[0].packages[0]
        let file = archive.directory["mirror/\(package.filename)"]
        try Files.write(try Files.read(file, limit: 1 << 20) + [0], to: file)
        #expect(await imageErrorCode { _ = try await archive.client.package(package, of: definition) } == .untrusted)
        for name in ["Packages", "Packages.gz"] {
            try Files.write(
                Array("Package: x\n".utf8), to: archive.directory["mirror/dists/stable/main/binary-amd64/\(name)"])
        }
        let fresh = ArchiveClient(cache: ImageCache(archive.directory["other-cache"]), http: nil)
        let locker = Locker(client: fresh, time: 1_800_000_000)
        #expect(await imageErrorCode { _ = try await locker.lock(definition) } == .untrusted)
    }

    @Test("A misspelled key, a bad name or a path that leads out is refused")
    func definitions() async throws {
        let archive = try await TestArchive()
        for wrong in [
            "pakages: [a]", "packages: [A]", "packages: [a, a]", "architectures: [vax]", "variants: {X: {}}",
            "files: [{path: /a/../../b, content: x}]", "files: [{path: /a}]",
            "files: [{path: /a, content: x, mode: 9}]",
            "users: [{name: 'a:b'}]", "archives: [{uri: 'ftp://x', suite: s, keyring: k}]",
            "archives: [{uri: 'http://x', suite: ../s, keyring: k}]",
        ] {
            #expect(throws: (any Error).self, "\(wrong)") { try archive.definition(wrong) }
        }
        let definition = try archive.definition("packages: [a]\nvariants:\n  debug:\n    packages: [b]\n    user: 5\n")
        try archive.directory.write("extends: image.yaml\nname: more\npackages: [c]\n", to: "more.yaml")
        let more = try ImageDefinition.load(archive.directory["more.yaml"])
        #expect(more.packages.map(\.name) == ["a", "c"] && more.variants == definition.variants)
        #expect(more.lockPath == archive.directory["more.lock.json"])
    }
}
