import Bytes
import Host
import Inventory
import SystemPackage
import TestKit
import Testing

@testable import Release

/// What `release.yaml` may say.
struct ReleaseDefinitionTests {
    private static let example = """
        name: server
        to: dist
        archives:
        - package: apps/server:app
          file: server-{version}-linux-{architecture}.tar.gz
        images:
        - package: apps/server:image
          repository: registry.example.org/server
          tags: ["{version}", latest]
        sbom: [spdx, cyclonedx]
        policy: [policies/release.yaml]
        """

    private static func read(_ text: String) throws -> ReleaseDefinition {
        try ReleaseDefinition(parsing: Array(text.utf8), folder: "/repo")
    }

    @Test("a definition is read, with paths relative to its folder")
    func reading() throws {
        let definition = try Self.read(Self.example)
        #expect(definition.place == "/repo/dist")
        #expect(definition.policies == ["/repo/policies/release.yaml"])
        #expect(definition.bills.map(\.rawValue) == ["spdx", "cyclonedx"])
        #expect(definition.images[0].tags == ["{version}", "latest"])
        try definition.check(version: "1.2.0")
        #expect(ReleaseDefinition.filled(definition.images[0].tags[0], "1.2.0") == "1.2.0")
        #expect(
            try Self.read("name: x\nto: https://example.org/r\nimages: [{package: a, repository: r.example/x}]").place
                == "https://example.org/r")
    }

    @Test(
        "a definition that means nothing, or could mean something else, is refused",
        arguments: [
            "", "name: x", "name: x\nto: d\narchive: []", "name: ../x\nto: d\narchives: [{package: a, file: a.tar}]",
            "name: x\narchives: [{package: a}]", "name: x\narchives: a",
            "name: x\nsbom: [word]\narchives: [{package: a, file: b.tar}]",
            "name: x\narchives: [{package: a, file: b.tar, extra: 1}]", "[]", "name: [1]",
        ])
    func refused(_ text: String) {
        #expect(throws: (any Error).self) { try Self.read(text) }
    }

    @Test(
        "a version is a name that folders, files and tags can have",
        arguments: [
            "", "-1", ".1", "1/2", "..", "1 2", "1+build", "é", "release.lock", String(repeating: "1", count: 129),
        ])
    func versions(_ version: String) throws {
        let definition = try Self.read(Self.example)
        #expect(throws: ReleaseError.self) { try definition.check(version: version) }
    }

    @Test(
        "names of files and images are checked before anything is built",
        arguments: [
            "archives: [{package: a, file: ../b.tar}]", "archives: [{package: a, file: b.zip}]",
            "archives: [{package: a, file: b.tar}, {package: c, file: b.tar}]",
            "images: [{package: a, repository: 'r.example/x:tag'}]",
            "images: [{package: a, repository: 'r.example/X Y'}]",
            "images: [{package: a, repository: r.example/x, tags: ['a b']}]",
        ])
    func names(_ text: String) throws {
        let definition = try Self.read("name: x\nto: dist\n" + text)
        #expect(throws: ReleaseError.self) { try definition.check(version: "1") }
    }

    @Test("archives need a place")
    func place() throws {
        let definition = try Self.read("name: x\narchives: [{package: a, file: b.tar}]")
        #expect(throws: ReleaseError.self) { try definition.check(version: "1") }
    }
}

/// Folders of releases.
struct ReleasePlaceTests {
    @Test("a folder gets all files of a release in one go, and none twice")
    func publishing() async throws {
        let directory = try TemporaryDirectory()
        let place = ReleasePlace.folder(directory.path.appending("dist"))
        try await place.locked {
            guard case .absent = try await place.state("1") else { throw ReleaseError(.exists, "it is there") }
            let stage = try place.stage("1", temporary: directory.path)
            try Files.write([1], to: stage.appending("a.tar"))
            try Files.write([2], to: stage.appending(ReleasePlace.statementName))
            // What a killed release left is removed by the next.
            let left = directory.path.appending("dist").appending(".1.partial-left")
            try Files.createDirectory(left)
            let second = try place.stage("1", temporary: directory.path)
            #expect(try !Files.exists(left))
            #expect(try !Files.exists(stage))
            try Files.write([1], to: second.appending("a.tar"))
            try Files.write([2], to: second.appending(ReleasePlace.statementName))
            try await place.publish(second, as: "1")
            guard case .released([2]) = try await place.state("1") else { throw ReleaseError(.exists, "it is not") }
            let third = try place.stage("1", temporary: directory.path)
            try Files.write([3], to: third.appending(ReleasePlace.statementName))
            await #expect(throws: ReleaseError.self) { try await place.publish(third, as: "1") }
        }
        #expect(
            try Files.list(directory.path.appending("dist").appending("1")).sorted() == [
                "a.tar", "release.sigstore.json",
            ])
    }

    @Test("a folder that is no release is nobody's release, and two can't publish at once")
    func foreign() async throws {
        let directory = try TemporaryDirectory()
        let place = ReleasePlace.folder(directory.path)
        try Files.createDirectory(directory.path.appending("1"))
        await #expect(throws: ReleaseError.self) { _ = try await place.state("1") }
        _ = try await place.locked {
            await #expect(throws: ReleaseError.self) { _ = try await place.locked { true } }
            return true
        }
        _ = try await place.locked { true }
    }
}
