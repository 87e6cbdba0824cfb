import Attest
import Bytes
import Policy
import Testing

@Suite("Assertions over martlet's bundles")
struct BundlePolicyTests {
    private func facts(_ name: String, dependencies: [String] = []) -> ProvenanceFacts {
        var facts = ProvenanceFacts(
            packageName: name, packageType: "generic", actionKey: Digest.of(name), inputs: Digest.of("i" + name),
            inputCount: 1, sandbox: "full", builder: .init(version: "1.2.3", digest: Digest.of("martlet")))
        facts.subjects = [Subject(name: name + ".tar.gz", digest: Digest.of("artifact " + name))]
        facts.source = .init(origin: "https://git.example.org/r", commit: String(repeating: "ab", count: 20))
        facts.dependencies = dependencies.map { .init(name: $0, digest: Digest.of("artifact " + $0)) }
        facts.tools = [.init(name: "sh", digest: Digest.of("sh"))]
        facts.metadata.finishedOn = Timestamp("2026-01-01T00:00:00Z")
        return facts
    }

    private func bundle(_ facts: [ProvenanceFacts]) -> ProvenanceBundle {
        var bundle = ProvenanceBundle()
        for facts in facts { bundle.append(Envelope(facts.statement)) }
        return bundle
    }

    private func lines(_ assertion: Assertion, _ facts: [ProvenanceFacts], target: String? = nil) -> [String] {
        BundlePolicy([assertion], target: target).check(bundle(facts)).lines
    }

    private var good: [ProvenanceFacts] { [facts("lib:lib"), facts("app:app", dependencies: ["lib:lib"])] }

    @Test("a clean, sandboxed build with all statements passes everything")
    func passes() throws {
        let now = try #require(Timestamp("2026-01-01T01:00:00Z"))
        let policy = BundlePolicy(
            [
                .gitOnly, .builtWithMartlet, .builtWithMartletVersion("1.2.3"),
                .builtWithMartletVersion("1.2.3@\(Digest.of("martlet"))"), .sandboxed, .allDependencies, .slsaLevel(1),
                .noDirty, .artifact(.init(name: "out.tar.gz", digest: Digest.of("artifact app:app"))),
                .maxAge(seconds: 3600, now: now),
            ], target: "app:app")
        let report = policy.check(bundle(good))
        #expect(report.lines.isEmpty)
        #expect(report.isPassed)
        #expect(report.statementCount == 2)
    }

    @Test("A1: a digest that is no subject of the target fails, a dependency's too")
    func artifact() {
        let wrong = Assertion.artifact(.init(name: "f", digest: Digest.of("other")))
        #expect(lines(wrong, good).count == 1)
        let dependency = Assertion.artifact(.init(name: "f", digest: Digest.of("artifact lib:lib")))
        #expect(
            lines(dependency, good) == [
                "app:app failed artifact: f (\(Digest.of("artifact lib:lib"))) is not among its 1 subjects"
            ])
        #expect(lines(dependency, good, target: "lib:lib").isEmpty)
        #expect(
            lines(dependency, good, target: "no:such").first == "no:such failed bundle: has no statement in the bundle")
    }

    @Test("A2: an empty bundle fails, even with nothing asserted")
    func empty() {
        let report = BundlePolicy([]).check(ProvenanceBundle())
        #expect(report.lines == ["failed bundle: the bundle has no statement"])
        #expect(!report.isPassed)
    }

    @Test("A3: unknown payloads, statements and predicates are refused, even with nothing asserted")
    func unknown() throws {
        var bundle = bundle(good)
        bundle.append(Envelope(payloadType: "text/plain", payload: []))
        bundle.append(Envelope(payloadType: Statement.payloadType, payload: Array("{}".utf8)))
        bundle.append(
            Envelope(Statement(subjects: [], predicateType: "https://example.org/other", predicate: [:])))
        let report = BundlePolicy([]).check(bundle)
        #expect(
            report.lines == [
                "line 5 failed statement: the predicate type https://example.org/other is not known",
                "line 4 failed statement: statement._type is missing",
                "line 3 failed statement: the payload type text/plain is not known",
            ])
        // An unreadable last line does not make the line before it the target.
        let artifact = Assertion.artifact(.init(name: "f", digest: Digest.of("other")))
        #expect(BundlePolicy([artifact]).check(bundle).violations.count == 3)
    }

    @Test("A4: a line without a field does not get the one of the line before")
    func fresh() throws {
        let full = LeewayBundles.v01("a:b")
        var bare = LeewayBundles.v01("c:d").objectValue ?? [:]
        bare["predicate"] = ["builder": ["id": "other"]]
        let report = BundlePolicy([.gitOnly, .builtWithLeeway]).check(try LeewayBundles.bundle([full, .object(bare)]))
        #expect(
            report.lines == [
                "line 3 failed git-material-only: lists no material",
                "line 3 failed built-with-leeway: was not built using leeway",
            ])
    }

    @Test("a changed input makes the package dirty")
    func dirty() {
        var changed = good
        changed[0].changedInputs = [.init(path: "lib/BUILD.yaml", digest: Digest.of("x"), reason: "modified")]
        #expect(
            lines(.gitOnly, changed)
                == ["lib:lib failed git-material-only: contains non-Git material, e.g. lib/BUILD.yaml (modified)"])
        #expect(lines(.noDirty, changed).count == 1)
        changed = good
        changed[1].source = nil
        #expect(lines(.gitOnly, changed) == ["app:app failed git-material-only: names no Git commit"])
        #expect(lines(.noDirty, changed).count == 1)
        changed = good
        changed[1].fetched = [.init(uri: "https://example.org/x", digest: nil)]
        #expect(lines(.gitOnly, changed).count == 1)
    }

    @Test("P8: a dependency without a statement, or with one about other bytes, is missing")
    func dependencies() {
        #expect(lines(.allDependencies, good).isEmpty)
        let alone = [facts("app:app", dependencies: ["lib:lib"])]
        #expect(
            lines(.allDependencies, alone)
                == ["app:app failed all-dependencies: depends on lib:lib, which has no statement in the bundle"])
        #expect(lines(.gitOnly, alone).count == 1)
        var other = good
        other[0].subjects = [Subject(name: "x", digest: Digest.of("other bytes"))]
        #expect(lines(.allDependencies, other).count == 1)
        other = good
        other[1].dependencies = [.init(name: "lib:lib", digest: nil)]
        #expect(
            lines(.allDependencies, other) == ["app:app failed all-dependencies: depends on lib:lib without a digest"])
    }

    @Test("a run without walls is told")
    func sandbox() {
        var open = good
        open[0].sandbox = "off"
        open[1].sandbox = "wishful"
        #expect(
            lines(.sandboxed, open) == [
                "app:app failed sandboxed: was built with the unknown sandbox level 'wishful'",
                "lib:lib failed sandboxed: was built without a sandbox",
            ])
        open[0].sandbox = "namespaces"
        #expect(lines(.sandboxed, open).count == 1)
    }

    @Test("versions, levels and ages that are not reached")
    func others() throws {
        #expect(
            lines(.builtWithMartletVersion("9"), good).first?.contains("was built using martlet version 1.2.3@sha256:")
                == true)
        for (level, count) in [(0, 2), (1, 0), (2, 2), (3, 2), (4, 2)] {
            #expect(lines(.slsaLevel(level), good).count == count)
        }
        let now = try #require(Timestamp("2026-01-02T00:00:00Z"))
        #expect(lines(.maxAge(seconds: 86_399, now: now), good).count == 2)
        #expect(lines(.maxAge(seconds: 86_400, now: now), good).isEmpty)
        let before = try #require(Timestamp("2025-12-01T00:00:00Z"))
        #expect(lines(.maxAge(seconds: 86_400, now: before), good).count == 2)
        var timeless = good
        timeless[0].metadata = .init()
        #expect(
            lines(.maxAge(seconds: 86_400, now: now), timeless) == [
                "lib:lib failed max-age: does not say when it was built"
            ])
    }

    @Test("the reports for programs")
    func reports() throws {
        var open = good
        open[0].sandbox = "off"
        let report = BundlePolicy([.gitOnly, .sandboxed]).check(bundle(open))
        #expect(
            report.json == [
                "passed": false, "statements": 2, "signaturesVerified": false,
                "assertions": ["git-material-only", "sandboxed"],
                "violations": [
                    [
                        "package": "lib:lib", "assertion": "sandboxed", "description": "was built without a sandbox",
                        "line": 1,
                    ]
                ],
            ])
        let sarif = report.sarif(bundle: "b.jsonl", version: "1.2.3")
        #expect(sarif["version"]?.stringValue == "2.1.0")
        let run = sarif["runs"]?[0]
        let result = run?["results"]?[0]
        let index = try #require(result?["ruleIndex"]?.intValue)
        #expect(run?["tool"]?["driver"]?["rules"]?[index]?["id"] == result?["ruleId"])
        #expect(result?["message"]?["text"]?.stringValue == "lib:lib failed sandboxed: was built without a sandbox")
        #expect(result?["locations"]?[0]?["physicalLocation"]?["region"]?["startLine"]?.intValue == 1)
        #expect(BundlePolicy([]).check(bundle(good)).sarif(bundle: "b", version: "1")["runs"]?[0]?["results"] == [])
    }
}
