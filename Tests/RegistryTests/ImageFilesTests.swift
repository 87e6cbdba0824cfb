import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Registry

/// One file of an image: every place where oci-tool gives a wrong one, or none.
struct ImageFilesTests {
    private let directory: TemporaryDirectory
    private let layout: OCILayout

    init() throws {
        directory = try TemporaryDirectory()
        layout = try OCILayout(creating: directory["l"])
    }

    /// An image of these layers, from the lowest.
    private func image(_ layers: [(Compression, (inout TestTar) -> Void)]) throws -> ImageManifest {
        var descriptors: [Descriptor] = []
        for (compression, fill) in layers {
            var tar = TestTar()
            fill(&tar)
            let type: MediaType =
                switch compression {
                case .gzip: .layerGzip
                case .zstd: .layerZstd
                default: .layer
                }
            descriptors.append(try layout.write(try compression.compress(tar.finished), type))
        }
        return ImageManifest(config: .empty, layers: descriptors)
    }

    private func read(_ path: String, _ image: ImageManifest) async throws -> String {
        let bytes = try await ImageFiles(image, from: layout).read(path, limit: 1 << 20, scratch: directory.path)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func code(_ path: String, _ image: ImageManifest) async -> RegistryError.Code? {
        do {
            _ = try await read(path, image)
            return nil
        } catch {
            return (error as? RegistryError)?.code ?? RegistryError.Code(name: "\(error)")
        }
    }

    @Test(
        "every spelling of a path means the same file",
        arguments: ["etc/passwd", "./etc/passwd", "/etc/passwd", "etc//passwd", "/./etc/./passwd"])
    func spellings(_ path: String) async throws {
        for stored in ["etc/passwd", "./etc/passwd", "/etc/passwd"] {
            #expect(try await read(path, try image([(.gzip, { $0.add(stored, content: "root") })])) == "root")
        }
    }

    @Test("layers are read whatever their compression", arguments: [Compression.none, .gzip, .zstd])
    func compressions(_ compression: Compression) async throws {
        #expect(try await read("a", try image([(compression, { $0.add("a", content: "x") })])) == "x")
    }

    @Test("the topmost layer that has the file decides, and none below it is read")
    func topmost() async throws {
        let image = try image([
            (.gzip, { $0.add("a", content: "lower") }), (.gzip, { $0.add("a", content: "upper") }),
            (.gzip, { $0.add("b", content: "x") }),
        ])
        let files = ImageFiles(image, from: layout)
        #expect(try await files.read("a", limit: 99, scratch: directory.path) == Array("upper".utf8))
        #expect(files.log == ["layer 2", "layer 1"])
    }

    @Test("a file that an upper layer deleted is absent")
    func whiteouts() async throws {
        let lower: (inout TestTar) -> Void = { $0.add("d/e/a", content: "x") }
        for gone in ["d/e/.wh.a", "d/.wh.e", ".wh.d", "d/e/.wh..wh..opq", "d/.wh..wh..opq"] {
            #expect(await code("d/e/a", try image([(.gzip, lower), (.gzip, { $0.add(gone) })])) == .absent)
        }
    }

    @Test("what comes after a deletion is there again, in whatever order the layer has it", arguments: [true, false])
    func opaqueFirst(isLast: Bool) async throws {
        let image = try image([
            (
                .gzip,
                {
                    $0.add("d/a", content: "old"); $0.add("d/b", content: "old")
                }
            ),
            (
                .gzip,
                { tar in
                    if !isLast { tar.add("d/.wh..wh..opq") }
                    tar.add("d/a", content: "new")
                    if isLast { tar.add("d/.wh..wh..opq") }
                }
            ),
        ])
        #expect(try await read("d/a", image) == "new")
        #expect(await code("d/b", image) == .absent)
    }

    @Test("symbolic links are followed through all layers, and never out of the image")
    func links() async throws {
        let image = try image([
            (
                .gzip,
                {
                    $0.add("usr/lib/os-release", content: "os"); $0.add("lib", type: "2", link: "usr/lib")
                }
            ),
            (
                .gzip,
                {
                    $0.add("etc/os-release", type: "2", link: "../usr/lib/os-release")
                    $0.add("etc/up", type: "2", link: "../../../../../usr/lib/os-release")
                    $0.add("abs", type: "2", link: "/etc/os-release")
                    $0.add("loop1", type: "2", link: "loop2")
                    $0.add("loop2", type: "2", link: "loop1")
                    $0.add("dangling", type: "2", link: "nowhere")
                }
            ),
        ])
        for path in ["etc/os-release", "etc/up", "abs", "lib/os-release", "usr/lib/os-release"] {
            #expect(try await read(path, image) == "os")
        }
        #expect(await code("loop1", image) == .malformed)
        #expect(await code("dangling", image) == .absent)
    }

    @Test("a directory that replaced a link hides what the link led to")
    func replacedLink() async throws {
        let image = try image([
            (
                .gzip,
                {
                    $0.add("lib", type: "2", link: "usr"); $0.add("usr/a", content: "x")
                }
            ),
            (.gzip, { $0.add("lib", type: "5", mode: 0o755) }),
        ])
        #expect(await code("lib/a", image) == .absent)
        let file = try self.image([(.gzip, { $0.add("d/a", content: "x") }), (.gzip, { $0.add("d", content: "file") })])
        #expect(await code("d/a", file) == .absent)
    }

    @Test("a file that an upper layer put below a lower layer's link is found by both names")
    func alias() async throws {
        let image = try image([
            (.gzip, { $0.add("lib", type: "2", link: "usr/lib") }), (.gzip, { $0.add("lib/x.so", content: "so") }),
        ])
        #expect(try await read("lib/x.so", image) == "so")
        #expect(try await read("usr/lib/x.so", image) == "so")
    }

    @Test("hard links have the content of the other name")
    func hardLinks() async throws {
        let image = try image([
            (
                .gzip,
                {
                    $0.add("bin/busybox", content: "elf", mode: 0o755);
                    $0.add("bin/sh", type: "1", link: "bin/busybox", mode: 0o755)
                }
            )
        ])
        #expect(try await read("bin/sh", image) == "elf")
    }

    @Test("the mode is kept, and the file appears only when it is whole")
    func modes() async throws {
        let image = try image([(.gzip, { $0.add("bin/x", content: "elf", mode: 0o4755) })])
        let output = directory["out"]
        _ = try await ImageFiles(image, from: layout).write("bin/x", to: output)
        // Rights that the image gives its own users are not given to others here.
        #expect(try Files.status(output)?.mode == 0o755)
        #expect(try directory.read("out") == "elf")
        #expect(try Files.list(directory.path).sorted() == ["l", "out"])
    }

    @Test("a layer that is damaged gives no file, however early the file stands in it")
    func damage() async throws {
        let image = try image([
            (
                .none,
                {
                    $0.add("a", content: "x"); $0.add("b", content: "y")
                }
            )
        ])
        let path = layout.blobPath(image.layers[0].digest)
        var bytes = try Files.read(path, limit: 1 << 20)
        bytes[1536] ^= 1
        try Files.write(bytes, to: path)
        #expect(await code("a", image) == .mismatch)
        #expect(try Files.list(directory.path) == ["l"])
    }

    @Test("whoever does without the check gets the first file of the name, and the layer is not read on")
    func early() async throws {
        let image = try image([
            (
                .gzip,
                {
                    $0.add("a", content: "1"); $0.add("a", content: "2")
                }
            )
        ])
        let files = ImageFiles(image, from: layout, stopsEarly: true)
        #expect(try await files.read("a", limit: 99, scratch: directory.path) == Array("1".utf8))
    }

    @Test("of two entries of one name the last counts, as where images are unpacked")
    func duplicates() async throws {
        #expect(
            try await read(
                "a",
                try image([
                    (
                        .gzip,
                        {
                            $0.add("a", content: "1"); $0.add("a", content: "2")
                        }
                    )
                ])) == "2")
    }

    @Test("directories and devices have no content")
    func noFiles() async throws {
        let image = try image([
            (
                .gzip,
                {
                    $0.add("d", type: "5"); $0.add("null", type: "3"); $0.add("pipe", type: "6")
                }
            )
        ])
        for path in ["d", "null", "pipe"] { #expect(await code(path, image) == .refused) }
        #expect(await code("../etc/passwd", image) == .malformed)
        #expect(await code("", image) == .malformed)
    }

    @Test("archives that lie are refused, and nothing is written", arguments: 0..<5)
    func hostile(_ number: Int) async throws {
        let image: ImageManifest
        switch number {
        case 0: image = try self.image([(.gzip, { $0.add("../../evil", content: "x") })])
        case 1: image = try self.image([(.gzip, { $0.add("a", content: "x", size: 1 << 30) })])
        case 2: image = try self.image([(.gzip, { $0.add("a", type: "L", size: 1 << 30) })])
        case 3:
            image = ImageManifest(config: .empty, layers: [try layout.write([0x1F, 0x8B, 8, 0, 1, 2, 3], .layerGzip)])
        default:
            image = ImageManifest(config: .empty, layers: [try layout.write([UInt8](repeating: 7, count: 700), .layer)])
        }
        #expect(await code("a", image) != nil)
        #expect(try Files.list(directory.path) == ["l"])
    }

    @Test(
        "positions of layers count from 0, and from -1 backwards",
        arguments: [
            ("first", 0), ("last", 2), ("0", 0), ("2", 2), ("-1", 2), ("-3", 0), ("3", nil), ("-4", nil), ("99", nil),
        ])
    func positions(_ text: String, _ expected: Int?) throws {
        let layers = (0..<3).map { Descriptor(.layer, of: [UInt8($0)]) }
        let image = ImageManifest(config: .empty, layers: layers)
        let found = try? LayerPosition(text).layer(of: image)
        #expect(found == expected.map { layers[$0] })
        #expect(throws: RegistryError.self) {
            try LayerPosition("last").layer(of: ImageManifest(config: .empty, layers: []))
        }
    }

    @Test(
        "what is no position is refused", arguments: ["", "x", "1x", "--1", "-0", "+1", "1.5", "99999999999999999999"])
    func badPositions(_ text: String) { #expect(throws: RegistryError.self) { try LayerPosition(text) } }

    @Test("an eStargz layer is read in part, and each part is checked", arguments: [true, false])
    func stargz(isGood: Bool) async throws {
        let (blob, toc, place) = try Self.stargz(content: "root:x:0:0", claims: isGood ? "root:x:0:0" : "other text")
        var layer = try layout.write(blob, .layerGzip)
        layer.annotations[LayerTOC.digestAnnotation] = "\(HashAlgorithm.sha256.digest(of: toc))"
        let image = ImageManifest(config: .empty, layers: [layer])
        let files = ImageFiles(image, from: layout)
        if isGood {
            #expect(try await files.read("/etc/passwd", limit: 99, scratch: directory.path) == Array("root:x:0:0".utf8))
            #expect(files.log == ["table 0"])
            #expect(LayerTOC.footer(blob.suffix(51)) == place)
        } else {
            #expect(await code("/etc/passwd", image) == .mismatch)
        }
        // A table that is not the one that the manifest names is not believed.
        layer.annotations[LayerTOC.digestAnnotation] = "\(HashAlgorithm.sha256.digest(of: [1]))"
        #expect(await code("/etc/passwd", ImageManifest(config: .empty, layers: [layer])) == .mismatch)
    }

    /// A layer as stargz-snapshotter's documentation describes it: a member for the header, one for the content, one for
    /// the table, and the footer.
    private static func stargz(content: String, claims: String) throws -> (blob: [UInt8], toc: [UInt8], place: Int) {
        var tar = TestTar()
        tar.add("etc/passwd", content: content)
        let head = try Compression.gzip.compress(Array(tar.bytes.prefix(512)))
        let body = try Compression.gzip.compress(Array(tar.bytes.dropFirst(512)))
        let digest = HashAlgorithm.sha256.digest(of: Array(claims.utf8))
        let toc = Array(
            #"{"version":1,"entries":[{"name":"etc/","type":"dir","mode":493},{"name":"etc/passwd","type":"reg","size":\#(content.utf8.count),"mode":420,"offset":\#(head.count),"digest":"\#(digest)","chunkDigest":"\#(digest)"}]}"#
                .utf8)
        var table = TestTar()
        table.add(LayerTOC.name, content: String(decoding: toc, as: UTF8.self))
        let blob = head + body
        let place = blob.count
        let digits = String(place, radix: 16)
        let padded = String(repeating: "0", count: 16 - digits.count) + digits
        let footer: [UInt8] =
            [0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 0xFF, 26, 0, UInt8(ascii: "S"), UInt8(ascii: "G"), 22, 0]
            + Array("\(padded)STARGZ".utf8) + [1, 0, 0, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 8)
        return (blob + (try Compression.gzip.compress(table.finished)) + footer, toc, place)
    }
}
