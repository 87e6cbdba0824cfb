import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Lineage

/// A store of its own and documents for it.
struct LineageStoreTests {
    private let files: TemporaryDirectory
    private let store: LineageStore

    init() throws {
        files = try TemporaryDirectory()
        store = LineageStore(files["store"])
    }

    @discardableResult
    private func add(
        _ documents: [[UInt8]], verification: Submission.Verification? = nil
    ) async throws -> LineageStore.ImportReport {
        let bytes = Array(documents.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n").utf8)
        return try await store.importDocuments(
            [LineageStore.Input(name: "test.jsonl", reader: ByteReader(bytes))], verification: verification)
    }

    /// A bare statement.
    private func provenance(
        of name: String, _ content: String, materials: [JSON], builder: String = "https://b/x:1@sha256:00"
    ) -> [UInt8] {
        let statement: JSON = [
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [["name": .string(name), "digest": ["sha256": .string(Digest.of(content).hex)]]],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": [
                "buildDefinition": [
                    "buildType": "https://x/y", "externalParameters": [:], "resolvedDependencies": .array(materials),
                ],
                "runDetails": ["builder": ["id": .string(builder)], "metadata": ["startedOn": "2026-01-01T00:00:00Z"]],
            ],
        ]
        return statement.bytes()
    }

    private func material(_ content: String) -> JSON { ["digest": ["sha256": .string(Digest.of(content).hex)]] }

    private let bill: JSON = [
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": [
            "component": [
                "name": "app.jar", "bom-ref": "r",
                "hashes": [["alg": "SHA-256", "content": .string(Digest.of("jar").hex)]],
            ]
        ],
        "components": [
            ["name": "web", "version": "1", "purl": "pkg:maven/org.web/web@1", "bom-ref": "w"],
            ["name": "log", "version": "1", "purl": "pkg:maven/org.log/log-api@1", "bom-ref": "l"],
            [
                "name": "log4j-core", "version": "2.14.1",
                "purl": "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar", "bom-ref": "c",
            ],
        ],
        "dependencies": [
            ["ref": "r", "dependsOn": ["w"]], ["ref": "w", "dependsOn": ["l"]], ["ref": "l", "dependsOn": ["c"]],
        ],
    ]

    @Test("a package inside an archive inside an image is found from its name, with the way through")
    func whoUses() async throws {
        let report = try await add([
            bill.bytes(), provenance(of: "image", "image", materials: [material("jar"), material("base")]),
            provenance(of: "other", "other", materials: [material("base")]),
        ])
        #expect(report.added == 3)
        #expect(report.refused.isEmpty)
        let search = try LineageSearch(store)
        for query in [
            "log4j-core", "log4j-core@2.14.1", "org.apache.logging.log4j:log4j-core",
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "pkg:maven/org.apache.logging.log4j/log4j-core",
        ] {
            let answer = try search.usage(of: query)
            #expect(answer.released.map { answer.items[$0]?.name } == ["image"], "\(query)")
            #expect(answer.uses.map(\.relation) == [.contains, .material])
            #expect(
                answer.uses[0].through.map { answer.items[$0]?.title } == [
                    "pkg:maven/org.web/web@1", "pkg:maven/org.log/log-api@1",
                ])
        }
        let text = try search.usage(of: "log4j-core@2.14.1").text()
        #expect(
            text == """
                pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1
                └─ app.jar sha256:\(Digest.of("jar").hex.prefix(12))  contains it through pkg:maven/org.web/web@1, pkg:maven/org.log/log-api@1 [unverified]
                   └─ image sha256:\(Digest.of("image").hex.prefix(12))  was built from it [unverified]

                1 released artifact uses it
                  image sha256:\(Digest.of("image").hex.prefix(12))

                """)
        let base = try search.usage(of: Digest.of("base").description)
        #expect(base.released.compactMap { base.items[$0]?.name }.sorted() == ["image", "other"])
        #expect(try search.usage(of: String(Digest.of("base").hex.prefix(9))).released == base.released)
        #expect(throws: LineageError.self) { try search.usage(of: "log4j-core@2.15.0") }
        #expect(throws: LineageError.self) { try search.usage(of: "nothing") }
        #expect(try search.usage(of: "https://b/x").released.count == 2)
        #expect(try search.usage(of: "https://b/x:1@sha256:00").uses.allSatisfy { $0.relation == .builtBy })
    }

    @Test("cycles end, in both directions and in every form")
    func cycles() async throws {
        try await add([
            provenance(of: "a", "a", materials: [material("b")]), provenance(of: "b", "b", materials: [material("c")]),
            provenance(of: "c", "c", materials: [material("a"), material("c")]),
        ])
        let search = try LineageSearch(store)
        let up = try search.usage(of: Digest.of("a").hex)
        #expect(up.uses.count == 3)
        #expect(up.released.isEmpty)
        #expect(up.text().contains("(above)"))
        #expect(up.dot.hasPrefix("digraph"))
        let down = try search.origin(of: Digest.of("a").hex)
        #expect(down.parts.filter { $0.relation == .material }.count == 3)
        #expect(down.text(isASCII: true).contains("(above)"))
        #expect(down.json["edges"]?.arrayValue?.count == down.parts.count)
    }

    @Test("what nobody verified is never shown as verified, and a verified copy of it takes its place")
    func standing() async throws {
        let statement = provenance(of: "a", "a", materials: [material("m")])
        let envelope: JSON = [
            "payloadType": "application/vnd.in-toto+json", "payload": .string(Base64.encode(statement)),
            "signatures": [["sig": "AAAA"]],
        ]
        try await add([envelope.bytes(), provenance(of: "b", "b", materials: [material("m")])])
        let before = try LineageSearch(store).usage(of: Digest.of("m").hex)
        #expect(before.uses.map(\.standing) == [.unverified, .unverified])
        #expect(try LineageSearch(store).usage(of: Digest.of("m").hex, verifiedOnly: true).uses.isEmpty)
        let refused = try await add([envelope.bytes()]) { _ in throw LineageError(.unverified, "the signature is wrong")
        }
        #expect(refused.added == 0)
        #expect(refused.refused.map(\.place) == ["test.jsonl:1"])
        let report = try await add([envelope.bytes()]) { document in
            #expect(document == envelope.bytes())
            return .init(payload: statement, identities: ["ci@example.org"])
        }
        #expect(report.promoted == 1)
        let search = try LineageSearch(store)
        let verified = try search.usage(of: Digest.of("m").hex, verifiedOnly: true)
        #expect(verified.uses.map(\.standing) == [.verified])
        #expect(try search.usage(of: "ci@example.org").uses.map(\.relation) == [.signedBy])
        #expect(try search.history(of: "a").events.map(\.identities) == [["ci@example.org"]])
        let known = try await add([envelope.bytes()])
        #expect(known.known == 1)
        // A question is put to one state of the index: what comes later is not mixed in.
        try await add([provenance(of: "c", "c", materials: [material("m")])])
        #expect(try search.usage(of: Digest.of("m").hex).uses.count == 2)
        #expect(try LineageSearch(store).usage(of: Digest.of("m").hex).uses.count == 3)
        #expect(try store.status().verified == 1)
    }

    @Test("the index made anew answers as before, and equal imports give equal answers")
    func rebuild() async throws {
        try await add((0..<300).map(GeneratedStatements.envelope) + [bill.bytes()])
        try await add([provenance(of: "image", "image", materials: [material("jar")])]) { document in
            .init(payload: document, identities: ["key"])
        }
        let queries = ["log4j-core", "package-17", "https://example.org/builder", GeneratedStatements.digest(20).hex]
        func answers() throws -> [String] {
            let search = try LineageSearch(store)
            return try queries.map { try search.usage(of: $0).json.text() }
                + [search.history(of: "team/component-7").json.text()]
        }
        let before = try answers()
        let status = try store.status()
        let report = try await store.rebuild()
        #expect(report.added == 302)
        #expect(try answers() == before)
        #expect(try store.status().json["statements"] == status.json["statements"])
        #expect(try store.status().verified == 1)
    }

    @Test("what is no document is refused with its line, and the rest is taken")
    func refusals() async throws {
        let report = try await add([
            Array("{}".utf8), provenance(of: "a", "a", materials: []), Array("[".utf8), Array(#"{"payload": 7}"#.utf8),
        ])
        #expect(report.added == 1)
        #expect(report.refused.map(\.place) == ["test.jsonl:1", "test.jsonl:3", "test.jsonl:4"])
        #expect(throws: LineageError.self) { try LineageSearch(LineageStore(files["absent"])) }
    }

    @Test("a document over several lines is one document")
    func indented() async throws {
        let report = try await add([bill.bytes(indented: true)])
        #expect(report.added == 1)
    }

    @Test("an answer stops at its limit and says so")
    func limits() async throws {
        try await add((0..<200).map { provenance(of: "a\($0)", "a\($0)", materials: [material("m")]) })
        let search = try LineageSearch(store)
        search.limits.nodes = 50
        let answer = try search.usage(of: Digest.of("m").hex)
        #expect(answer.isTruncated)
        #expect(answer.items.count <= 52)
        #expect(answer.text().contains("--limit"))
    }

    @Test("languages of dependencies are counted, in everything and in one artifact")
    func languages() async throws {
        try await add([bill.bytes()] + (0..<50).map(GeneratedStatements.envelope))
        let all = try store.languages()
        #expect(all.first?.language == "JavaScript")
        #expect(all.first { $0.language == "Java" }?.count == 3)
        let one = try store.languages(of: Digest.of("jar").hex)
        #expect(one.map(\.language) == ["Java"])
        #expect(one.map(\.count) == [3])
    }

    @Test("names of statements can't steer a terminal or a graph")
    func hostileNames() async throws {
        try await add([provenance(of: "a\u{1b}[2J\"]; x [\n", "a", materials: [material("m")])])
        let answer = try LineageSearch(store).usage(of: Digest.of("m").hex)
        #expect(!answer.text().contains("\u{1b}"))
        #expect(!answer.dot.contains("\u{1b}"))
        #expect(answer.dot.contains("\\\"]; x ["))
    }

    @Test("a damaged file of statements is reported", arguments: [0, 10, 60])
    func damage(_ cut: Int) async throws {
        try await add([provenance(of: "a", "a", materials: [])])
        let file = store.directory.pushing("statements/00000001.zst")
        let bytes = try Files.read(file, limit: 1 << 20)
        try Files.write(Array(bytes.prefix(cut)), to: file)
        await #expect(throws: (any Error).self) { try await store.rebuild() }
        #expect(try LineageSearch(store).history(of: "a").events.count == 1)
    }
}
