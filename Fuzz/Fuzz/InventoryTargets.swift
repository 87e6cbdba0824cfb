internal import Bytes

@testable internal import Inventory
@testable internal import Lineage

extension FuzzTarget {
    /// Reading lock files: the first byte chooses the format.
    static let lockFile = FuzzTarget(name: "lock-file") { input in
        let kinds = LockFile.Kind.allCases
        guard let first = input.first else { return }
        let kind = kinds[Int(first) % kinds.count]
        let rest = Array(input.dropFirst())
        guard let file = try? LockFile(parsing: rest, kind: kind, path: "x", sibling: { _ in rest }) else { return }
        for (index, component) in file.components.enumerated() {
            require(!component.name.isEmpty, "a component has a name")
            require(
                file.dependencies[index].allSatisfy { file.components.indices.contains($0) }, "edges lead somewhere")
        }
        guard let bill = try? BillOfMaterials(of: .init(name: "x"), lockFiles: [file]) else { return }
        require(bill.components.count <= file.components.count, "equal components are one")
    }

    /// Reading bills of materials: what is written reads back.
    static let bill = FuzzTarget(name: "bill") { input in
        guard let bill = try? BillOfMaterials(parsing: input), let time = Timestamp(seconds: 0) else { return }
        let metadata = BillMetadata(created: time, version: "1")
        for format in [BillFormat.spdx, .cyclonedx] {
            let again = try? BillOfMaterials(parsing: bill.document(format, metadata).bytes())
            require(again != nil, "a bill reads back")
            require(again?.components.count == bill.components.count, "no component is lost")
        }
        _ = bill.document(.spdx3, metadata)
    }

    /// Reading package URLs: each has one canonical form.
    static let packageURL = FuzzTarget(name: "package-url") { input in
        guard let purl = PackageURL(String(decoding: input, as: UTF8.self)) else { return }
        require(PackageURL(purl.description)?.description == purl.description, "a package URL has one form")
    }

    /// Reading advisories and matching them; comparing versions in every ecosystem.
    static let advisory = FuzzTarget(name: "advisory") { input in
        let component = Component(.npm, name: "a", version: "1.0.0")
        if let bill = try? BillOfMaterials(of: .init(name: "x"), components: [component], dependencies: [[]]) {
            var scan = Scan(of: bill, distribution: "debian-12")
            _ = try? AdvisorySource.read(input, name: "x") { scan.match($0) }
        }
        let text = String(decoding: input, as: UTF8.self)
        let parts = text.split(separator: "\n", maxSplits: 1).map(String.init)
        _ = SeverityScore.of(text).map { require(0...10 ~= $0, "a score is between 0 and 10") }
        guard parts.count == 2 else { return }
        for ecosystem in Ecosystem.allCases {
            let there = VersionOrder.compare(parts[0], parts[1], in: ecosystem)
            require(VersionOrder.compare(parts[1], parts[0], in: ecosystem) == -there, "an order turns around")
        }
    }

    /// Reading zip archives, ignore rules and OpenVEX.
    static let advisoryFiles = FuzzTarget(name: "advisory-files") { input in
        _ = try? IgnoreRule.read(input, name: "x")
        _ = try? ExploitabilityStatements(parsing: input)
        guard let zip = try? ZipReader(input) else { return }
        for member in zip.members.prefix(16) { _ = try? zip.content(of: member, limit: 1 << 20) }
    }

    /// Reading what is imported into the store of statements.
    static let submission = FuzzTarget(name: "submission") { input in
        guard let read = try? Submission(document: input, source: "x").read() else { return }
        require(!read.facts.mentions.contains { $0.relation == .signedBy }, "nobody signed what was not verified")
    }
}
