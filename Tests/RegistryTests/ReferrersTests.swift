import Bytes
import Host
import LoopbackServer
import Synchronization
import SystemPackage
import TestKit
import Testing

@testable import Registry

/// What is attached to images, on registries that keep lists of it and on those that do not.
struct ReferrersTests {
    private static let subject = ImageManifest(config: .empty, layers: [], artifactType: .statement)

    private func content(_ number: Int) throws -> AttachedContent {
        AttachedContent(
            bundle: Array(#"{"n":\#(number)}"#.utf8), predicateType: "https://example.org/\(number % 2)",
            created: try #require(Timestamp("2026-01-01T00:00:00Z")))
    }

    private func with(
        keepsReferrers: Bool, mischief: @escaping HostileRegistry.Mischief = { _, _ in nil },
        _ body: (HostileRegistry, RemoteRepository, Descriptor) async throws -> Void
    ) async throws {
        let registry = try await HostileRegistry(keepsReferrers: keepsReferrers, mischief)
        let client = RegistryClient(RegistryClientTests.settings())
        let repository = client.repository(try registry.reference())
        try await repository.receive(.empty, content: Array("{}".utf8))
        try await repository.put(.image(Self.subject), as: Self.subject.descriptor, tag: "t")
        do {
            try await body(registry, repository, Self.subject.descriptor)
        } catch {
            await client.close()
            await registry.close()
            throw error
        }
        await client.close()
        await registry.close()
    }

    @Test("a bundle is attached as cosign's specification has it")
    func bundleManifest() throws {
        let manifest = try content(1).manifest(about: Self.subject.descriptor)
        let json = try JSON(parsing: manifest.bytes)
        #expect(json["artifactType"]?.stringValue == "application/vnd.dev.sigstore.bundle.v0.3+json")
        #expect(json["config"]?["mediaType"]?.stringValue == "application/vnd.oci.empty.v1+json")
        #expect(json["config"]?["artifactType"]?.stringValue == "application/vnd.dev.sigstore.bundle.v0.3+json")
        #expect(json["layers"]?.arrayValue?.count == 1)
        #expect(json["subject"]?["digest"]?.stringValue == "\(Self.subject.descriptor.digest)")
        #expect(json["annotations"]?["dev.sigstore.bundle.content"]?.stringValue == "dsse-envelope")
        #expect(json["annotations"]?["dev.sigstore.bundle.predicateType"]?.stringValue == "https://example.org/1")
        #expect(json["annotations"]?["org.opencontainers.image.created"]?.stringValue == "2026-01-01T00:00:00Z")
        #expect(try content(1).manifest(about: Self.subject.descriptor) == manifest)
    }

    @Test("what is attached is found again, with its annotations, and by its type", arguments: [true, false])
    func attaching(keepsReferrers: Bool) async throws {
        try await with(keepsReferrers: keepsReferrers) { registry, repository, subject in
            for number in 0..<3 { _ = try await content(number).attach(to: subject, in: repository) }
            let found = try await repository.referrers(of: subject.digest, kind: nil)
            #expect(found.count == 3)
            #expect(
                found.allSatisfy {
                    $0.artifactType == .bundle && $0.annotations[Attachment.contentAnnotation] == "dsse-envelope"
                })
            #expect(try await repository.referrers(of: subject.digest, kind: .statement).isEmpty)
            #expect(try await repository.referrers(of: subject.digest, kind: .bundle).count == 3)
            let tag = RemoteRepository.fallbackTag(subject.digest)
            #expect((registry.state.withLock { $0.manifests[tag] } == nil) == keepsReferrers)
            let some = try await repository.attachments(of: subject.digest, predicateType: "https://example.org/1")
            #expect(some.count == 1)
            #expect(try await repository.content(some[0].content, limit: 99) == Array(#"{"n":1}"#.utf8))
        }
    }

    @Test("content that a registry loses sight of for a moment is waited for")
    func contentOutOfSight() async throws {
        let refusals = Mutex(2)
        let mischief: HostileRegistry.Mischief = { request, number in
            guard request.method == "PUT", request.target.contains("/manifests/sha256:"),
                refusals.withLock({ left in
                    left -= 1
                    return left >= 0
                })
            else { return nil }
            return .answer(
                .init(400, #"{"errors":[{"code":"DIGEST_INVALID"},{"code":"MANIFEST_BLOB_UNKNOWN","message":"x"}]}"#))
        }
        try await with(keepsReferrers: true, mischief: mischief) { registry, repository, subject in
            _ = try await content(1).attach(to: subject, in: repository)
            #expect(registry.count("PUT", "/manifests/sha256:") == 3)
            #expect(try await repository.referrers(of: subject.digest, kind: nil).count == 1)
        }
    }

    @Test("a list that somebody overwrites while one writes keeps both")
    func lostUpdate() async throws {
        let other = try content(7).manifest(about: Self.subject.descriptor)
        let tag = RemoteRepository.fallbackTag(Self.subject.descriptor.digest)
        let overwritten = ImageIndex(manifests: [Manifest.image(other).referrer])
        let puts = Counter()
        try await with(
            keepsReferrers: false,
            mischief: { request, _ in
                guard request.method == "PUT", request.target.hasSuffix(tag), puts.next() == 1 else { return nil }
                // Somebody who read the list before writes it after: this one's entry is gone.
                return .change { _ in }
            }
        ) { registry, repository, subject in
            let own = try content(1).manifest(about: subject)
            // The first look after writing sees the other's list.
            try await repository.receive(content(1).manifest(about: subject).layers[0], content: content(1).bytes)
            async let attached: Void = repository.attach(.image(own))
            while registry.state.withLock({ $0.manifests[tag] }) == nil { await Task.yield() }
            registry.state.withLock { $0.manifests[tag] = (MediaType.imageIndex.text, overwritten.bytes) }
            try await attached
            let found = try await repository.referrers(of: subject.digest, kind: nil)
            #expect(Set(found.map(\.digest)).isSuperset(of: [own.descriptor.digest, other.descriptor.digest]))
        }
    }

    @Test("a list that can't be asked is an error, and not taken for an empty one", arguments: [429, 500, 403])
    func unreachable(_ status: Int) async throws {
        try await with(
            keepsReferrers: false,
            mischief: { request, _ in
                request.target.contains("sha256-") ? .answer(LoopbackServer.Reply(status)) : nil
            }
        ) { _, repository, subject in
            await #expect(throws: RegistryError.self) { try await repository.referrers(of: subject.digest, kind: nil) }
            await #expect(throws: RegistryError.self) { try await content(1).attach(to: subject, in: repository) }
        }
    }

    @Test("a referrer that is about something else is refused")
    func wrongSubject() async throws {
        let about = Descriptor(.imageManifest, of: [9])
        let manifest = try content(1).manifest(about: about)
        try await with(keepsReferrers: false) { registry, repository, subject in
            let index = ImageIndex(manifests: [Manifest.image(manifest).referrer])
            registry.state.withLock { state in
                state.manifests["\(manifest.descriptor.digest)"] = (MediaType.imageManifest.text, manifest.bytes)
                state.manifests[RemoteRepository.fallbackTag(subject.digest)] = (MediaType.imageIndex.text, index.bytes)
            }
            await #expect(throws: RegistryError.self) { try await repository.attachments(of: subject.digest) }
        }
    }

    @Test("signatures at cosign's tags are written beside each other, and read")
    func legacy() async throws {
        try await with(keepsReferrers: true) { _, repository, subject in
            let payload = LegacyAttachment.simpleSigning("r.example/a", subject.digest)
            _ = try await LegacyAttachment(signature: [1], over: payload).attach(to: subject, in: repository)
            _ = try await LegacyAttachment(signature: [2], over: payload).attach(to: subject, in: repository)
            _ = try await LegacyAttachment(envelope: [3], predicateType: "p").attach(to: subject, in: repository)
            let found = try await repository.attachments(of: subject.digest)
            #expect(found.map(\.layout) == [.signatureTag, .signatureTag, .attestationTag])
            #expect(found[2].content.annotations[Attachment.signature] == "")
            #expect(found[0].content.mediaType == .simpleSigning)
        }
    }

    @Test("BuildKit's statements are found, and nobody signed them")
    func buildKit() async throws {
        let directory = try TemporaryDirectory()
        let layout = try OCILayout(creating: directory["l"])
        var statement = try layout.write(Array("{}".utf8), .statement)
        statement.annotations[Attachment.buildKitPredicate] = "https://slsa.dev/provenance/v0.2"
        let attestation = ImageManifest(config: .empty, layers: [statement])
        try layout.write(attestation.bytes, as: attestation.descriptor)
        var entry = attestation.descriptor
        entry.platform = Platform(os: "unknown", architecture: "unknown")
        entry.annotations = [Descriptor.buildKitKind: "attestation-manifest"]
        let index = ImageIndex(manifests: [entry])
        let found = try await layout.attachments(of: index.descriptor.digest, index: index)
        #expect(found.map(\.layout) == [.buildKit])
        #expect(found[0].layout.isSigned == false)
        #expect(found[0].predicateType == "https://slsa.dev/provenance/v0.2")
    }

    @Test("a copy takes along all that is about the image, in every layout", arguments: [true, false])
    func copying(keepsReferrers: Bool) async throws {
        let directory = try TemporaryDirectory()
        try await with(keepsReferrers: keepsReferrers) { _, repository, subject in
            let first = try await content(1).attach(to: subject, in: repository)
            // A referrer of a referrer.
            _ = try await content(2).attach(to: first, in: repository)
            _ = try await LegacyAttachment(signature: [1], over: [2]).attach(to: subject, in: repository)
            let layout = try OCILayout(creating: directory["l"])
            _ = try await ImageCopy(from: repository, to: layout, withReferrers: true).run(.tag("t"), tag: "t")
            #expect(try await layout.referrers(of: subject.digest, kind: nil).map(\.digest) == [first.digest])
            #expect(try await layout.referrers(of: first.digest, kind: nil).count == 1)
            let registry = try await HostileRegistry(keepsReferrers: !keepsReferrers)
            let client = RegistryClient(RegistryClientTests.settings())
            let other = client.repository(try registry.reference())
            _ = try await ImageCopy(from: layout, to: other, withReferrers: true).run(.tag("t"), tag: "t")
            #expect(try await other.attachments(of: subject.digest).map(\.layout) == [.referrer, .signatureTag])
            #expect(try await other.referrers(of: first.digest, kind: nil).count == 1)
            let tree = try await AttachmentTree(.tag("t"), in: other)
            #expect(tree.lines.count == 4)
            await client.close()
            await registry.close()
        }
    }

    @Test("indexes that lead to each other without end are refused")
    func nesting() async throws {
        let directory = try TemporaryDirectory()
        let layout = try OCILayout(creating: directory["l"])
        var inner = Self.subject.descriptor
        try layout.write(Self.subject.bytes, as: inner)
        for _ in 0..<12 {
            let index = ImageIndex(manifests: [inner])
            try layout.write(index.bytes, as: index.descriptor)
            inner = index.descriptor
        }
        let target = try OCILayout(creating: directory["m"])
        await #expect(throws: RegistryError.self) {
            try await ImageCopy(from: layout, to: target).run(.digest(inner.digest), tag: "t")
        }
        await #expect(throws: RegistryError.self) { try await layout.image(.digest(inner.digest), platform: nil) }
    }
}

/// Counts from 1.
final class Counter: Sendable {
    private let value = Mutex(0)
    func next() -> Int {
        value.withLock { value in
            value += 1
            return value
        }
    }
}
