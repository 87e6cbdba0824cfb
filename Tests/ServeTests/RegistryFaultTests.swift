import Bytes
import Host
import Registry
import SystemPackage
import TestKit
import Testing
import Wire

@testable import Serve

/// Hostile names and content, broken uploads, restarts, collection and access.
struct RegistryFaultTests {
    private let bytes = [UInt8](repeating: 7, count: 100_000)

    @Test(
        "Names that no repository has are refused, and nothing is made of them",
        arguments: [
            "..", "a/../b", "../../etc", "A", "a//b", "_oci", "a/_oci/b", "a/%2e%2e/b", "a%2fb", "%C3%A4", "a%00b",
            "-a",
            "a/", ".", String(repeating: "a", count: 256), String(repeating: "a/", count: 200) + "b",
        ])
    func names(_ name: String) async throws {
        let directory = try TemporaryDirectory()
        let bytes = bytes
        try await RegistryClient.with(in: directory) { client in
            let digest = HashAlgorithm.sha256.digest(of: bytes)
            let paths: [(Wire.HTTPRequest.Method, String)] = [
                (.post, "blobs/uploads/"), (.post, "blobs/uploads/?digest=\(digest)"), (.get, "blobs/\(digest)"),
                (.delete, "blobs/\(digest)"), (.put, "manifests/x"), (.get, "manifests/x"), (.get, "tags/list"),
                (.get, "referrers/\(digest)"), (.delete, "manifests/x"),
                (.post, "blobs/uploads/?mount=\(digest)&from=a"),
            ]
            for (method, path) in paths {
                let body: [UInt8]? = method == .put || method == .post ? bytes : nil
                let answer = try await client.ask(method, "/v2/\(name)/\(path)", body: body)
                #expect(answer.status == 400 || answer.status == 404, "\(method) \(path): \(answer.text)")
                #expect(answer.errorCode != nil)
            }
            // Mounting from such a name is an upload like any other.
            let mount = try await client.ask(
                .post, "blobs/uploads/?mount=\(digest)&from=\(DistributionQuery.encode(name))")
            #expect([202, 400].contains(mount.status))
        }
        #expect(try Files.list(directory["registry/repositories"]).allSatisfy { $0 == "team" })
        #expect(try Files.list(directory.path).sorted() == ["lock", "registry"])
    }

    @Test("A file of users that says what no user is stops the start")
    func wrongUsers() async throws {
        for line in ["alice", "alice:secret", "a b:$scrypt$", "alice:$scrypt$ln=1,r=8,p=1$AA$AA:all"] {
            let directory = try TemporaryDirectory()
            try directory.write(line, to: "registry/users")
            let error = await #expect(throws: ServeError.self) {
                try await RegistryClient.with(in: directory) { _ in }
            }
            #expect(error?.code == .configuration)
        }
    }

    @Test("Uploads of other names are refused", arguments: ["..", "x", String(repeating: "0", count: 32), "%2e%2e%2f"])
    func uploadNames(_ id: String) async throws {
        try await RegistryClient.with { client in
            try await client.put([1])
            for method in [Wire.HTTPRequest.Method.get, .patch, .delete] {
                let answer = try await client.ask(method, "blobs/uploads/\(id)", body: method == .patch ? [1] : nil)
                #expect(answer.status == 404, "\(method): \(answer.text)")
            }
            // One repository's uploads are not another's.
            let place = try await client.begin()
            let other = place.replacing("team/app", with: "team/other")
            #expect(try await client.ask(.patch, other, body: [1]).status == 404)
        }
    }

    @Test("An upload goes on after a restart, from the byte that was written last")
    func restart() async throws {
        let directory = try TemporaryDirectory()
        let bytes = bytes
        let places = Lines()
        try await RegistryClient.with(in: directory) { client in
            let place = try await client.begin()
            #expect(try await client.ask(.patch, place, body: Array(bytes[..<60_000])).status == 202)
            places.add(place)
        }
        try await RegistryClient.with(in: directory) { client in
            let place = places.all[0]
            #expect(try await client.ask(.get, place).fields["Range"] == "0-59999")
            let digest = HashAlgorithm.sha256.digest(of: bytes)
            let answer = try await client.ask(
                .put, "\(place)?digest=\(digest)", fields: ["Content-Range": "60000-99999"],
                body: Array(bytes[60_000...]))
            #expect(answer.status == 201)
            #expect(try await client.ask(.get, "blobs/\(digest)").bytes == bytes)
        }
    }

    @Test("Sixteen uploads of one blob at once make one blob")
    func sameBlob() async throws {
        let directory = try TemporaryDirectory()
        let bytes = bytes
        try await RegistryClient.with(in: directory) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        var client = client
                        client.repository = "team/app\(number % 2)"
                        try await client.put(bytes)
                    }
                }
                try await group.waitForAll()
            }
            let digest = Digest.of(bytes)
            let pool = directory["registry/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)"]
            #expect(try Files.status(pool)?.linkCount == 3)
            for name in ["team/app0", "team/app1"] {
                #expect(try Files.list(directory["registry/repositories/\(name)/_oci/uploads"]) == [])
            }
        }
    }

    @Test("Two requests can't write to one upload at once")
    func claim() async throws {
        try await RegistryClient.with { client in
            let place = try await client.begin()
            let face = try #require(client.server.site.face(RegistryFace.self))
            let upload = try face.store.upload(String(place.split(separator: "/").last ?? ""), in: client.repository)
            #expect(upload.claim())
            let answer = try await client.ask(.patch, place, body: [1])
            #expect(answer.status == 409)
            #expect(answer.errorCode == "BLOB_UPLOAD_INVALID")
            upload.release()
            #expect(try await client.ask(.patch, place, body: [1]).status == 202)
        }
    }

    @Test("Indexes that name each other, and a manifest that refers to itself, end every walk")
    func cycles() async throws {
        let directory = try TemporaryDirectory()
        try await RegistryClient.with(["sparse": true], in: directory) { client in
            let subject = try await client.putImage("a", tag: "keep")
            let index = ImageIndex(
                manifests: [subject.descriptor, subject.descriptor], subject: subject.descriptor.bare)
            let answer = try await client.ask(
                .put, "manifests/index", fields: ["Content-Type": MediaType.imageIndex.text], body: index.bytes)
            #expect(answer.status == 201)
            var rules = ImageStore.CollectionRules()
            rules.removesUntagged = true
            rules.blobAge = 0
            _ = try await FileThreads.run { [rules] in try ImageStore(directory["registry"]).collect(rules) }
            #expect(try await client.ask(.get, "manifests/keep").status == 200)
            #expect(try await client.ask(.get, "manifests/index").status == 200)
        }
    }

    @Test("Collection keeps what is named or young, and takes the rest")
    func collection() async throws {
        let directory = try TemporaryDirectory()
        let bytes = bytes
        try await RegistryClient.with(in: directory) { client in
            let kept = try await client.putImage("kept", tag: "x")
            let untagged = try await client.putImage("untagged")
            let referrer = try await client.putImage("referrer", subject: kept.descriptor.bare)
            let orphan = try await client.put(bytes)
            _ = try await client.ask(.patch, try await client.begin(), body: bytes)
            let store = try ImageStore(directory["registry"])
            var rules = ImageStore.CollectionRules()
            // Everything is young.
            #expect(try store.collect(rules) == ImageStore.CollectionReport())
            (rules.blobAge, rules.uploadAge, rules.removesUntagged, rules.isRehearsal) = (0, 0, true, true)
            let rehearsal = try store.collect(rules)
            #expect(try await client.ask(.get, "blobs/\(orphan.digest)").status == 200)
            rules.isRehearsal = false
            let report = try store.collect(rules)
            #expect(report.manifests == 1)
            #expect(rehearsal.manifests == 1)
            // The orphan, and manifest and layer of the untagged image; the configuration is the others' too.
            #expect(report.blobs == 3)
            #expect(report.uploads == 1)
            #expect(try await client.ask(.get, "blobs/\(orphan.digest)").status == 404)
            #expect(try await client.ask(.get, "manifests/\(untagged.descriptor.digest)").status == 404)
            for manifest in [kept, referrer] {
                #expect(try await client.ask(.get, "manifests/\(manifest.descriptor.digest)").status == 200)
                #expect(try await client.ask(.get, "blobs/\(manifest.layers[0].digest)").status == 200)
            }
            #expect(
                try !Files.exists(
                    directory["registry/blobs/sha256/\(orphan.digest.hex.prefix(2))/\(orphan.digest.hex)"]))
            // And it can be put again.
            try await client.put(bytes)
        }
    }

    @Test("Collections beside pushes break no push")
    func collectionBesidePushes() async throws {
        let directory = try TemporaryDirectory()
        try await RegistryClient.with(in: directory) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<4 {
                    group.addTask {
                        for round in 0..<5 {
                            let manifest = try await client.putImage("\(worker) \(round)", tag: "t\(worker)")
                            let answer = try await client.ask(.get, "blobs/\(manifest.layers[0].digest)")
                            #expect(answer.status == 200)
                        }
                    }
                }
                group.addTask {
                    var rules = ImageStore.CollectionRules()
                    rules.removesUntagged = true
                    for _ in 0..<10 {
                        _ = try await FileThreads.run { [rules] in try ImageStore(directory["registry"]).collect(rules)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("Users: strangers, wrong passwords, readers and writers")
    func users() async throws {
        let directory = try TemporaryDirectory()
        // Hashes by Python's hashlib.scrypt, of a cost that suits tests.
        let users = """
            # who may
            alice:$scrypt$ln=1,r=8,p=1$c2FsdCBvZiBhbGljZS4uLg$6SPzgd5NVjuql/JyXyqcehEcJMd7KbsAIKz0rtCyBnM

            bob:$scrypt$ln=1,r=8,p=1$c2FsdCBvZiBib2IuLi4uLg$1vyPFNKNATgbvZgrid9YupZKt7q/fM1Qs0mxzkoko4g:pull
            """
        try directory.write(users, to: "registry/users")
        @Sendable func basic(_ text: String) -> Wire.HTTPFields {
            ["Authorization": "Basic \(Base64.encode(Array(text.utf8)))"]
        }
        for anonymous in ["none", "pull"] {
            try await RegistryClient.with(["anonymous": .string(anonymous)], in: directory) { client in
                let stranger = try await client.ask(.get, "/v2/")
                #expect(stranger.status == 401)
                #expect(stranger.fields["WWW-Authenticate"]?.hasPrefix("Basic ") == true)
                #expect(stranger.errorCode == "UNAUTHORIZED")
                #expect(try await client.ask(.get, "/v2/", fields: basic("alice:right")).status == 200)
                for wrong in ["alice:wrong", "alice:right ", "alice", "", "alice:", "bob:other"] {
                    #expect(try await client.ask(.get, "/v2/", fields: basic(wrong)).status == 401)
                }
                for field in ["Bearer x", "Basic", "Basic !", "basic"] {
                    #expect(try await client.ask(.get, "/v2/", fields: ["Authorization": field]).status == 401)
                }
                let read = try await client.ask(.get, "tags/list")
                #expect(read.status == (anonymous == "none" ? 401 : 404))
                #expect(try await client.ask(.post, "blobs/uploads/").status == 401)
                let reader = try await client.ask(.post, "blobs/uploads/", fields: basic("bob:other:word"))
                #expect(reader.status == 403)
                #expect(reader.errorCode == "DENIED")
                #expect(try await client.ask(.get, "tags/list", fields: basic("bob:other:word")).status == 404)
                #expect(try await client.ask(.post, "blobs/uploads/", fields: basic("alice:right")).status == 202)
            }
            try Files.removeTree(directory["registry/repositories"])
        }
    }

    @Test("A read-only registry answers reads, and refuses everything else")
    func readOnly() async throws {
        let directory = try TemporaryDirectory()
        try await RegistryClient.with(in: directory) { try await $0.putImage("a", tag: "x") }
        try await RegistryClient.with(["readOnly": true], in: directory) { client in
            #expect(try await client.ask(.get, "manifests/x").status == 200)
            for (method, path) in [(Wire.HTTPRequest.Method.post, "blobs/uploads/"), (.delete, "manifests/x")] {
                let answer = try await client.ask(method, path)
                #expect(answer.status == 405)
                #expect(answer.errorCode == "UNSUPPORTED")
            }
            #expect(try await client.server.ask(.get, "/healthz").status == 200)
        }
    }

    @Test("Paths are read from their end, so that names may hold the protocol's own words")
    func paths() {
        #expect(DistributionPath("/v2/") == .root)
        #expect(DistributionPath("/v2/a/blobs/uploads/") == .uploads(repository: "a"))
        #expect(DistributionPath("/v2/a/blobs/uploads") == .uploads(repository: "a"))
        #expect(DistributionPath("/v2/blobs/uploads/blobs/uploads/") == .uploads(repository: "blobs/uploads"))
        #expect(DistributionPath("/v2/a/manifests/tags/list") == .tags(repository: "a/manifests"))
        #expect(DistributionPath("/v2/tags/list/manifests/x") == .manifest(repository: "tags/list", name: "x"))
        #expect(
            DistributionPath("/v2/a/blobs/sha256%3Aab") == .blob(repository: "a", digest: "sha256:ab"))
        for path in ["", "/v1/", "/v2x", "/v2/a", "/v2/a%/tags/list", "/v2/a%2Fb/tags/list", "/v2//", "/v2/a/b/c"] {
            #expect(DistributionPath(path) == nil, "\(path)")
        }
    }
}
