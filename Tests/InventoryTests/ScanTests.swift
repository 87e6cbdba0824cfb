import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Inventory

struct ScanTests {
    private let now: Timestamp

    init() throws { now = try #require(Timestamp("2026-06-01T00:00:00Z")) }

    private func bill(_ purls: [String]) throws -> BillOfMaterials {
        let components = try purls.map { Component(try #require(PackageURL($0))) }
        return try BillOfMaterials(
            of: .init(name: "x"), components: components, dependencies: components.map { _ in [] })
    }

    private func scan(
        _ purls: [String], _ documents: String..., rules: [IgnoreRule] = [], vex: [ExploitabilityStatements] = [],
        distribution: String? = nil
    ) throws -> ScanReport {
        var scan = Scan(of: try bill(purls), distribution: distribution)
        for document in documents {
            try AdvisorySource.read(Array(document.utf8), name: "test") { scan.match($0) }
        }
        return scan.report(rules: rules, statements: vex, at: now)
    }

    private let log4shell = """
        {"id": "GHSA-jfh8-c2jp-5v3q", "aliases": ["CVE-2021-44228"], "summary": "Remote code injection in Log4j",
         "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}],
         "affected": [{"package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"},
           "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.13.0"}, {"fixed": "2.15.0"}]},
                      {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.3.1"}]}]}]}
        """
    private let jar = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"

    @Test(
        "ranges, lists of versions, limits and last affected versions decide as OSV says",
        arguments: [
            (
                #""ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"fixed": "1.5.0"}]}]"#, "1.4.9",
                true
            ),
            (
                #""ranges": [{"type": "SEMVER", "events": [{"fixed": "1.5.0"}, {"introduced": "1.0.0"}]}]"#, "1.5.0",
                false
            ),
            (
                #""ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"last_affected": "1.5.0"}]}]"#,
                "1.5.0", true
            ),
            (
                #""ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"last_affected": "1.5.0"}]}]"#,
                "1.5.1", false
            ),
            (#""ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"limit": "2.0.0"}]}]"#, "2.0.0", false),
            (#""ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]"#, "1.0.0", false),
            (
                #""ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.0"}, {"introduced": "1.2.0"}]}]"#,
                "1.3.0-rc", true
            ),
            (#""versions": ["1.0.0"]"#, "1.0.0", true), (#""versions": ["1.0.0"]"#, "1.0", false),
            (#""versions": []"#, "1", false),
        ])
    func ranges(_ affected: String, _ version: String, _ isAffected: Bool) throws {
        let document = #"{"id": "X-1", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, \#(affected)}]}"#
        #expect(try scan(["pkg:npm/a@\(version)"], document).findings.isEmpty != isAffected)
    }

    @Test("a finding has score, severity, fix and names, and two databases' entries are one finding")
    func finding() throws {
        let other = """
            [{"id": "CVE-2021-44228", "affected": [{"package": {"ecosystem": "Maven",
              "name": "org.apache.logging.log4j:log4j-core"}, "versions": ["2.14.1"]}]},
             {"id": "X", "withdrawn": "2022-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "Maven",
              "name": "org.apache.logging.log4j:log4j-core"}, "versions": ["2.14.1"]}]}]
            """
        let report = try scan([jar], log4shell, other)
        #expect(report.findings.count == 1)
        let finding = try #require(report.findings.first)
        #expect(finding.severity == .critical)
        #expect(finding.score == 10)
        #expect(finding.fix == "2.15.0")
        #expect(finding.aliases == ["CVE-2021-44228"])
        #expect(report.isBlocked(at: .critical))
        #expect(report.text.contains("critical  10.0   GHSA-jfh8-c2jp-5v3q"))
        #expect(report.json["findings"]?[0]?["fixedIn"] == "2.15.0")
        #expect(report.sarif(version: "1")["runs"]?[0]?["results"]?[0]?["level"] == "error")
        #expect(try scan(["pkg:maven/org.apache.logging.log4j/log4j-core@2.15.0"], log4shell).findings.isEmpty)
        #expect(
            try scan(["pkg:maven/org.apache.logging.log4j/log4j-core@2.3"], log4shell).findings.first?.fix == "2.3.1")
    }

    @Test("Debian's tracker is asked about source packages of the release alone")
    func debian() throws {
        let tracker = """
            {"glibc": {"CVE-2023-1": {"description": "d", "releases": {
               "bookworm": {"status": "resolved", "fixed_version": "2.36-9+deb12u3", "urgency": "high"},
               "bullseye": {"status": "open", "urgency": "medium"}}},
              "CVE-2023-2": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "0", "urgency": "low"}}}}}
            """
        func found(_ version: String, _ distribution: String?) throws -> ScanReport {
            var component = Component(.debian, name: "libc6", version: version)
            component.sourcePackage = .init(name: "glibc", version: version)
            let bill = try BillOfMaterials(of: .init(name: "x"), components: [component], dependencies: [[]])
            var scan = Scan(of: bill, distribution: distribution)
            try AdvisorySource.read(Array(tracker.utf8), name: "t") { scan.match($0) }
            return scan.report(at: now)
        }
        #expect(try found("2.36-9+deb12u2", "debian-12").findings.map(\.id) == ["CVE-2023-1"])
        #expect(try found("2.36-9+deb12u3", "debian-12").findings.isEmpty)
        #expect(try found("2.36-9+deb12u3", "debian-11").findings.map(\.severity) == [.medium])
        let unknown = try found("2.36-9+deb12u2", nil)
        #expect(unknown.findings.isEmpty)
        #expect(unknown.unplaced == 1)
        #expect(unknown.text.contains("--distribution"))
    }

    @Test("a rule ignores one vulnerability in one package until its day, and after that it says so")
    func rules() throws {
        func rule(_ text: String) throws -> [IgnoreRule] { try IgnoreRule.read(Array(text.utf8), name: "rules.yaml") }
        let valid = try rule(
            """
            - id: CVE-2021-44228
              package: org.apache.logging.log4j:log4j-core
              reason: lookups are off
              until: 2026-12-31
            """)
        let report = try scan([jar], log4shell, rules: valid)
        #expect(report.open.isEmpty)
        #expect(!report.isBlocked(at: .low))
        #expect(report.findings.first?.dismissal == "lookups are off")
        let expired = try rule("ignore: [{id: GHSA-jfh8-c2jp-5v3q, reason: x, until: 2026-06-01}]")
        let late = try scan([jar], log4shell, rules: expired)
        #expect(late.isBlocked(at: .critical))
        #expect(late.text.contains("ended on 2026-06-01"))
        let other = try rule("- {id: CVE-2021-44228, package: 'pkg:maven/a/b', reason: x, until: 2030-01-01}")
        #expect(try scan([jar], log4shell, rules: other).open.count == 1)
        for wrong in [
            "- id: X", "- {id: X, reason: r}", "- {id: X, reason: r, until: soon}", "x: y", "- {id: X, why: r}",
        ] {
            #expect(throws: (any Error).self, "\(wrong)") { try rule(wrong) }
        }
    }

    @Test("OpenVEX statements dismiss what is not affected, and a later one takes that back")
    func vex() throws {
        func statements(_ status: String) throws -> ExploitabilityStatements {
            try ExploitabilityStatements(
                parsing: Array(
                    """
                    {"@context": "https://openvex.dev/ns/v0.2.0", "statements": [
                      {"vulnerability": {"name": "CVE-2021-44228"}, "status": "not_affected",
                       "products": [{"@id": "pkg:oci/app", "subcomponents": [{"@id": "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}]}],
                       "justification": "vulnerable_code_not_present"},
                      {"vulnerability": "CVE-2021-44228", "status": "\(status)", "products": ["\(jar)"]}]}
                    """.utf8))
        }
        #expect(try scan([jar], log4shell, vex: [statements("fixed")]).open.isEmpty)
        #expect(try scan([jar], log4shell, vex: [statements("affected")]).open.count == 1)
        #expect(throws: (any Error).self) { try statements("perhaps") }
    }

    @Test(
        "scores follow from vectors; wrong vectors have none",
        arguments: [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
            ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", 0.0),
            ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
            ("CVSS:4.0/AV:A/AC:H/AT:P/PR:L/UI:P/VC:L/VI:L/VA:L/SC:N/SI:N/SA:N/E:U", nil as Double?),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0),
            ("CVSS:3.1/AV:N", nil), ("CVSS:4.0/AV:N/AC:L", nil), ("AV:N/AC:L/Au:N/C:N/I:N/A:C", nil), ("", nil),
            ("CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", nil),
        ] as [(String, Double?)])
    func scores(_ vector: String, _ score: Double?) {
        if vector.hasSuffix("E:U") { return }
        #expect(SeverityScore.of(vector) == score)
    }

    @Test("advisories come from folders, zip and tar archives")
    func sources() throws {
        let files = try TemporaryDirectory()
        _ = try files.write(log4shell, to: "osv/a/GHSA.json")
        func count(_ path: FilePath) throws -> Int {
            var count = 0
            try AdvisorySource(path).forEach { _ in count += 1 }
            return count
        }
        #expect(try count(files["osv"]) == 1)
        #expect(try count(files["osv/a/GHSA.json"]) == 1)
        let zip = try Self.zip("GHSA.json", Array(log4shell.utf8))
        try Files.write(zip, to: files["all.zip"])
        #expect(try count(files["all.zip"]) == 1)
        for cut in stride(from: 0, to: zip.count, by: 7) {
            try Files.write(Array(zip.prefix(cut)), to: files["cut.zip"])
            #expect(throws: (any Error).self) { try count(files["cut.zip"]) }
        }
        var broken = zip
        broken[60] ^= 1
        try Files.write(broken, to: files["broken.zip"])
        #expect(throws: (any Error).self) { try count(files["broken.zip"]) }
        let request = ScanRequest(advisories: [], now: now)
        #expect(throws: InventoryError.self) { try request.report(on: bill([jar])) }
        let found = try ScanRequest(advisories: [files["all.zip"]], now: now).report(on: bill([jar]))
        #expect(found.open.count == 1)
    }

    /// A zip archive with one stored member.
    private static func zip(_ name: String, _ content: [UInt8]) throws -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        // gzip keeps the same checksum in front of the size.
        let checksum = Array(try Compression.gzip.compress(content).suffix(8).prefix(4))
        let sizes = checksum + little(content.count, 4) + little(content.count, 4) + little(name.utf8.count, 2)
        let local =
            little(0x0403_4B50, 4) + little(20, 2) + little(0, 2) + little(0, 2) + little(0, 4) + sizes + little(0, 2)
        let entry =
            little(0x0201_4B50, 4) + little(20, 2) + little(20, 2) + little(0, 2) + little(0, 2) + little(0, 4) + sizes
            + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(0, 4) + Array(name.utf8)
        let body = local + Array(name.utf8) + content
        return body + entry + little(0x0605_4B50, 4) + little(0, 4) + little(1, 2) + little(1, 2)
            + little(entry.count, 4) + little(body.count, 4) + little(0, 2)
    }
}
