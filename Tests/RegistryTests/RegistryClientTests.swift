import Bytes
import Host
import LoopbackServer
import Synchronization
import SystemPackage
import TestKit
import Testing
import Wire

@testable import Registry

/// The client against a registry that misbehaves.
struct RegistryClientTests {
    typealias Reply = LoopbackServer.Reply

    static func settings(_ change: (inout RegistrySettings) -> Void = { _ in }) -> RegistrySettings {
        var wire = WireSettings(userAgent: "martlet/test")
        // Other tests may keep this machine busy for long.
        wire.deadline = .seconds(600)
        wire.pause = { _ in await Task.yield() }
        var settings = RegistrySettings(wire: wire, credentials: CredentialStore(environment: [:]))
        change(&settings)
        return settings
    }

    private func with(
        _ registry: HostileRegistry, _ change: (inout RegistrySettings) -> Void = { _ in },
        _ body: (RemoteRepository) async throws -> Void
    ) async throws {
        let client = RegistryClient(Self.settings(change))
        do {
            try await body(client.repository(try registry.reference()))
        } catch {
            await client.close()
            await registry.close()
            throw error
        }
        await client.close()
        await registry.close()
    }

    private func code(_ body: () async throws -> Void) async -> RegistryError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? RegistryError)?.code ?? RegistryError.Code(name: "\(error)")
        }
    }

    private func read(_ repository: RemoteRepository) async throws -> [UInt8] {
        try await repository.blob(Self.blob).bytes(limit: 1 << 20)
    }

    private static let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    private static var blob: Descriptor { Descriptor(.layer, of: content) }

    private static func add(_ content: [UInt8], to registry: HostileRegistry) {
        registry.state.withLock { $0.blobs["\(HashAlgorithm.sha256.digest(of: content))"] = content }
    }

    @Test("an image goes in and comes out again, byte for byte")
    func roundTrip() async throws {
        let directory = try TemporaryDirectory()
        let (layout, manifest) = try await LayoutTests.layout(directory["in"])
        try await with(try await HostileRegistry()) { repository in
            let pushed = try await ImageCopy(from: layout, to: repository).run(.tag("t"), tag: "t")
            #expect(pushed.descriptor.digest == manifest.descriptor.digest)
            let target = try OCILayout(creating: directory["out"])
            _ = try await ImageCopy(from: repository, to: target).run(.tag("t"), tag: "u")
            #expect(try target.find(.tag("u")).manifest == .image(manifest))
            for layer in manifest.layers { #expect(try target.hasBlob(layer)) }
            #expect(try await repository.tags() == ["a", "b"])
            #expect(try await repository.resolve(.tag("t")) == manifest.descriptor)
            #expect(try Files.list(directory["out"]).sorted() == ["blobs", "index.json", "oci-layout"])
        }
    }

    @Test("a second push asks once whether the image is there, and moves nothing")
    func secondPush() async throws {
        let directory = try TemporaryDirectory()
        let (layout, _) = try await LayoutTests.layout(directory["in"])
        let registry = try await HostileRegistry()
        try await with(registry) { repository in
            _ = try await ImageCopy(from: layout, to: repository).run(.tag("t"), tag: "t")
            let before = registry.requests.count
            _ = try await ImageCopy(from: layout, to: repository).run(.tag("t"), tag: "t")
            #expect(registry.requests.count - before == 2)
        }
    }

    @Test(
        "only 404 means absent; every other failure is told apart",
        arguments: [
            (404, RegistryError.Code.absent), (401, .refused), (403, .refused), (400, .refused), (405, .unsupported),
            (429, .unreachable), (500, .unreachable), (502, .unreachable), (503, .unreachable), (418, .refused),
        ])
    func statuses(_ status: Int, _ expected: RegistryError.Code) async throws {
        let registry = try await HostileRegistry { _, _ in
            .answer(Reply(status, #"{"errors":[{"code":"X","message":"why"}]}"#))
        }
        try await with(registry) { repository in
            #expect(await code { _ = try await repository.manifest(.tag("t")) } == expected)
            #expect(await code { _ = try await read(repository) } == expected)
            // A registry that fails is not one that knows of no referrers.
            if status != 404 {
                #expect(await code { _ = try await repository.referrers(of: Self.blob.digest, kind: nil) } == expected)
                #expect(await code { _ = try await repository.attachments(of: Self.blob.digest) } == expected)
            }
        }
    }

    @Test("a registry that nobody answers for is unreachable")
    func nobody() async throws {
        let registry = try await HostileRegistry()
        let reference = try registry.reference()
        await registry.close()
        let client = RegistryClient(Self.settings())
        #expect(await code { _ = try await client.repository(reference).manifest(.tag("t")) } == .unreachable)
        await client.close()
    }

    @Test("a manifest that is not what its digest names is refused")
    func wrongManifest() async throws {
        let registry = try await HostileRegistry()
        let manifest = ImageManifest(config: .empty, layers: [])
        let other = ImageManifest(config: .empty, layers: [], annotations: ["a": "b"])
        registry.state.withLock { state in
            state.manifests["\(manifest.descriptor.digest)"] = (MediaType.imageManifest.text, other.bytes)
        }
        try await with(registry) { repository in
            #expect(await code { _ = try await repository.manifest(.digest(manifest.descriptor.digest)) } == .mismatch)
        }
    }

    @Test("a tag whose answer contradicts its own digest is refused")
    func lyingDigest() async throws {
        let manifest = ImageManifest(config: .empty, layers: [])
        let registry = try await HostileRegistry { _, _ in
            .answer(
                Reply(
                    200, bytes: manifest.bytes,
                    fields: [
                        ("Content-Type", MediaType.imageManifest.text),
                        ("Docker-Content-Digest", "\(HashAlgorithm.sha256.digest(of: [1]))"),
                    ]))
        }
        try await with(registry) { repository in
            #expect(await code { _ = try await repository.manifest(.tag("t")) } == .mismatch)
        }
    }

    @Test("content that is wrong, short or long is refused", arguments: ["changed", "short", "long"])
    func wrongBlob(_ how: String) async throws {
        let registry = try await HostileRegistry { _, _ in
            .change { reply in
                switch how {
                case "changed": reply.body[100] ^= 1
                case "short": reply.body.removeLast(10)
                default: reply.body += [1, 2, 3]
                }
            }
        }
        Self.add(Self.content, to: registry)
        try await with(registry) { repository in
            let found = await code { _ = try await read(repository) }
            // What is short is asked for again, until it is clear that nothing more comes.
            #expect(found == .mismatch || (how == "short" && found == .unreachable))
        }
    }

    @Test("a download that breaks off goes on where it broke")
    func resumedDownload() async throws {
        let registry = try await HostileRegistry { _, number in number <= 3 ? .breakAfter(70_000) : nil }
        Self.add(Self.content, to: registry)
        try await with(registry) { repository in
            let got = try await read(repository)
            #expect(got == Self.content)
            #expect(registry.requests[1]["range"]?.hasPrefix("bytes=") == true)
            #expect(registry.requests.dropFirst().allSatisfy { $0["range"] != nil })
        }
    }

    @Test("a server that ignores ranges is read from its start again, and nothing is taken twice")
    func ignoredRange() async throws {
        let registry = try await HostileRegistry { request, number in
            if number == 1 { return .breakAfter(70_000) }
            return .answer(Reply(200, bytes: Self.content))
        }
        Self.add(Self.content, to: registry)
        try await with(registry) { repository in
            let got = try await read(repository)
            #expect(got == Self.content)
        }
    }

    @Test("a server that continues elsewhere, or with other content, is refused", arguments: [true, false])
    func wrongContinuation(isPlace: Bool) async throws {
        let registry = try await HostileRegistry { _, number in
            if number == 1 { return .breakAfter(70_000) }
            return .change { reply in
                if isPlace {
                    reply.fields = [("Content-Range", "bytes 5-9/10")]
                } else {
                    reply.body = [UInt8](repeating: 0, count: reply.body.count)
                }
            }
        }
        Self.add(Self.content, to: registry)
        try await with(registry) { repository in
            #expect(await code { _ = try await read(repository) } == .mismatch)
        }
    }

    @Test("a download that another process began is continued with a range")
    func continuedDownload() async throws {
        let directory = try TemporaryDirectory()
        let registry = try await HostileRegistry()
        Self.add(Self.content, to: registry)
        try await with(registry) { repository in
            let layout = try OCILayout(creating: directory["l"])
            var begun = try BlobFile(Self.blob, partial: layout.partial)
            try begun.write(Array(Self.content.prefix(200_000)))
            _ = consume begun
            try await layout.receive(Self.blob, from: repository)
            #expect(registry.requests.map { $0["range"] } == ["bytes=200000-"])
            #expect(try layout.read(Self.blob, limit: 1 << 20) == Self.content)
        }
    }

    @Test("a download of which another process left wrong bytes is refused once, and then begins anew")
    func damagedDownload() async throws {
        let directory = try TemporaryDirectory()
        let registry = try await HostileRegistry()
        Self.add(Self.content, to: registry)
        try await with(registry) { repository in
            let layout = try OCILayout(creating: directory["l"])
            var begun = try BlobFile(Self.blob, partial: layout.partial)
            try begun.write([UInt8](repeating: 1, count: 200_000))
            _ = consume begun
            #expect(await code { try await layout.receive(Self.blob, from: repository) } == .mismatch)
            #expect(try !layout.hasBlob(Self.blob))
            try await layout.receive(Self.blob, from: repository)
            #expect(registry.requests.map { $0["range"] } == ["bytes=200000-", nil])
            #expect(try layout.read(Self.blob, limit: 1 << 20) == Self.content)
        }
    }

    @Test("a large upload goes in pieces, and what breaks is asked for and continued")
    func resumedUpload() async throws {
        let directory = try TemporaryDirectory()
        let (source, _) = try await LayoutTests.layout(directory["l"])
        try source.write(Self.content, as: Self.blob)
        // The second piece arrives in part, and the connection breaks; the third is throttled.
        let patches = Mutex(0)
        let registry = try await HostileRegistry { request, _ in
            guard request.method == "PATCH" else { return nil }
            let number = patches.withLock { count in
                count += 1
                return count
            }
            switch number {
            case 2: return .takePart(30_000)
            case 4: return .answer(Reply(429, "", fields: [("Retry-After", "1")]))
            default: return nil
            }
        }
        try await with(registry, { $0.chunkSize = 100_000 }) { repository in
            try await repository.receive(Self.blob, from: source)
            #expect(registry.state.withLock { $0.blobs["\(Self.blob.digest)"] } == Self.content)
            let sent = registry.requests.filter { $0.method == "PATCH" }.reduce(0) { $0 + $1.body.count }
            #expect(sent <= Self.content.count + 2 * 100_000)
            #expect(registry.count("GET", "/uploads/") == 2)
        }
    }

    @Test("an upload that a killed process began is continued by the next")
    func continuedUpload() async throws {
        let directory = try TemporaryDirectory()
        let (source, _) = try await LayoutTests.layout(directory["l"])
        try source.write(Self.content, as: Self.blob)
        // From the second piece on nobody answers: as far as the registry knows, the client was killed.
        let isDead = Mutex(true)
        let patches = Mutex(0)
        let registry = try await HostileRegistry { request, _ in
            guard isDead.withLock({ $0 }) else { return nil }
            if request.method == "PATCH" {
                return patches.withLock { count in
                    count += 1
                    return count
                } > 1 ? .drop : nil
            }
            return request.method == "GET" && request.target.contains("uploads/") ? .answer(Reply(503)) : nil
        }
        let change: (inout RegistrySettings) -> Void = {
            $0.chunkSize = 100_000
            $0.state = directory["state"]
        }
        let client = RegistryClient(Self.settings(change))
        let first = client.repository(try registry.reference())
        #expect(await code { try await first.receive(Self.blob, from: source) } == .unreachable)
        await client.close()
        isDead.withLock { $0 = false }
        let before = registry.requests.count
        try await with(registry, change) { repository in
            try await repository.receive(Self.blob, from: source)
            #expect(registry.state.withLock { $0.blobs["\(Self.blob.digest)"] } == Self.content)
            let sent = registry.requests.dropFirst(before).filter { $0.method == "PATCH" }.reduce(0) {
                $0 + $1.body.count
            }
            #expect(sent == 200_000)
            #expect(try Files.list(directory["state"]).isEmpty)
        }
    }

    @Test("a registry that asks for greater pieces gets them")
    func chunkMinimum() async throws {
        let registry = try await HostileRegistry { request, _ in
            request.method == "POST" ? .change { $0.fields.append(("OCI-Chunk-Min-Length", "250000")) } : nil
        }
        try await with(registry, { $0.chunkSize = 100_000 }) { repository in
            try await repository.receive(Self.blob, content: Self.content)
            let sizes = registry.requests.filter { $0.method == "PATCH" }.map(\.body.count)
            #expect(sizes == [250_000, 50_000])
        }
    }

    @Test("a registry that forgets an upload gets it anew")
    func forgottenUpload() async throws {
        let puts = Mutex(0)
        let registry = try await HostileRegistry { request, _ in
            guard request.method == "PUT", request.target.contains("uploads") else { return nil }
            let isFirst = puts.withLock { count in
                count += 1
                return count == 1
            }
            return isFirst ? .answer(Reply(404)) : nil
        }
        try await with(registry) { repository in
            try await repository.receive(Self.blob, content: Self.content)
            #expect(registry.count("POST") == 2)
        }
    }

    @Test("a warning of the registry is shown once")
    func warnings() async throws {
        let shown = Mutex<[String]>([])
        let registry = try await HostileRegistry { _, _ in
            .change { $0.fields.append(("Warning", "299 - \"this tag goes away\"")) }
        }
        Self.add(Self.content, to: registry)
        try await with(registry, { $0.warn = { text in shown.withLock { $0.append(text) } } }) { repository in
            for _ in 0..<3 { _ = try await read(repository) }
        }
        #expect(shown.withLock { $0.count } == 1)
        #expect(shown.withLock { $0.first }?.hasSuffix("warns: this tag goes away") == true)
    }

    @Test("a list of tags that leads to itself or to another server is refused", arguments: ["loop", "elsewhere"])
    func pages(_ how: String) async throws {
        let registry = try await HostileRegistry { request, _ in
            let link = how == "loop" ? "</v2/team/app/tags/list?n=1000&last=b>" : "<https://elsewhere.example/v2/x>"
            return .change { $0.fields.append(("Link", "\(link); rel=\"next\"")) }
        }
        try await with(registry) { repository in
            #expect(await code { _ = try await repository.tags() } == (how == "loop" ? .malformed : .refused))
        }
    }

    @Test("credentials stay with the registry when it sends the client elsewhere")
    func redirects() async throws {
        let storage = try await HostileRegistry()
        Self.add(Self.content, to: storage)
        let address = "http://127.0.0.1:\(storage.port)/v2/team/app/blobs/\(Self.blob.digest)"
        let registry = try await HostileRegistry { request, _ in
            guard request["authorization"] != nil else {
                return .answer(Reply(401, "", fields: [("WWW-Authenticate", "Basic realm=\"x\"")]))
            }
            return .answer(Reply(307, "", fields: [("Location", address)]))
        }
        try await with(registry, { $0.credentials.given = .password(user: "u", password: "secret") }) { repository in
            let got = try await read(repository)
            #expect(got == Self.content)
            #expect(storage.requests.count == 1)
            #expect(storage.requests[0]["authorization"] == nil)
        }
        await storage.close()
    }

    @Test("a registry elsewhere is never asked without encryption, unless somebody says so")
    func plainHTTP() throws {
        let client = RegistryClient(Self.settings())
        #expect(try client.url(Reference("registry.example/a"), "x").isSecure)
        #expect(try client.url(Reference("localhost:5000/a"), "x").isSecure == false)
        let told = RegistryClient(Self.settings { $0.allowsPlainHTTP = true })
        #expect(try told.url(Reference("registry.example/a"), "x").isSecure == false)
    }

    @Test("the address of an upload may be absolute, relative, or have a query")
    func locations() async throws {
        for location in ["/v2/team/app/blobs/uploads/1", "/v2/team/app/blobs/uploads/1?a=b", "uploads/1"] {
            let registry = try await HostileRegistry { request, _ in
                request.method == "POST" ? .change { $0.fields = [("Location", location)] } : nil
            }
            try await with(registry) { repository in
                // `uploads/1` is relative to `/v2/team/app/blobs/uploads/`.
                let code = await code { try await repository.receive(Self.blob, content: Self.content) }
                let put = registry.requests.first { $0.method == "PUT" }?.target ?? ""
                #expect(put.contains("digest=sha256%3A"))
                #expect(code == nil || location == "uploads/1")
            }
        }
    }
}
