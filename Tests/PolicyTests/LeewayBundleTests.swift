import Attest
import Bytes
import Policy
import Testing

/// Bundles as Leeway writes them.
enum LeewayBundles {
    static let version = "0.2.17-3ebfb2a@sha256:b9629e2d0432adea1be7dddb3603e36d9f69b09d8985f725257adaade51d4a40"

    static func v01(
        _ package: String, materials: JSON? = nil, builder: String = "github.com/gitpod-io/leeway:" + version
    ) -> JSON {
        [
            "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.1",
            "subject": [["name": "/out", "digest": ["sha256": .string(Digest.of(package).hex)]]],
            "predicate": [
                "builder": ["id": .string(builder)],
                "recipe": [
                    "type": "https://github.com/gitpod-io/leeway/build@go:2", "definedInMaterial": 0,
                    "entryPoint": .string(package), "arguments": ["leeway", "build"],
                    "environment": ["manifest": ["os": "linux"]],
                ],
                "metadata": ["buildFinishedOn": "2022-06-10T13:23:37.733290813Z"],
                "materials": materials ?? [gitMaterial],
            ],
        ]
    }

    static func v02(_ package: String, materials: JSON? = nil) -> JSON {
        [
            "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": nil,
            "predicate": [
                "builder": ["id": .string("github.com/gitpod-io/leeway:0.21.1@sha256:" + Digest.of("leeway").hex)],
                "buildType": "",
                "invocation": [
                    "configSource": [
                        "uri": "https://github.com/gitpod-io/leeway/build@go:2", "digest": [:],
                        "entryPoint": .string(package),
                    ],
                    "parameters": ["args": ["leeway"]], "environment": ["manifest": [:]],
                ],
                "materials": materials ?? [gitMaterial],
            ],
        ]
    }

    /// Leeway calls the SHA-1 of the commit a SHA-256.
    static let gitMaterial: JSON = [
        "uri": "git+https://github.com/gitpod-io/gitpod.git",
        "digest": ["sha256": "5176a908d7a7eaecf40200520eae6f1a6e199e35"],
    ]

    /// Envelopes with `"signatures": null`, each followed by an empty line.
    static func bundle(_ statements: [JSON]) throws -> ProvenanceBundle {
        let lines = statements.map { statement in
            #"{"payloadType":"application/vnd.in-toto+json","payload":"\#(Base64.encode(statement.bytes(indented: true)))","signatures":null}"#
                + "\n\n"
        }
        return try ProvenanceBundle(parsing: Array(lines.joined().utf8))
    }
}

@Suite("The four outcomes of Gitpod's post, on Leeway's own bundles")
struct LeewayBundleTests {
    private func check(_ assertion: Assertion, _ statements: [JSON]) throws -> [String] {
        BundlePolicy([assertion]).check(try LeewayBundles.bundle(statements)).lines
    }

    private var post: [JSON] {
        [
            LeewayBundles.v01("components/common-go:lib"), LeewayBundles.v02("components/ws-manager:app"),
            LeewayBundles.v01("install/installer:app"),
        ]
    }

    @Test("built from a clean working copy") func gitOnly() throws { #expect(try check(.gitOnly, post).isEmpty) }

    @Test("built exclusively using Leeway")
    func builtWithLeeway() throws { #expect(try check(.builtWithLeeway, post).isEmpty) }

    @Test("A5: built with a version, whole or without the digest")
    func version() throws {
        let statements = [LeewayBundles.v01("a:b"), LeewayBundles.v01("c:d")]
        #expect(try check(.builtWithLeewayVersion(LeewayBundles.version), statements).isEmpty)
        #expect(try check(.builtWithLeewayVersion("0.2.17-3ebfb2a"), statements).isEmpty)
        #expect(try check(.builtWithLeewayVersion("0.2.17"), statements).count == 2)
    }

    @Test("a version that is not there is listed for each package, the target first")
    func wrongVersion() throws {
        let statements = [LeewayBundles.v01("test:app"), LeewayBundles.v01("install/installer:app")]
        #expect(
            try check(.builtWithLeewayVersion("not-an-actual-version"), statements) == [
                "install/installer:app failed built-with-leeway-version: was built using leeway version "
                    + LeewayBundles.version,
                "test:app failed built-with-leeway-version: was built using leeway version " + LeewayBundles.version,
            ])
    }

    @Test("dirty sources are told")
    func dirty() throws {
        let file: JSON = ["uri": "file://app/BUILD.yaml", "digest": ["sha256": "aa"]]
        for statement in [LeewayBundles.v01("a:b", materials: [file]), LeewayBundles.v02("a:b", materials: [file])] {
            #expect(
                try check(.gitOnly, [statement])
                    == ["a:b failed git-material-only: contains non-Git material, e.g. file://app/BUILD.yaml"])
            #expect(try check(.noDirty, [statement]).count == 1)
        }
    }

    @Test("another builder is not Leeway, even if its name begins alike")
    func otherBuilder() throws {
        for id in [
            "github.com/gitpod-io/leeway-fork:1", "github.com/gitpod-io/leeway/x:1", "https://martlet.dev/builder:1",
        ] {
            let statement = LeewayBundles.v01("a:b", builder: id)
            #expect(
                try check(.builtWithLeeway, [statement]) == ["a:b failed built-with-leeway: was not built using leeway"]
            )
            #expect(try check(.builtWithLeewayVersion("1"), [statement]).count == 1)
        }
    }

    @Test("A2: zero materials and a material without a commit fail")
    func materials() throws {
        for materials: JSON in [[], nil, [["uri": "git+https://example.org/r"]], [["digest": ["sha256": "aa"]]]] {
            #expect(try check(.gitOnly, [LeewayBundles.v01("a:b", materials: materials)]).count == 1)
        }
    }

    @Test("what Leeway does not say is no")
    func silent() throws {
        for assertion in [Assertion.sandboxed, .allDependencies, .builtWithMartlet, .slsaLevel(2)] {
            #expect(try check(assertion, [LeewayBundles.v01("a:b")]).count == 1)
        }
        #expect(try check(.slsaLevel(1), [LeewayBundles.v01("a:b")]).isEmpty)
        #expect(try check(.slsaLevel(1), [LeewayBundles.v02("a:b")]) == ["a:b failed slsa-level: has no subject"])
    }
}
