import Bytes
import Host
import Registry
import TestKit
import Testing
import Wire

@testable import Serve

/// Calls 3, 7 to 9 and 12 of the distribution-spec's table.
struct RegistryManifestTests {
    @Test("A manifest is read by tag and digest, byte for byte, with its own type")
    func roundTrip() async throws {
        try await RegistryClient.with { client in
            let manifest = try await client.putImage("a", tag: "one")
            let digest = manifest.descriptor.digest
            for name in ["one", "\(digest)"] {
                let answer = try await client.ask(.get, "manifests/\(name)")
                #expect(answer.status == 200)
                #expect(answer.bytes == manifest.bytes)
                #expect(answer.fields["Content-Type"] == manifest.mediaType.text)
                #expect(answer.fields["Docker-Content-Digest"] == "\(digest)")
                let head = try await client.ask(.head, "manifests/\(name)")
                #expect(head.status == 200)
                #expect(head.bytes.isEmpty)
                #expect(head.fields["Content-Length"] == "\(manifest.bytes.count)")
                let etag = try #require(answer.fields["ETag"])
                #expect(try await client.ask(.get, "manifests/\(name)", fields: ["If-None-Match": etag]).status == 304)
            }
            for name in ["two", "\(HashAlgorithm.sha256.digest(of: [1]))"] {
                let answer = try await client.ask(.get, "manifests/\(name)")
                #expect(answer.status == 404)
                #expect(answer.errorCode == "MANIFEST_UNKNOWN")
            }
        }
    }

    @Test("By SHA-512, and with several tags at once")
    func tagParameters() async throws {
        try await RegistryClient.with { client in
            let manifest = try await client.putImage("a")
            let digest = HashAlgorithm.sha512.digest(of: manifest.bytes)
            let answer = try await client.put(manifest, as: "\(digest)?tag=x&tag=y")
            #expect(answer.status == 201)
            #expect(answer.fields.values("OCI-Tag") == ["x", "y"])
            #expect(answer.fields["Docker-Content-Digest"] == "\(digest)")
            #expect(try await client.ask(.get, "manifests/y").fields["Docker-Content-Digest"] == "\(digest)")
            let many = (0...100).map { "tag=t\($0)" }.joined(separator: "&")
            #expect(try await client.put(manifest, as: "\(digest)?\(many)").status == 414)
            #expect(try await client.put(manifest, as: "\(digest)?tag=..").status == 400)
        }
    }

    @Test("What is no manifest, or not the one that is named, is refused")
    func refused() async throws {
        try await RegistryClient.with { client in
            let manifest = try await client.putImage("a")
            let other = HashAlgorithm.sha256.digest(of: [1])
            let wrong = try await client.put(manifest, as: "\(other)")
            #expect(wrong.status == 400)
            #expect(wrong.errorCode == "DIGEST_INVALID")
            #expect(try await client.put(manifest, as: "sha256:baddigeststring").status == 400)
            for bytes in [[], Array("{".utf8), Array("[]".utf8), Array(#"{"schemaVersion":1}"#.utf8)] {
                let answer = try await client.ask(
                    .put, "manifests/x", fields: ["Content-Type": MediaType.imageManifest.text], body: bytes)
                #expect(answer.status == 400)
                #expect(answer.errorCode == "MANIFEST_INVALID")
            }
            let mismatch = try await client.ask(
                .put, "manifests/x", fields: ["Content-Type": MediaType.imageIndex.text], body: manifest.bytes)
            #expect(mismatch.status == 400)
            let missing = ImageManifest(config: .empty, layers: [Descriptor(.layerGzip, of: [9, 9])])
            let unknown = try await client.put(missing, as: "x")
            #expect(unknown.status == 404)
            #expect(unknown.errorCode == "MANIFEST_BLOB_UNKNOWN")
        }
    }

    @Test("Layers that are not for distribution, or inside of their descriptors, need not be there")
    func elsewhere() async throws {
        try await RegistryClient.with { client in
            try await client.put(Array("{}".utf8))
            var foreign = Descriptor(
                mediaType: try #require(MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar")),
                digest: HashAlgorithm.sha256.digest(of: [1]), size: 1)
            foreign.urls = ["https://example.org/layer"]
            var inside = Descriptor(.layerGzip, of: [2, 3])
            inside.data = [2, 3]
            let manifest = ImageManifest(config: .empty, layers: [foreign, inside])
            #expect(try await client.put(manifest, as: "x").status == 201)
        }
    }

    @Test("A manifest of more than 4 MiB is taken; one beyond the limit is not")
    func large() async throws {
        try await RegistryClient.with { client in
            try await client.put(Array("{}".utf8))
            func manifest(_ count: Int) -> ImageManifest {
                ImageManifest(config: .empty, layers: [], annotations: ["x": String(repeating: "a", count: count)])
            }
            #expect(try await client.put(manifest(5 << 20), as: "large").status == 201)
            #expect(try await client.ask(.get, "manifests/large").bytes == manifest(5 << 20).bytes)
            #expect(try await client.put(manifest(9 << 20), as: "larger").status == 413)
        }
    }

    @Test("If-Match and If-None-Match keep a change that somebody else made")
    func conditions() async throws {
        try await RegistryClient.with { client in
            let first = try await client.putImage("a", tag: "x", fields: ["If-None-Match": "*"])
            let second = try await client.putImage("b")
            let taken = try await client.put(second, as: "x", fields: ["If-None-Match": "*"])
            #expect(taken.status == 412)
            let stale = "\"\(second.descriptor.digest)\""
            #expect(try await client.put(second, as: "x", fields: ["If-Match": stale]).status == 412)
            #expect(try await client.ask(.delete, "manifests/x", fields: ["If-Match": stale]).status == 412)
            let current = "\"\(first.descriptor.digest)\""
            #expect(try await client.put(second, as: "x", fields: ["If-Match": current]).status == 201)
            #expect(try await client.ask(.get, "manifests/x").bytes == second.bytes)
            #expect(try await client.put(second, as: "y", fields: ["If-Match": "*"]).status == 412)
        }
    }

    @Test("Of 16 that race with If-Match, each wins once")
    func race() async throws {
        try await RegistryClient.with { client in
            let manifests = try await withThrowingTaskGroup(of: ImageManifest.self) { group in
                for number in 0..<16 { group.addTask { try await client.putImage("\(number)") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try await client.putImage("start", tag: "x")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for manifest in manifests {
                    group.addTask {
                        while true {
                            let seen = try await client.ask(.head, "manifests/x").fields["ETag"] ?? ""
                            let answer = try await client.put(manifest, as: "x", fields: ["If-Match": seen])
                            if answer.status == 201 { return }
                            #expect(answer.status == 412)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let last = try await client.ask(.get, "manifests/x").bytes
            #expect(manifests.contains { $0.bytes == last })
        }
    }

    @Test("Tags are listed in order, in pages with a link to the next")
    func tags() async throws {
        try await RegistryClient.with { client in
            let absent = try await client.ask(.get, "tags/list")
            #expect(absent.status == 404)
            #expect(absent.errorCode == "NAME_UNKNOWN")
            let manifest = try await client.putImage("a")
            for tag in ["b", "A", "c", "a", "d"] { _ = try await client.put(manifest, as: tag) }
            #expect(
                try await client.json("tags/list") == ["name": "team/app", "tags": ["A", "a", "b", "c", "d"]])
            var seen: [String] = []
            var path: String? = "tags/list?n=2"
            while let next = path {
                let answer = try await client.ask(.get, next)
                seen += try JSON(parsing: answer.bytes)["tags"]?.arrayValue?.compactMap(\.stringValue) ?? []
                path = answer.fields["Link"].map { String($0.dropFirst().prefix { $0 != ">" }) }
            }
            #expect(seen == ["A", "a", "b", "c", "d"])
            #expect(try await client.json("tags/list?last=b")["tags"] == ["c", "d"])
            #expect(try await client.json("tags/list?n=0")["tags"] == [])
            #expect(try await client.json("tags/list?n=3&last=zzz")["tags"] == [])
            #expect(try await client.ask(.get, "tags/list?n=x").status == 400)
        }
    }

    @Test("Deleting a tag keeps the manifest; deleting the manifest takes its tags")
    func deletion() async throws {
        try await RegistryClient.with { client in
            let manifest = try await client.putImage("a", tag: "one")
            let digest = manifest.descriptor.digest
            _ = try await client.put(manifest, as: "two")
            #expect(try await client.ask(.delete, "manifests/one").status == 202)
            #expect(try await client.ask(.delete, "manifests/one").status == 404)
            #expect(try await client.ask(.get, "manifests/\(digest)").status == 200)
            #expect(try await client.ask(.delete, "manifests/\(digest)").status == 202)
            #expect(try await client.ask(.get, "manifests/two").status == 404)
            #expect(try await client.json("tags/list")["tags"] == [])
            #expect(try await client.ask(.delete, "manifests/\(digest)").status == 404)
        }
    }

    @Test("Referrers: with type and annotations, filtered, also of what is not there, and gone when deleted")
    func referrers() async throws {
        try await RegistryClient.with { client in
            let subject = try await client.putImage("a", tag: "one")
            let digest = subject.descriptor.digest
            #expect(try await client.json("referrers/\(digest)")["manifests"] == [])
            let bare = subject.descriptor.bare
            let kind = try #require(MediaType("application/x.sbom"))
            let first = try await client.putImage(
                "b", subject: bare, artifactType: kind, annotations: ["who": "me"])
            let second = try await client.putImage("c", subject: bare, artifactType: .bundle)
            let all = try await client.ask(.get, "referrers/\(digest)")
            #expect(all.status == 200)
            #expect(all.fields["Content-Type"] == MediaType.imageIndex.text)
            let index = try ImageIndex(parsing: all.bytes)
            #expect(Set(index.manifests.map(\.digest)) == [first.descriptor.digest, second.descriptor.digest])
            let entry = try #require(index.manifests.first { $0.digest == first.descriptor.digest })
            #expect(entry.artifactType == kind)
            #expect(entry.annotations == ["who": "me"])
            #expect(entry.size == first.bytes.count)
            let some = try await client.ask(.get, "referrers/\(digest)?artifactType=application%2Fx.sbom")
            #expect(some.fields["OCI-Filters-Applied"] == "artifactType")
            #expect(try ImageIndex(parsing: some.bytes).manifests.map(\.digest) == [first.descriptor.digest])
            let put = try await client.put(first, as: "again")
            #expect(put.fields["OCI-Subject"] == "\(digest)")
            #expect(try await client.ask(.delete, "manifests/\(first.descriptor.digest)").status == 202)
            #expect(try await client.json("referrers/\(digest)")["manifests"]?.arrayValue?.count == 1)
            // The subject may come later, or never.
            let absent = Descriptor(.imageManifest, of: [1])
            try await client.putImage("d", subject: absent)
            #expect(try await client.json("referrers/\(absent.digest)")["manifests"]?.arrayValue?.count == 1)
            #expect(try await client.ask(.get, "referrers/nonsense").status == 400)
            #expect(try await client.ask(.get, "/v2/no/where/referrers/\(digest)").status == 200)
        }
    }

    @Test("Indexes, nested ones too; one that names what is not there only in a registry that allows it")
    func indexes() async throws {
        try await RegistryClient.with { client in
            let one = try await client.putImage("a")
            let two = try await client.putImage("b")
            let inner = ImageIndex(manifests: [one.descriptor, two.descriptor])
            let outer = ImageIndex(manifests: [inner.descriptor])
            func put(_ index: ImageIndex, _ name: String) async throws -> Int {
                try await client.ask(
                    .put, "manifests/\(name)", fields: ["Content-Type": MediaType.imageIndex.text], body: index.bytes
                ).status
            }
            #expect(try await put(outer, "outer") == 404)
            #expect(try await put(inner, "inner") == 201)
            #expect(try await put(outer, "outer") == 201)
        }
        try await RegistryClient.with(["sparse": true]) { client in
            let index = ImageIndex(manifests: [Descriptor(.imageManifest, of: [1])])
            let answer = try await client.ask(
                .put, "manifests/x", fields: ["Content-Type": MediaType.imageIndex.text], body: index.bytes)
            #expect(answer.status == 201)
        }
    }

    @Test("The store is an OCI layout, and another process's changes are seen")
    func layout() async throws {
        let directory = try TemporaryDirectory()
        try await RegistryClient.with(in: directory) { client in
            let manifest = try await client.putImage("a", tag: "one")
            let other = try ImageStore(directory["registry"])
            #expect(try other.index("team/app").tags == ["one": manifest.descriptor.digest])
            try other.put(
                .image(manifest), digest: manifest.descriptor.digest, in: "team/app", tags: ["two"])
            #expect(try await client.ask(.get, "manifests/two").bytes == manifest.bytes)
            let index = try JSON(parsing: directory.read("registry/repositories/team/app/_oci/index.json"))
            let names = index["manifests"]?.arrayValue?.compactMap {
                $0["annotations"]?["org.opencontainers.image.ref.name"]?.stringValue
            }
            #expect(names == ["one", "two"])
        }
    }
}
