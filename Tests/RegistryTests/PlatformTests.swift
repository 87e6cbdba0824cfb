import Bytes
import Testing

@testable import Registry

/// Which image of an index is taken: the places where oci-tool takes a wrong one, or none.
struct PlatformTests {
    private func entry(_ byte: UInt8, _ platform: String?) throws -> Descriptor {
        var out = Descriptor(.imageManifest, of: [byte])
        out.platform = try platform.map { try Platform($0) }
        return out
    }

    private func chosen(_ wanted: String, _ offered: [String?]) throws -> Int? {
        let entries = try offered.enumerated().map { try entry(UInt8($0.offset), $0.element) }
        let index = ImageIndex(manifests: entries)
        let found = try index.image(for: Platform(wanted))
        return entries.firstIndex { $0.digest == found.digest }
    }

    @Test("variants are told apart, and a lesser one serves")
    func variants() throws {
        let arms: [String?] = ["linux/arm/v5", "linux/arm/v7", "linux/arm/v6"]
        #expect(try chosen("linux/arm/v6", arms) == 2)
        #expect(try chosen("linux/arm/v7", arms) == 1)
        #expect(try chosen("linux/arm", arms) == 1)
        #expect(try chosen("linux/arm/v8", ["linux/arm/v5", "linux/arm/v7"]) == 1)
        #expect(throws: RegistryError.self) { try chosen("linux/arm/v5", ["linux/arm/v7"]) }
        #expect(try chosen("linux/arm64", ["linux/amd64", "linux/arm64/v8"]) == 1)
        #expect(try chosen("linux/arm64/v8", ["linux/arm64"]) == 0)
        #expect(try chosen("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"]) == 1)
        #expect(try chosen("linux-aarch64", ["linux/arm64"]) == 0)
    }

    @Test("of equals the first is taken")
    func firstOfEquals() throws { #expect(try chosen("linux/amd64", ["linux/amd64", "linux/amd64"]) == 0) }

    @Test("an entry without a platform is no crash, and serves only where it is the one")
    func withoutPlatform() throws {
        #expect(try chosen("linux/amd64", [nil]) == 0)
        #expect(try chosen("linux/amd64", [nil, "linux/amd64"]) == 1)
        #expect(throws: RegistryError.self) { try chosen("linux/amd64", [nil, nil]) }
    }

    @Test("BuildKit's unknown/unknown entries are no choices")
    func unknown() throws {
        var attestation = try entry(9, "unknown/unknown")
        attestation.annotations[Descriptor.buildKitKind] = "attestation-manifest"
        let image = try entry(1, "linux/s390x")
        let index = ImageIndex(manifests: [attestation, image])
        #expect(index.images == [image])
        #expect(index.choices == "linux/s390x")
        #expect(throws: RegistryError.self) { try index.image(for: Platform("unknown/unknown")) }
    }

    @Test("what is no platform is refused", arguments: ["", "linux", "a/b/c/d", "/", "linux/", "l inux/amd64"])
    func bad(_ text: String) { #expect(throws: RegistryError.self) { try Platform(text) } }
}
