import Testing

@testable import Registry

struct ReferenceTests {
    private static let digest = "sha256:" + String(repeating: "ab", count: 32)

    // From the grammar and the tests of distribution/reference, in our words.
    @Test(
        "a reference is read as docker reads it",
        arguments: [
            ("ubuntu", "docker.io/library/ubuntu:latest", "ubuntu:latest"),
            ("team/app:1.2", "docker.io/team/app:1.2", "team/app:1.2"),
            ("index.docker.io/library/ubuntu", "docker.io/library/ubuntu:latest", "ubuntu:latest"),
            ("docker.io/ubuntu", "docker.io/library/ubuntu:latest", "ubuntu:latest"),
            ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
            ("localhost:5000/a/b:t", "localhost:5000/a/b:t", "localhost:5000/a/b:t"),
            ("[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"),
            ("127.0.0.1:5000/a@\(digest)", "127.0.0.1:5000/a@\(digest)", "127.0.0.1:5000/a@\(digest)"),
            (
                "ghcr.io/a/b-c_d.e__f/g---h:V1_-.", "ghcr.io/a/b-c_d.e__f/g---h:V1_-.",
                "ghcr.io/a/b-c_d.e__f/g---h:V1_-."
            ),
            ("ubuntu:22.04@\(digest)", "docker.io/library/ubuntu:22.04@\(digest)", "ubuntu:22.04@\(digest)"),
            ("Upper.example/app", "Upper.example/app:latest", "Upper.example/app:latest"),
        ])
    func good(_ text: String, _ full: String, _ familiar: String) throws {
        let reference = try Reference(text)
        #expect("\(reference)" == full)
        #expect(reference.familiar == familiar)
        #expect(try Reference(full) == reference)
    }

    @Test(
        "what is no reference is refused with a reason",
        arguments: [
            "", ":tag", "@\(digest)", "UPPER", "a//b", "a/", "/a", "-a", "a-", "a..b", "a___b", "a:-tag", "a:",
            "a:\(String(repeating: "t", count: 129))", "a@sha256:abcd", "a@\(digest.uppercased())", "a b", "a\nb",
            "localhost:99999/a", "localhost:/a", "http://host/a", "a@md5:d41d8cd98f00b204e9800998ecf8427e", "é/a",
            String(repeating: "a", count: 300), "h.x/" + String(repeating: "a/", count: 200) + "a", "[::1/a",
            "host.:80/a",
        ])
    func bad(_ text: String) {
        #expect(throws: RegistryError.self) { try Reference(text) }
    }

    @Test("a registry is asked by digest where there is one, and Docker's by its other name")
    func asking() throws {
        #expect(try Reference("a:t").manifestName == .tag("t"))
        #expect("\(try Reference("a:t@\(Self.digest)").manifestName)" == Self.digest)
        #expect(try Reference("a").host == "registry-1.docker.io")
        #expect(try Reference("x.example:1/a").host == "x.example:1")
    }

    @Test(
        "an address says where an image is",
        arguments: [
            ("ghcr.io/a/b:1", "ghcr.io/a/b:1"), ("docker://ghcr.io/a/b:1", "ghcr.io/a/b:1"),
            ("oci://ghcr.io/a/b:1", "ghcr.io/a/b:1"), ("oci:folder:1", "oci:folder:1"), ("oci:/folder", "oci:/folder"),
            ("oci-archive:file.tar:1", "oci-archive:file.tar:1"),
            ("docker-archive:file.tar", "docker-archive:file.tar"),
        ])
    func addresses(text: String, shown: String) throws {
        #expect(try ImageAddress(text).description == shown)
        #expect(ImageAddress.isImage(text))
    }
}
