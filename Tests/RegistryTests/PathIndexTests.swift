import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Registry

struct PathIndexTests {
    private let directory: TemporaryDirectory
    private let layout: OCILayout

    init() throws {
        directory = try TemporaryDirectory()
        layout = try OCILayout(creating: directory["l"])
    }

    /// An image of these layers, from the lowest, whose manifest names the index of its paths.
    private func image(_ layers: [(inout TestTar) -> Void]) throws -> (manifest: ImageManifest, index: [UInt8]) {
        var contents: [MessageDigest: [UInt8]] = [:]
        var descriptors: [Descriptor] = []
        for fill in layers {
            var tar = TestTar()
            fill(&tar)
            let bytes = try Compression.gzip.compress(tar.finished)
            let descriptor = try layout.write(bytes, .layerGzip)
            contents[descriptor.digest] = bytes
            descriptors.append(descriptor)
        }
        let index = try PathIndex(descriptors) { contents[$0.digest] ?? [] }.encoded()
        _ = try layout.write(index.bytes, PathIndex.mediaType)
        return (
            ImageManifest(
                config: .empty, layers: descriptors, annotations: [PathIndex.annotation: index.annotation]), index.bytes
        )
    }

    private func read(_ path: String, _ image: ImageManifest) async throws -> String {
        let files = ImageFiles(image, from: layout)
        let bytes = try await files.read(path, limit: 1 << 20, scratch: directory.path)
        #expect(files.log == ["index"])
        return String(decoding: bytes, as: UTF8.self)
    }

    private func code(_ path: String, _ image: ImageManifest) async -> RegistryError.Code? {
        let error = await #expect(throws: RegistryError.self) { try await read(path, image) }
        return error?.code
    }

    @Test("what upper layers delete, replace and link to is seen as a container sees it")
    func merged() async throws {
        let image = try image([
            {
                $0.add("d", type: "5")
                $0.add("d/gone", content: "1")
                $0.add("d/kept", content: "2")
                $0.add("o/below", content: "3")
                $0.add("usr/lib/x", content: "4")
                $0.add("lib", type: "2", link: "usr/lib")
                $0.add("was/a/directory", content: "5")
                $0.add("hard", type: "1", link: "d/kept")
            },
            {
                $0.add("d/.wh.gone")
                $0.add("o/.wh..wh..opq")
                $0.add("o/above", content: "6")
                $0.add("was", content: "7")
                $0.add("link", type: "2", link: "/lib/x")
            },
        ]).manifest
        #expect(try await read("d/kept", image) == "2")
        #expect(try await read("hard", image) == "2")
        #expect(try await read("lib/x", image) == "4")
        #expect(try await read("link", image) == "4")
        #expect(try await read("o/above", image) == "6")
        #expect(try await read("was", image) == "7")
        for path in ["d/gone", "o/below", "was/a/directory", "nothing", "zzz", "A"] {
            #expect(await code(path, image) == .absent, "\(path)")
        }
        #expect(await code("d", image) == .refused)
    }

    @Test("of many paths one shard is read, and it is found from the first to the last")
    func shards() async throws {
        let names = (0..<1000).map { "f/" + String(repeating: "0", count: 4 - "\($0)".count) + "\($0)" }
        let image = try image([{ tar in for name in names { tar.add(name, content: name) } }])
        for name in ["f/0000", "f/0063", "f/0064", "f/0500", "f/0999"] {
            #expect(try await read(name, image.manifest) == name)
        }
        let place = try #require(image.manifest.annotations[PathIndex.annotation].flatMap { PathIndex.Place($0) })
        let shards = try PathIndex.shards(Array(image.index[place.root]), place)
        #expect(shards.count == 16)
        #expect(shards.allSatisfy { $0.range.count < 6000 })
    }

    @Test("an index, a shard or a layer that is not what the manifest names is refused", arguments: [0, 1, 2])
    func tampered(_ part: Int) async throws {
        let image = try image([{ $0.add("a", content: "good") }])
        let place = try #require(image.manifest.annotations[PathIndex.annotation].flatMap { PathIndex.Place($0) })
        let layer = image.manifest.layers[0]
        let target = part == 2 ? layer : place.content
        let file = layout.blobPath(target.digest)
        var bytes = try Files.read(file, limit: 1 << 20)
        switch part {
        case 0: bytes[0] ^= 1
        case 1: bytes[place.root.lowerBound] ^= 1
        default: bytes = try Compression.gzip.compress([UInt8](repeating: 0x61, count: 4096))
        }
        try Files.write(bytes, to: file)
        let error = await code("a", image.manifest)
        #expect(error == .mismatch || error == .malformed)
    }

    @Test("where the index was left behind, layers are read")
    func leftBehind() async throws {
        let image = try image([{ $0.add("a", content: "x") }])
        let place = try #require(image.manifest.annotations[PathIndex.annotation].flatMap { PathIndex.Place($0) })
        try Files.remove(layout.blobPath(place.content.digest))
        let files = ImageFiles(image.manifest, from: layout)
        #expect(try await files.read("a", limit: 8, scratch: directory.path) == Array("x".utf8))
        #expect(files.log == ["layer 0"])
    }

    @Test(
        "annotations that name no place are passed over",
        arguments: ["", "sha256:00 1 2 3", "x y z w", "sha256:\(String(repeating: "0", count: 64)) 10 11 sha256:00"])
    func annotations(_ text: String) { #expect(PathIndex.Place(text) == nil) }
}
