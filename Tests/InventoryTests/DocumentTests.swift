import Bytes
import Testing

@testable import Inventory

struct DocumentTests {
    private let metadata: BillMetadata

    init() throws { metadata = BillMetadata(created: try #require(Timestamp(seconds: 0)), version: "1.0") }

    private func bill(reversed: Bool = false) throws -> BillOfMaterials {
        var log = Component(.maven, name: "org.apache.logging.log4j:log4j-core", version: "2.14.1")
        log.checksums = [.init("sha256", String(repeating: "ab", count: 32))]
        log.license = "Apache-2.0"
        log.source = "https://example.org/log4j-core.jar"
        var go = Component(.go, name: "golang.org/x/sys", version: "v0.1.0")
        go.checksums = [.init("h1", Base64.encode([UInt8](repeating: 7, count: 32)))]
        var swift = Component(.swift, name: "github.com/apple/swift-nio", version: "2.0.0")
        swift.checksums = [.init("gitCommit", String(repeating: "c", count: 40))]
        swift.license = "SEE LICENSE IN x"
        var app = Component(.npm, name: "@s/app", version: "1.0.0")
        app.isDirect = true
        app.license = "(MIT OR GPL-2.0-only WITH Classpath-exception-2.0)"
        app.scope = .optional
        let list = [log, go, swift, app]
        let subject = BillOfMaterials.Subject(
            name: "app:app", version: "7", checksums: [.init("sha256", String(repeating: "12", count: 32))])
        return reversed
            ? try BillOfMaterials(
                of: subject, components: list.reversed() + [app], dependencies: [[3], [], [], [], [3]])
            : try BillOfMaterials(of: subject, components: list, dependencies: [[], [], [], [0]])
    }

    @Test("equal bills give equal documents, in whatever order they were put together", arguments: BillFormat.allCases)
    func determinism(_ format: BillFormat) throws {
        let one = try bill().document(format, metadata).bytes()
        #expect(try bill(reversed: true).document(format, metadata).bytes() == one)
        let later = BillMetadata(created: try #require(Timestamp(seconds: 1)), version: "1.0")
        #expect(try bill().document(format, later).bytes() != one)
    }

    @Test(
        "a document reads back with components, digests, edges and subject",
        arguments: [
            BillFormat.spdx, .cyclonedx, .cyclonedx15,
        ])
    func roundTrip(_ format: BillFormat) throws {
        let bill = try bill()
        let read = try BillOfMaterials(parsing: bill.document(format, metadata).bytes())
        #expect(read.subject == bill.subject)
        #expect(read.components.map(\.purl) == bill.components.map(\.purl))
        #expect(read.components.map(\.name) == bill.components.map(\.name))
        #expect(read.dependencies == bill.dependencies)
        #expect(
            read.components.first { $0.ecosystem == .maven }?.digestSet == [
                "sha256": String(repeating: "ab", count: 32)
            ])
        #expect(
            read.components.first { $0.ecosystem == .swift }?.digestSet == [
                "gitCommit": String(repeating: "c", count: 40)
            ])
        #expect(
            read.components.first { $0.ecosystem == .npm }?.license
                == "(MIT OR GPL-2.0-only WITH Classpath-exception-2.0)")
    }

    @Test("the identifier of a document is a UUID of version 5")
    func identifier() throws {
        let serial = try #require(try bill().document(.cyclonedx, metadata)["serialNumber"]?.stringValue)
        let parts = serial.dropFirst("urn:uuid:".count).split(separator: "-")
        #expect(parts.map(\.count) == [8, 4, 4, 4, 12])
        #expect(parts[2].first == "5")
        #expect("89ab".contains(try #require(parts[3].first)))
    }

    @Test("documents of other writers are read: nested components, edges the other way round")
    func foreign() throws {
        let cyclone = try BillOfMaterials(
            parsing: Array(
                """
                {"bomFormat": "CycloneDX", "specVersion": "1.4", "metadata": {"component": {"name": "x", "bom-ref": "r"}},
                 "components": [{"name": "a", "group": "g", "version": "1", "bom-ref": "a",
                   "components": [{"name": "b", "purl": "pkg:npm/b@2?x=y", "bom-ref": "b"}]}],
                 "dependencies": [{"ref": "r", "dependsOn": ["a"]}, {"ref": "a", "dependsOn": ["b", "gone"]}]}
                """.utf8))
        #expect(cyclone.components.map(\.name) == ["g/a", "b"])
        #expect(cyclone.dependencies == [[1], []])
        let spdx = try BillOfMaterials(
            parsing: Array(
                """
                {"spdxVersion": "SPDX-2.2", "name": "doc", "documentDescribes": ["SPDXRef-r"],
                 "packages": [{"SPDXID": "SPDXRef-r", "name": "root"}, {"SPDXID": "SPDXRef-a", "name": "a", "versionInfo": "1"}],
                 "relationships": [
                   {"spdxElementId": "SPDXRef-a", "relationshipType": "DEPENDENCY_OF", "relatedSpdxElement": "SPDXRef-r"}]}
                """.utf8))
        #expect(spdx.subject.name == "root")
        #expect(spdx.components.map(\.isDirect) == [true])
        #expect(throws: InventoryError.self) { try BillOfMaterials(parsing: Array("{}".utf8)) }
        #expect(throws: InventoryError.self) { try BillOfMaterials(parsing: Array(#"{"spdxVersion": 3}"#.utf8)) }
    }

    @Test(
        "licence expressions of unknown words are not passed on as such",
        arguments: [
            ("MIT", true), ("MIT OR Apache-2.0", true), ("(MIT AND (ISC OR 0BSD))", true), ("SEE LICENSE IN x", false),
            ("MIT OR", false), ("(MIT", false), ("MIT MIT", false), ("", false), ("MIT WITH MIT", false),
            ("GPL-2.0-only WITH Classpath-exception-2.0", true), ("Classpath-exception-2.0", false),
        ])
    func licenses(_ text: String, _ isKnown: Bool) { #expect((License.expression(text) != nil) == isKnown) }
}
