import Attest
import Bytes
import Testing

@Suite("Reading provenance of every version")
struct ProvenanceViewTests {
    /// As Gitpod's post on Leeway and SLSA shows it (June 2022), with fewer subjects.
    static let leewayV01 = #"""
        {
          "_type": "https://in-toto.io/Statement/v0.1",
          "predicateType": "https://slsa.dev/provenance/v0.1",
          "subject": [
            {
              "name": "/_tests/util.test",
              "digest": {"sha256": "f54faccee12ad332c05db07cff3b4d51cfefe1092ea5ea7ebe7101363f1bd4eb"}
            }
          ],
          "predicate": {
            "builder": {
              "id": "github.com/gitpod-io/leeway:0.2.17-3ebfb2a@sha256:b9629e2d0432adea1be7dddb3603e36d9f69b09d8985f725257adaade51d4a40"
            },
            "recipe": {
              "type": "https://github.com/gitpod-io/leeway/build@go:2",
              "definedInMaterial": 0,
              "entryPoint": "components/common-go:lib",
              "arguments": ["leeway", "build", "--save", "out.tar.gz", "components/ws-manager:app"],
              "environment": {"manifest": {"arch": "amd64", "os": "linux"}}
            },
            "metadata": {
              "buildStartedOn": "2022-06-10T13:23:28.18099525Z",
              "buildFinishedOn": "2022-06-10T13:23:37.733290813Z",
              "completeness": {"arguments": true, "environment": false, "materials": true},
              "reproducible": false
            },
            "materials": [
              {
                "uri": "git+https://github.com/gitpod-io/gitpod.git",
                "digest": {"sha256": "5176a908d7a7eaecf40200520eae6f1a6e199e35"}
              }
            ]
          }
        }
        """#

    /// The shape that Leeway writes since it moved to SLSA provenance v0.2.
    static let leewayV02 = #"""
        {"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v0.2",
         "subject":null,
         "predicate":{"builder":{"id":"github.com/gitpod-io/leeway:0.21.1@sha256:00ff"},"buildType":"",
          "invocation":{"configSource":{"uri":"https://github.com/gitpod-io/leeway/build@generic:1","digest":{},
            "entryPoint":"//:app"},"parameters":{"args":["leeway","build"]},"environment":{"manifest":{"os":"linux"}}},
          "metadata":{"buildStartedOn":"2026-01-02T03:04:05Z","buildFinishedOn":"2026-01-02T03:04:06Z",
            "completeness":{"parameters":true,"environment":false,"materials":true},"reproducible":false},
          "materials":[{"uri":"file://app/main.go","digest":{"sha256":"aa"}}]}}
        """#

    @Test("SLSA provenance v0.1 as Leeway's post shows it")
    func v01() throws {
        let view = try ProvenanceView(Statement(parsing: Array(Self.leewayV01.utf8)))
        #expect(view.format == .v0_1)
        #expect(view.entryPoint == "components/common-go:lib")
        #expect(view.buildType == "https://github.com/gitpod-io/leeway/build@go:2")
        #expect(view.builder.name == BuilderIdentity.leeway)
        #expect(view.builder.version == "0.2.17-3ebfb2a")
        #expect(view.materials.map(\.isGit) == [true])
        #expect(view.parameters[1]?.stringValue == "build")
        #expect(view.finishedOn?.description == "2022-06-10T13:23:37.733290813Z")
        #expect(view.subjects.map(\.name) == ["/_tests/util.test"])
    }

    @Test("SLSA provenance v0.2 as Leeway writes it, without subjects")
    func v02() throws {
        let view = try ProvenanceView(Statement(parsing: Array(Self.leewayV02.utf8)))
        #expect(view.format == .v0_2)
        #expect(view.entryPoint == "//:app")
        #expect(view.buildType == "https://github.com/gitpod-io/leeway/build@generic:1")
        #expect(view.builder.fullVersion == "0.21.1@sha256:00ff")
        #expect(view.materials.map(\.uri) == ["file://app/main.go"])
        #expect(view.materials.map(\.isGit) == [false])
        #expect(view.subjects.isEmpty)
        #expect(view.environment["manifest"]?["os"]?.stringValue == "linux")
    }

    @Test("SLSA provenance v1 of another builder has no roles and no package")
    func foreignV1() throws {
        let text = #"""
            {"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1",
             "subject":[{"name":"a","digest":{"sha256":"aa"}}],
             "predicate":{"buildDefinition":{"buildType":"https://example.org/b","externalParameters":{"package":"x"},
               "resolvedDependencies":[{"uri":"git+https://example.org/r","digest":{"gitCommit":"cc"},
                 "annotations":{"role":"tool"}}]},
              "runDetails":{"builder":{"id":"https://example.org/builder@v1"},
                "byproducts":[{"name":"sandbox","uri":"x:y","annotations":{"level":"full"}}]}}}
            """#
        let view = try ProvenanceView(Statement(parsing: Array(text.utf8)))
        #expect(!view.isMartletBuild)
        #expect(view.entryPoint.isEmpty)
        #expect(view.sandbox == nil)
        #expect(view.materials.first?.role == nil)
        #expect(view.materials.first?.isGit == true)
    }

    @Test("unknown statements, predicates and payloads are unsupported")
    func unknown() throws {
        let cases = [
            Self.leewayV01.replacing("Statement/v0.1", with: "Statement/v9"),
            Self.leewayV01.replacing("provenance/v0.1", with: "provenance/v3"),
            Self.leewayV01.replacing("https://slsa.dev/provenance/v0.1", with: "https://example.org/other"),
        ]
        for text in cases {
            let error = try #require(throws: AttestError.self) {
                try ProvenanceView(Statement(parsing: Array(text.utf8)))
            }
            #expect(error.code == .unsupported)
        }
        let envelope = Envelope(payloadType: "text/plain", payload: Array(Self.leewayV01.utf8))
        #expect(throws: AttestError.self) { try ProvenanceView(envelope) }
    }

    @Test("a builder is required in every version")
    func builderRequired() throws {
        for text in [Self.leewayV01, Self.leewayV02] {
            let changed = text.replacing("\"builder\"", with: "\"bilder\"")
            let error = try #require(throws: AttestError.self) {
                try ProvenanceView(Statement(parsing: Array(changed.utf8)))
            }
            #expect(error.message.contains("predicate.builder is missing"))
        }
    }

    @Test("cut and bit-flipped statements give errors or views, never a crash")
    func mutations() {
        let bytes = Array(Self.leewayV02.utf8)
        for end in stride(from: 0, to: bytes.count, by: 3) {
            #expect(throws: AttestError.self) { try Statement(parsing: Array(bytes[..<end])) }
        }
        for at in bytes.indices {
            var changed = bytes
            changed[at] ^= 1 << UInt8(at % 8)
            _ = try? ProvenanceView(Statement(parsing: changed))
        }
    }

    @Test("builder identities are split where the version begins")
    func identities() {
        let martlet = BuilderIdentity("https://martlet.dev/builder:1.2.3@sha256:ab")
        #expect(martlet.name == MartletBuild.builderName)
        #expect(martlet.matches(version: "1.2.3"))
        #expect(martlet.matches(version: "1.2.3@sha256:ab"))
        #expect(!martlet.matches(version: "1.2"))
        #expect(!martlet.matches(version: "1.2.3@sha256:a"))
        #expect(!martlet.matches(version: ""))
        #expect(BuilderIdentity("https://example.org:8080/b").fullVersion == nil)
        #expect(BuilderIdentity("plain:1").version == "1")
    }
}
