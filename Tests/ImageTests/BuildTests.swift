import Attest
import Bytes
import Host
import Inventory
import Registry
import SystemPackage
import TestKit
import Testing

@testable import Image

@Suite(.enabled(if: TestArchive.isPossible, "\(TestArchive.absence)"))
struct BuildTests {
    private static let packages = [
        TestPackage(name: "app"), TestPackage(name: "app", architecture: "arm64"),
        TestPackage(name: "shell", architecture: "all", compression: "zstd"),
        TestPackage(
            name: "ca-certificates", version: "20250101", architecture: "all",
            files: [
                "usr/share/ca-certificates/mozilla/B.crt": "b\r\n\n", "usr/share/ca-certificates/mozilla/A.crt": "a",
                "usr/share/doc/ca-certificates/copyright": "free\n",
            ]),
    ]
    private static let text = """
        packages: [app]
        os_release: {ID: test, NAME: 'a "b"'}
        environment: {LANG: C}
        files:
          - {path: /srv/greeting, content: hi, mode: "0600", uid: 5}
        variants:
          nonroot: {user: "65532", working_directory: /home/nonroot}
          debug: {packages: [shell], entry_point: [/bin/sh]}
        """

    private struct Made {
        var archive: TestArchive
        var definition: ImageDefinition
        var lock: ImageLock
    }

    private func made() async throws -> Made {
        let archive = try await TestArchive()
        try await archive.publish(Self.packages)
        let definition = try archive.definition(Self.text)
        let lock = try await archive.lock(definition)
        try LockVerifier(client: archive.client).remember(lock)
        return Made(archive: archive, definition: definition, lock: lock)
    }

    private func build(
        _ made: Made, cache: String = "cache", width: Int = 2, compression: LayerCompression = .gzip
    ) async throws -> [ImageSet] {
        let client = ArchiveClient(cache: ImageCache(made.archive.directory[cache]), http: nil)
        return try await ImageBuilder(
            made.definition, lock: made.lock, client: client, compression: compression, width: width
        ).build()
    }

    @Test("Builds in other caches, with other widths and from kept layers are the same, byte for byte")
    func reproducible() async throws {
        let made = try await made()
        let first = try await build(made).map(\.descriptor)
        #expect(try await build(made).map(\.descriptor) == first)
        #expect(try await build(made, cache: "other", width: 1).map(\.descriptor) == first)
        #expect(try await build(made, compression: .zstd).map(\.descriptor) != first)
        #expect(first.count == 3)
    }

    @Test(
        "One file of an image is read by its index or its layer's table, without the rest of the layer",
        arguments: [LayerCompression.gzip, .none, .estargz, .zstdChunked], [false, true])
    func parts(_ compression: LayerCompression, _ isIndexed: Bool) async throws {
        let made = try await made()
        let client = ArchiveClient(cache: ImageCache(made.archive.directory["cache"]), http: nil)
        var builder = try ImageBuilder(made.definition, lock: made.lock, client: client, compression: compression)
        builder.indexesPaths = isIndexed
        let layout = try OCILayout(creating: made.archive.directory["out"])
        try await ImagePublisher(client: client).publish(
            try await builder.build(), to: layout, bills: [], BillMetadata(environment: [:], version: "1"))
        let (_, manifest) = try await layout.image(
            .tag("debug"), platform: Platform(os: "linux", architecture: "arm64"))
        for (path, start) in [
            ("etc/passwd", "root:x:0:0"), ("/usr/share/app/link", "hello\n"), ("srv/greeting", ""),
            ("var/lib/dpkg/status.d/shell", "Package: shell\n"),
        ] {
            let files = ImageFiles(manifest, from: layout)
            let bytes = try await files.read(path, limit: 1 << 20, scratch: made.archive.directory.path)
            #expect(String(decoding: bytes, as: UTF8.self).hasPrefix(start), "\(path)")
            if isIndexed { #expect(files.log == ["index"]) }
            if !isIndexed, compression == .estargz || compression == .zstdChunked {
                #expect(files.log.allSatisfy { $0.hasPrefix("table ") }, "\(files.log)")
            }
        }
        let files = ImageFiles(manifest, from: layout)
        let error = await #expect(throws: RegistryError.self) {
            try await files.read("etc/nothing", limit: 1, scratch: made.archive.directory.path)
        }
        #expect(error?.code == .absent)
    }

    @Test(
        "An image holds its packages, their status, users, certificates and files, with a line of history for each layer"
    )
    func content() async throws {
        let made = try await made()
        let sets = try await build(made)
        let layout = try OCILayout(creating: made.archive.directory["out"])
        try await ImagePublisher(client: made.archive.client).publish(
            sets, to: layout, bills: [.spdx, .cyclonedx],
            BillMetadata(created: try #require(Timestamp(seconds: 0)), version: "1"))
        let wanted = Platform(os: "linux", architecture: "arm64")
        let (_, manifest) = try await layout.image(.tag("debug"), platform: wanted)
        let configuration = try ImageConfiguration(
            parsing: await layout.content(manifest.config, limit: 1 << 20))
        #expect(configuration.history.count == manifest.layers.count)
        #expect(configuration.diffIDs.count == manifest.layers.count)
        #expect(configuration.execution.entrypoint == ["/bin/sh"])
        #expect(
            configuration.execution.environment == [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "LANG=C",
            ])
        let tree = try await ImageTree(manifest, from: layout)
        func text(_ path: String) throws -> String {
            String(decoding: try #require(tree.find(path, followingLast: true), "\(path)").node.content, as: UTF8.self)
        }
        #expect(try text("/usr/share/app/link") == "hello\n")
        #expect(try text("/etc/ssl/certs/ca-certificates.crt") == "a\nb\n")
        #expect(try text("/usr/lib/os-release") == "NAME=\"a \\\"b\\\"\"\nID=\"test\"\n")
        #expect(try text("/etc/passwd").hasPrefix("root:x:0:0:root:/root:/sbin/nologin\n"))
        #expect(try text("/var/lib/dpkg/status.d/app").contains("Architecture: arm64\n"))
        #expect(try text("/var/lib/dpkg/status.d/app.md5sums").hasSuffix("greeting\n"))
        #expect(try text("/var/lib/dpkg/status.d/shell").hasPrefix("Package: shell\n"))
        let greeting = try #require(tree.find("/srv/greeting", followingLast: false)).node
        #expect(greeting.attributes.mode == 0o600 && greeting.attributes.owner == 5)
        #expect(tree.find("/home/nonroot", followingLast: false)?.node.attributes.owner == 65532)
        #expect(tree.find("/tmp", followingLast: false)?.node.attributes.mode == 0o1777)
        #expect(tree.find("/usr/share/ca-certificates", followingLast: false) == nil)
        // Both bills are found from the image.
        let kinds = try await layout.referrers(of: manifest.descriptor.digest, kind: nil).compactMap(\.artifactType)
        #expect(Set(kinds.map(\.text)) == ["application/spdx+json", "application/vnd.cyclonedx+json"])
    }

    @Test("The statement names the archive's signed state and every package")
    func provenance() async throws {
        let made = try await made()
        let sets = try await build(made)
        let statement = ImageProvenance(
            definition: made.definition, definitionDigest: Digest.of("d"), lock: made.lock, compression: .gzip,
            created: try #require(Timestamp(seconds: 0)),
            builder: ProvenanceFacts.Builder(version: "1", digest: Digest.of("m"))
        ).statement(sets)
        #expect(statement.subjects.count == 9)
        #expect(Set(statement.subjects.map(\.digest)).count == 9)
        let provenance = try Provenance(statement.predicate)
        let roles = provenance.resolvedDependencies.compactMap { $0.annotations["role"]?.stringValue }
        #expect(roles == ["keyring", "release", "index", "index", "package", "package", "package", "package"])
        #expect(provenance.resolvedDependencies[1].digest["sha256"] == made.lock.archives[0].release.hex)
        #expect(provenance.resolvedDependencies[4].uri == "pkg:deb/debian/app@1.0-1?arch=amd64")
    }

    @Test("A lock that is stale, or whose chain nobody verified and nobody can, builds nothing")
    func refusals() async throws {
        var made = try await made()
        try Files.removeTree(made.archive.directory["mirror"])
        var other = made
        other.lock.selections[0].packages[0].digest = Digest.of("evil")
        #expect(await imageErrorCode { _ = try await build(other) } == .untrusted)
        #expect(await imageErrorCode { _ = try await build(made, cache: "empty") } == .absent)
        made.definition = try made.archive.definition(Self.text.replacing("[app]", with: "[app, ca-certificates]"))
        #expect(await imageErrorCode { _ = try await build(made) } == .stale)
    }
}
