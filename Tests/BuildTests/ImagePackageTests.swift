import Attest
import Bytes
import Host
import Keys
import Registry
import Sigstore
import SystemPackage
import TestKit
import Testing
import Workspace

@testable import Build

@Suite("Builds of image packages", .serialized, .enabled(if: hasSandbox, "bubblewrap is not installed"))
struct ImagePackageTests {
    private static let definition = """
        name: site
        architectures: [amd64, arm64]
        files:
          - {path: /app, source: program}
          - {path: /etc/greeting, source: greeting.txt}
          - {path: /usr/bin/run, link: /app/run}
        entry_point: [/app/run]
        variants:
          debug: {environment: {LEVEL: debug}}
        """

    private static func files(_ config: String = "definition: image.yaml") -> [String: String] {
        [
            "p/BUILD.yaml": packages(
                generic(
                    "program", sh: "printf '#!/bin/sh\\n' > run; chmod 755 run; mkdir -p d; echo x > d/x; ln -s run l"),
                """
                - name: image
                  type: image
                  srcs: [greeting.txt]
                  deps: [":program"]
                  layout: {":program": program}
                  config:
                    \(config)
                """),
            "p/image.yaml": definition, "p/greeting.txt": "hello\n",
        ]
    }

    /// The image of a build, from the flat archive.
    private func image(
        _ workspace: TestWorkspace, _ build: TestBuild, _ tag: String = "latest", platform: String = "linux/amd64"
    ) async throws -> (source: OCIArchive, manifest: ImageManifest) {
        let file = workspace.files["image.tar"]
        try? Files.remove(file)
        _ = try await build.project.save(try build.built("p:image"), to: file, embedding: true, format: .slsa)
        let source = try OCIArchive(file)
        return (source, try await source.image(.tag(tag), platform: try Platform(platform)).manifest)
    }

    private func read(_ path: String, _ image: (source: OCIArchive, manifest: ImageManifest)) async throws -> String {
        let scratch = try TemporaryDirectory()
        let bytes = try await ImageFiles(image.manifest, from: image.source)
            .read(path, limit: 1 << 20, scratch: scratch.path)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("an image holds files, links and what other packages built, for each architecture and variant")
    func contents() async throws {
        let workspace = try TestWorkspace(Self.files())
        let build = try await workspace.build("p:image")
        let image = try await image(workspace, build)
        #expect(try await read("app/run", image) == "#!/bin/sh\n")
        #expect(try await read("usr/bin/run", image) == "#!/bin/sh\n")
        #expect(try await read("app/d/x", image) == "x\n")
        #expect(try await read("etc/greeting", image) == "hello\n")
        let debug = try await self.image(workspace, build, "debug", platform: "linux/arm64")
        let configuration = try ImageConfiguration(
            parsing: await debug.source.content(debug.manifest.config, limit: 1 << 20))
        #expect(configuration.execution.environment.contains("LEVEL=debug"))
        #expect(configuration.execution.entrypoint == ["/app/run"])
        // What another package made is a layer of its own.
        #expect(configuration.history.contains { $0.createdBy == "martlet image build: files of /app" })
        let again = try await workspace.build("p:image")
        #expect(again.ran.isEmpty)
    }

    @Test("the same files give the same image, wherever they are, and the statement names it with all that is in it")
    func determinism() async throws {
        var images: [[String: String]] = []
        for directory in ["work", "another/and/longer"] {
            let workspace = try TestWorkspace(Self.files(), in: directory)
            let build = try await workspace.build("p:image")
            images.append(try build.artifact("p:image").filter { $0.key.hasPrefix("index.json") })
            let statement = try build.statement("p:image")
            let digest = try await image(workspace, build).manifest.descriptor.digest.hex
            #expect(
                statement.subjects.contains { $0.name == "p:image:latest-amd64" && $0.digest["sha256"] == digest })
            #expect(try build.dependencies("p:image", role: "package").map(\.name) == ["p:program"])
        }
        #expect(images[0] == images[1] && !images[0].isEmpty)
    }

    @Test("provenance inside is what was said of the packages in the image, and is signed by a build that signs")
    func provenance() async throws {
        let path = "app/provenance-bundle.jsonl"
        let workspace = try TestWorkspace(Self.files("provenance: \(path)"))
        let build = try await workspace.build("p:image")
        let text = try await read(path, image(workspace, build))
        let bundle = try ProvenanceBundle(parsing: Array(text.utf8))
        #expect(bundle.entries.map(\.envelope.payload) == [try build.statementBytes("p:program")])
        #expect(bundle.entries.allSatisfy { $0.envelope.signatures.isEmpty })

        let signer = try CountingSigner()
        var settings = TestWorkspace.Settings()
        settings.building.signatures = StatementSignatures(signer, cache: build.project.cache)
        let signed = try await workspace.build("p:image", settings: settings)
        #expect(signed.ran == ["p:image build"])
        let envelopes = try ProvenanceBundle(
            parsing: Array(await read(path, image(workspace, signed)).utf8)
        ).entries
        for entry in envelopes { try entry.envelope.verify(by: signer.publicKey, padding: .pkcs1v15) }
        #expect(envelopes.count == 1)
        #expect(try await workspace.build("p:image", settings: settings).ran.isEmpty)
        #expect(try await workspace.build("p:image").ran.isEmpty)
    }

    @Test("two builds come out the same though they carry provenance of different moments")
    func check() async throws {
        let workspace = try TestWorkspace(Self.files("provenance: app/provenance-bundle.jsonl"))
        let project = try await workspace.project()
        let check = try await project.check(try project.targets(["p:image"]), BuildOptions(jobs: 2))
        #expect(check.differences.isEmpty, "\(check.differences)")
    }

    @Test(
        "what is wrong in the package is told with its file and line",
        arguments: [
            ("compression: brotli", "p/BUILD.yaml:12", "unknown compression"),
            ("provenance: ../x", "p/BUILD.yaml:12", "no path of a file"),
            ("lock: /etc/lock", "p/BUILD.yaml:12", "has to be a file of the component"),
            ("lock: nowhere.json", "p/BUILD.yaml", "nowhere.json, which does not exist"),
            ("locks: x", "p/BUILD.yaml:12", "locks"),
        ])
    func diagnostics(config: String, place: String, words: String) async throws {
        let workspace = try TestWorkspace(Self.files(config))
        let diagnostics = try await workspace.project().workspace.diagnostics.map { "\($0)" }
        #expect(diagnostics.contains { $0.contains(place) && $0.contains(words) }, "\(diagnostics)")
    }

    @Test(
        "an image is made from nothing but its package's files",
        arguments: [
            ("source: greeting.txt", "source: ../../outside", "the package's files"),
            ("source: greeting.txt", "source: /etc/hostname", "not one of the package's files"),
            ("source: greeting.txt", "source: missing.txt", "not among the package's files"),
            ("source: program", "source: program/away/hostname", "not"),
            ("name: site", "extends: /etc/hostname\nname: site", "not one of the package's files"),
            ("architectures: [amd64, arm64]", "architectures: []", "architectures is missing"),
            ("architectures: [amd64, arm64]", "architectures: [amd64]\npackages: [libc6]", "names Debian packages"),
        ])
    func boundaries(old: String, new: String, words: String) async throws {
        var files = Self.files()
        files["p/image.yaml"] = Self.definition.replacing(old, with: new)
        files["p/BUILD.yaml"] = files["p/BUILD.yaml"]?.replacing("ln -s run l", with: "ln -s /etc away")
        let workspace = try TestWorkspace(files)
        try workspace.files.write("secret", to: "outside")
        let failure = try #require(try await workspace.build("p:image").failure("p:image"))
        #expect("\(failure)".contains(words), "\(failure)")
        #expect(!"\(failure)".contains("/context/"), "\(failure)")
    }

    @Test("whatever an image is made from changes its key")
    func keys() async throws {
        let base = try await TestWorkspace(Self.files()).key("p:image").digest
        var others: [Digest] = []
        for (file, old, new) in [
            ("p/image.yaml", "LEVEL: debug", "LEVEL: trace"), ("p/greeting.txt", "hello", "Hello"),
            ("p/BUILD.yaml", "definition: image.yaml", "compression: zstd"),
            ("p/BUILD.yaml", "definition: image.yaml", "provenance: app/p.jsonl"),
            ("p/BUILD.yaml", "{\":program\": program}", "{\":program\": other}"), ("p/BUILD.yaml", "echo x", "echo y"),
        ] {
            var files = Self.files()
            files[file] = files[file]?.replacing(old, with: new)
            others.append(try await TestWorkspace(files).key("p:image").digest)
        }
        #expect(Set(others + [base]).count == others.count + 1)
    }
}
