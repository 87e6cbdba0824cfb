import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Registry

struct ImageComparisonTests {
    private let directory: TemporaryDirectory
    private let layout: OCILayout

    init() throws {
        directory = try TemporaryDirectory()
        layout = try OCILayout(creating: directory["l"])
    }

    private func image(
        _ configuration: String, _ layers: [(Compression, (inout TestTar) -> Void)]
    ) async throws -> ManifestName {
        var descriptors: [Descriptor] = []
        for (compression, fill) in layers {
            var tar = TestTar()
            fill(&tar)
            descriptors.append(try layout.write(try compression.compress(tar.finished), .layerGzip))
        }
        let config = try layout.write(Array(configuration.utf8), .imageConfiguration)
        let manifest = ImageManifest(config: config, layers: descriptors)
        try await layout.put(.image(manifest), as: manifest.descriptor, tag: nil)
        return .digest(manifest.descriptor.digest)
    }

    @Test("the layer and the file in it that differ are named, and nothing else")
    func files() async throws {
        let base: (Compression, (inout TestTar) -> Void) = (.gzip, { $0.add("base", content: "b") })
        let one = try await image("{\"os\":\"linux\"}", [base, (.gzip, { $0.add("app/run", content: "good") })])
        let two = try await image(
            "{\"os\":\"linux\"}",
            [
                base,
                (
                    .gzip,
                    {
                        $0.add("app/run", content: "evil!")
                        $0.add("app/more", content: "")
                    }
                ),
            ])
        let comparison = try await ImageComparison(layout, one, layout, two)
        #expect(comparison.parts.map(\.name) == ["layer 1"])
        #expect(comparison.parts[0].files.map(\.path) == ["app/more", "app/run"])
        #expect(comparison.parts[0].files[0].detail == "only in the second")
        #expect(comparison.parts[0].files[1].detail.hasPrefix("content 4 and 5 bytes"))
        #expect(try await ImageComparison(layout, one, layout, one).isEqual)
    }

    @Test("equal files that are packed otherwise, configurations and layers more are told apart")
    func parts() async throws {
        let one = try await image(
            "{\"os\":\"linux\",\"config\":{\"User\":\"0\"}}", [(.gzip, { $0.add("a", content: "a") })])
        let two = try await image(
            "{\"os\":\"linux\",\"config\":{\"User\":\"1\"}}",
            [(.zstd, { $0.add("a", content: "a") }), (.gzip, { $0.add("b", content: "b") })])
        let parts = try await ImageComparison(layout, one, layout, two).parts
        #expect(parts.map(\.name) == ["layer 0", "layer 1", "configuration"])
        #expect(parts[0].detail.hasSuffix("the same files, packed otherwise"))
        #expect(parts[1].detail.hasPrefix("none and "))
        #expect(parts[2].detail == "config.User: \"0\" and \"1\"")
    }
}
