import Bytes
import Testing

@testable import Registry

struct ManifestTests {
    private static let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    private static let config =
        #"{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\#(empty)","size":2}"#

    private func image(_ more: String) -> [UInt8] {
        Array(#"{"schemaVersion":2,"config":\#(Self.config),"layers":[]\#(more)}"#.utf8)
    }

    @Test("the exact bytes are kept, whatever their layout")
    func exactBytes() throws {
        let bytes = Array("{ \"layers\" : [],\n\"config\":\(Self.config), \"schemaVersion\":2, \"unknown\": 1.0 }".utf8)
        let manifest = try ImageManifest(parsing: bytes)
        #expect(manifest.bytes == bytes)
        #expect(manifest.descriptor.digest == HashAlgorithm.sha256.digest(of: bytes))
        #expect(manifest.config.size == 2)
    }

    @Test("a manifest that is made reads back as it was")
    func roundTrip() throws {
        let subject = Descriptor(.imageManifest, of: [1, 2, 3])
        var layer = Descriptor(.layerZstd, of: [4], annotations: ["b": "2", "a": "1"])
        layer.data = [4]
        let made = ImageManifest(
            config: .empty, layers: [layer], artifactType: .bundle, subject: subject, annotations: ["k": "v"])
        let read = try ImageManifest(parsing: made.bytes, mediaType: .imageManifest)
        #expect(read == made)
        #expect(read.kind == .bundle)
        var entry = made.descriptor
        entry.platform = Platform(os: "linux", architecture: "arm", variant: "v6")
        entry.artifactType = .bundle
        let index = ImageIndex(manifests: [entry], subject: subject, annotations: ["x": "y"])
        #expect(try ImageIndex(parsing: index.bytes) == index)
    }

    @Test("the empty descriptor is the one of the specification")
    func emptyDescriptor() { #expect("\(Descriptor.empty.digest)" == Self.empty && Descriptor.empty.size == 2) }

    @Test(
        "bad manifests are refused",
        arguments: [
            "", "[]", "null", "{}", #"{"schemaVersion":1}"#, #"{"schemaVersion":"2"}"#,
            #"{"schemaVersion":2,"config":{},"layers":[]}"#,
            #"{"schemaVersion":2,"manifests":[],"layers":[]}"#,
            #"{"schemaVersion":2,"manifests":[],"config":\#(config)}"#,
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","config":\#(config),"layers":[]}"#,
            #"{"schemaVersion":2,"mediaType":"text/html","config":\#(config),"layers":[]}"#,
            #"{"schemaVersion":2,"mediaType":7,"config":\#(config),"layers":[]}"#,
            #"{"schemaVersion":2,"config":\#(config),"layers":{}}"#,
            #"{"schemaVersion":2,"config":\#(config),"layers":[{"mediaType":"a/b","digest":"\#(empty)","size":-1}]}"#,
            #"{"schemaVersion":2,"config":\#(config),"layers":[{"mediaType":"a/b","digest":"\#(empty)","size":1.5}]}"#,
            #"{"schemaVersion":2,"config":\#(config),"layers":[{"mediaType":"a/b","digest":"sha256:../../etc","size":1}]}"#,
            #"{"schemaVersion":2,"config":\#(config),"layers":[{"mediaType":"a/b","digest":"\#(empty)","size":2,"data":"YQ=="}]}"#,
            #"{"schemaVersion":2,"config":\#(config),"layers":[],"annotations":{"a":1}}"#,
            #"{"schemaVersion":2,"schemaVersion":2,"config":\#(config),"layers":[]}"#,
        ])
    func bad(_ text: String) {
        #expect(throws: RegistryError.self) { try Manifest(parsing: Array(text.utf8)) }
    }

    @Test("a manifest that is called something else than it says is refused")
    func confusion() throws {
        let bytes = image(#","mediaType":"application/vnd.oci.image.manifest.v1+json""#)
        #expect(throws: RegistryError.self) { try Manifest(parsing: bytes, mediaType: .imageIndex) }
        #expect(throws: RegistryError.self) { try Manifest(parsing: image(""), mediaType: .imageIndex) }
        #expect(try Manifest(parsing: image(""), mediaType: .dockerManifest).mediaType == .dockerManifest)
    }

    @Test("more than a manifest may have is refused before it is read")
    func limits() {
        let long = [UInt8](repeating: 0x20, count: Manifest.greatestByteCount + 1)
        #expect { try Manifest(parsing: long) } throws: { ($0 as? RegistryError)?.code == .limit }
        let layer = #"{"mediaType":"a/b","digest":"\#(Self.empty)","size":2}"#
        let layers = Array(repeating: layer, count: Manifest.greatestLayerCount + 1).joined(separator: ",")
        let many = #"{"schemaVersion":2,"config":\#(Self.config),"layers":[\#(layers)]}"#
        #expect { try Manifest(parsing: Array(many.utf8)) } throws: { ($0 as? RegistryError)?.code == .limit }
    }

    @Test("a configuration that is made reads back as it was, and Go's null is nothing")
    func configuration() throws {
        var made = ImageConfiguration(
            platform: Platform(os: "linux", architecture: "arm64", variant: "v8"),
            diffIDs: [HashAlgorithm.sha256.digest(of: [])])
        made.created = Timestamp(seconds: 0)
        made.execution.environment = ["PATH=/bin"]
        made.execution.entrypoint = ["/app"]
        made.execution.labels = ["b": "1", "a": "2"]
        made.execution.exposedPorts = ["80/tcp"]
        made.execution.user = "65532"
        made.history = [.init(created: Timestamp(seconds: 0), createdBy: "martlet"), .init(isEmptyLayer: true)]
        #expect(try ImageConfiguration(parsing: made.encoded()) == made)
        let go =
            #"{"architecture":"amd64","os":"linux","config":{"Cmd":null,"Labels":null},"rootfs":{"type":"layers","diff_ids":null},"history":null}"#
        let read = try ImageConfiguration(parsing: Array(go.utf8))
        #expect(read.diffIDs.isEmpty && read.execution.command.isEmpty)
    }

    @Test(
        "media types are read",
        arguments: [
            ("application/json", true), ("application/vnd.dev.sigstore.bundle+json;version=0.1", true), ("a", false),
            ("a/", false), ("/b", false), ("a/b/c", false), ("a b/c", false), ("", false), ("a/b;\n", false),
        ])
    func mediaTypes(_ text: String, _ isGood: Bool) { #expect((MediaType(text) != nil) == isGood) }
}
