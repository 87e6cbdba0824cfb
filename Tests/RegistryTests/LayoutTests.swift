import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Registry

struct LayoutTests {
    /// A layout with one image of two layers, called `t`.
    static func layout(_ path: FilePath) async throws -> (OCILayout, ImageManifest) {
        let layout = try OCILayout(creating: path)
        let tar = [UInt8](repeating: 0, count: 1024)
        let first = try layout.write(tar, .layer)
        let packed = try Compression.gzip.compress(tar + [0])
        let second = try layout.write(packed, .layerGzip)
        let config = ImageConfiguration(
            platform: Platform(os: "linux", architecture: "amd64"),
            diffIDs: [first.digest, HashAlgorithm.sha256.digest(of: tar + [0])])
        let manifest = ImageManifest(
            config: try layout.write(config.encoded(), .imageConfiguration), layers: [first, second])
        try await layout.put(.image(manifest), as: manifest.descriptor, tag: "t")
        return (layout, manifest)
    }

    private func code(_ body: () async throws -> Void) async -> RegistryError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? RegistryError)?.code
        }
    }

    @Test("what is put into a layout is found by name and digest, and a name moves")
    func names() async throws {
        let directory = try TemporaryDirectory()
        let (layout, manifest) = try await Self.layout(directory["l"])
        let again = try OCILayout(opening: directory["l"])
        #expect(try again.find(.tag("t")).manifest == .image(manifest))
        #expect(try again.find(.digest(manifest.descriptor.digest)).descriptor == manifest.descriptor)
        #expect(try again.findOnly().manifest == .image(manifest))
        #expect(await code { _ = try layout.find(.tag("u")) } == .absent)
        let other = ImageManifest(config: .empty, layers: [], artifactType: .bundle)
        try await layout.put(.image(other), as: other.descriptor, tag: "t")
        #expect(try again.find(.tag("t")).manifest == .image(other))
        #expect(try await again.tags() == ["t"])
        #expect(try again.index().manifests.count == 1)
        try await layout.remove(name: "t")
        #expect(await code { _ = try layout.find(.tag("t")) } == .absent)
        #expect(try Files.list(directory["l"]).sorted() == ["blobs", "index.json", "oci-layout"])
    }

    @Test("content that was changed on disk is refused, and what is absent is called so")
    func damage() async throws {
        let directory = try TemporaryDirectory()
        let (layout, manifest) = try await Self.layout(directory["l"])
        let layer = manifest.layers[0]
        #expect(try await layout.blob(layer).bytes(limit: 4096).count == 1024)
        var bytes = try Files.read(layout.blobPath(layer.digest), limit: 4096)
        bytes[7] = 1
        try Files.write(bytes, to: layout.blobPath(layer.digest))
        #expect(await code { _ = try await layout.blob(layer).bytes(limit: 4096) } == .mismatch)
        try Files.write(Array(bytes.dropLast()), to: layout.blobPath(layer.digest))
        #expect(await code { _ = try await layout.blob(layer).bytes(limit: 4096) } == .mismatch)
        try Files.remove(layout.blobPath(layer.digest))
        #expect(await code { _ = try await layout.blob(layer).bytes(limit: 4096) } == .absent)
    }

    @Test("of an index without a platform's name, the only image is taken, else this machine's, else none")
    func usual() async throws {
        let directory = try TemporaryDirectory()
        let layout = try OCILayout(creating: directory["l"])
        func put(_ platforms: [String], tag: String) async throws -> [MessageDigest] {
            var entries: [Descriptor] = []
            for name in platforms {
                let image = ImageManifest(config: .empty, layers: [], artifactType: .bundle, annotations: ["p": name])
                try await layout.put(.image(image), as: image.descriptor, tag: nil)
                var entry = image.descriptor
                entry.platform = try Platform(name)
                entries.append(entry)
            }
            let index = ImageIndex(manifests: entries)
            try await layout.put(.index(index), as: index.descriptor, tag: tag)
            return entries.map(\.digest)
        }
        let several = try await put(["linux/s390x", "linux/arm64"], tag: "several")
        let one = try await put(["linux/s390x"], tag: "one")
        let arm = try Platform("linux/arm64")
        let other = try Platform("linux/amd64")
        let found = try await layout.image(.tag("several"), platform: nil, usual: arm).descriptor.digest
        #expect(found == several[1])
        let named = try await layout.image(.tag("several"), platform: Platform("linux/s390x"), usual: arm)
        #expect(named.descriptor.digest == several[0])
        let only = try await layout.image(.tag("one"), platform: nil, usual: arm).descriptor.digest
        #expect(only == one[0])
        #expect(await code { _ = try await layout.image(.tag("several"), platform: nil) } == .platform)
        #expect(await code { _ = try await layout.image(.tag("several"), platform: nil, usual: other) } == .platform)
        #expect(await code { _ = try await layout.image(.tag("several"), platform: other, usual: arm) } == .absent)
    }

    @Test("sixteen writers at once lose no entry")
    func concurrency() async throws {
        let directory = try TemporaryDirectory()
        let layout = try OCILayout(creating: directory["l"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<16 {
                group.addTask {
                    let manifest = ImageManifest(
                        config: .empty, layers: [], artifactType: .bundle, annotations: ["n": "\(number)"])
                    try await layout.put(.image(manifest), as: manifest.descriptor, tag: "t\(number)")
                }
            }
            try await group.waitForAll()
        }
        #expect(try layout.index().manifests.count == 16)
    }

    @Test("a blob that was begun is continued, and one that turns out wrong is not kept")
    func continuation() async throws {
        let directory = try TemporaryDirectory()
        var isGiven = false
        let content = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
        let descriptor = Descriptor(.layer, of: content)
        var first = try BlobFile(descriptor, partial: directory["p"])
        try first.write(Array(content.prefix(3000)))
        let firstCount = first.count
        _ = consume first
        #expect(firstCount == 3000)
        // The lock goes with the value, so the next comes to the same file.
        var second = try BlobFile(descriptor, partial: directory["p"])
        #expect(second.count == 3000)
        var rest = BlobStream(descriptor, "here", after: second.hasher, count: 3000) { [content] in
            defer { isGiven = true }
            return isGiven ? nil : Array(content.dropFirst(3000))
        }
        try await second.take(&rest)
        try second.finish(as: directory["blob"])
        #expect(try Files.read(directory["blob"], limit: 9999) == content)
        var wrong = try BlobFile(descriptor, partial: directory["p"])
        var changed = BlobStream(descriptor, "here", bytes: [UInt8](repeating: 1, count: 5000))
        let mismatch: RegistryError.Code?
        do {
            try await wrong.take(&changed)
            mismatch = nil
        } catch {
            mismatch = (error as? RegistryError)?.code
        }
        #expect(mismatch == .mismatch)
        _ = consume wrong
        #expect(try BlobFile(descriptor, partial: directory["p"]).count == 0)
    }

    @Test("a file is taken as it is copied, and one that is not what was named leaves nothing")
    func files() async throws {
        let directory = try TemporaryDirectory()
        let layout = try OCILayout(creating: directory["l"])
        let content = [UInt8](repeating: 7, count: 700_000)
        try Files.write(content, to: directory["file"])
        let layer = Descriptor(.layer, of: content)
        try await layout.receive(layer, file: directory["file"])
        #expect(try await layout.blob(layer).bytes(limit: 1 << 20) == content)
        for wrong in [Array(content.dropLast()), Array(content.dropLast()) + [8]] {
            let other = Descriptor(.layer, of: wrong)
            #expect(await code { try await layout.receive(other, file: directory["file"]) } == .mismatch)
            #expect(try !layout.hasBlob(other))
        }
        #expect(try Files.list(directory["l"].appending("blobs").appending("sha256")).count == 1)
    }

    @Test("archives carry an image there and back", arguments: [true, false])
    func archives(isOCI: Bool) async throws {
        let directory = try TemporaryDirectory()
        let (layout, manifest) = try await Self.layout(directory["l"])
        let file = directory["a.tar"]
        let target: any ImageTarget = isOCI ? try OCIArchiveTarget(file) : try DockerArchiveTarget(file, name: "a/b:t")
        for descriptor in manifest.layers + [manifest.config] { try await target.receive(descriptor, from: layout) }
        try await target.put(.image(manifest), as: manifest.descriptor, tag: "t")
        try await target.finish()
        #expect(try Files.list(directory.path).sorted() == ["a.tar", "l"])
        let source: any ImageSource = isOCI ? try OCIArchive(file) : try DockerArchive(file)
        let found = try await source.manifest(.tag("t"))
        guard case .image(let image) = found.manifest else {
            Issue.record("no image")
            return
        }
        if isOCI { #expect(image == manifest) }
        #expect(image.config.digest == manifest.config.digest)
        #expect(try await source.content(image.layers[0], limit: 4096) == [UInt8](repeating: 0, count: 1024))
        #expect(try await source.blob(image.layers[1]).bytes(limit: 4096).isEmpty == false)
    }

    @Test("a docker archive that is compressed, or lies about its layers, is told apart")
    func dockerArchive() async throws {
        let directory = try TemporaryDirectory()
        let (layout, manifest) = try await Self.layout(directory["l"])
        let target = try DockerArchiveTarget(directory["a.tar"], name: "a/b:t")
        for descriptor in manifest.layers + [manifest.config] { try await target.receive(descriptor, from: layout) }
        try await target.put(.image(manifest), as: manifest.descriptor, tag: nil)
        try await target.finish()
        var bytes = try Files.read(directory["a.tar"], limit: 1 << 20)
        try Files.write(try Compression.gzip.compress(bytes), to: directory["a.tar.gz"])
        let packed = try DockerArchive(directory["a.tar.gz"])
        #expect(try packed.findOnly().manifest == DockerArchive(directory["a.tar"]).findOnly().manifest)
        // The first layer's content begins behind its header.
        bytes[600] = 1
        try Files.write(bytes, to: directory["b.tar"])
        let lying = try DockerArchive(directory["b.tar"])
        guard case .image(let image) = try lying.findOnly().manifest else { return }
        #expect(
            await code { for layer in image.layers { _ = try await lying.blob(layer).bytes(limit: 4096) } } == .mismatch
        )
    }

    @Test("a folder that is no layout is called so")
    func noLayout() async throws {
        let directory = try TemporaryDirectory()
        #expect(await code { _ = try OCILayout(opening: directory.path) } == .absent)
        try directory.write(#"{"imageLayoutVersion":"2.0.0"}"#, to: "oci-layout")
        #expect(await code { _ = try OCILayout(opening: directory.path) } == .unsupported)
    }
}
