internal import Bytes

// SPDX 2.3 as JSON (https://spdx.github.io/spdx-spec/v2.3/).

extension BillOfMaterials {
    func spdx(_ metadata: BillMetadata) -> JSON {
        var packages: [JSON] = [spdxSubject]
        var relationships: [JSON] = [Self.relationship("SPDXRef-DOCUMENT", "DESCRIBES", Self.subjectID)]
        let ids = components.map(Self.spdxID)
        for (index, component) in components.enumerated() {
            packages.append(Self.spdxPackage(component, id: ids[index]))
        }
        let direct = direct
        let isDirect = Set(direct)
        for index in direct { relationships.append(Self.relationship(Self.subjectID, "DEPENDS_ON", ids[index])) }
        for index in components.indices where !isDirect.contains(index) {
            relationships.append(Self.relationship(Self.subjectID, "CONTAINS", ids[index]))
        }
        for (index, needs) in dependencies.enumerated() {
            for need in needs { relationships.append(Self.relationship(ids[index], "DEPENDS_ON", ids[need])) }
        }
        return [
            "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": .string(subject.name),
            "documentNamespace": .string("https://martlet.dev/spdx/\(identifier(metadata, "spdx"))"),
            "creationInfo": [
                "created": .string(metadata.created.description),
                "creators": [.string("Tool: martlet-\(metadata.version)")],
            ],
            "packages": .array(packages), "relationships": .array(relationships),
        ]
    }

    private static let subjectID = "SPDXRef-Subject"

    private static func relationship(_ from: String, _ type: String, _ to: String) -> JSON {
        ["spdxElementId": .string(from), "relationshipType": .string(type), "relatedSpdxElement": .string(to)]
    }

    /// An identifier of letters, digits, dots and dashes, which its package URL decides.
    static func spdxID(_ component: Component) -> String {
        let name = component.name.utf8.prefix(64).map { byte -> Character in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."): Character(Unicode.Scalar(byte))
            default: "-"
            }
        }
        return "SPDXRef-\(component.ecosystem.rawValue)-\(String(name))-"
            + Digest.of(component.purl.description).hex.prefix(16)
    }

    private var spdxSubject: JSON {
        var package: JSONObject = ["SPDXID": .string(Self.subjectID), "name": .string(subject.name)]
        if !subject.version.isEmpty { package["versionInfo"] = .string(subject.version) }
        package["downloadLocation"] = "NOASSERTION"
        package["filesAnalyzed"] = false
        Self.addChecksums(subject.checksums, to: &package)
        Self.addLicense(nil, to: &package)
        if let purl = subject.purl { package["externalRefs"] = [Self.purlReference(purl)] }
        return .object(package)
    }

    private static func spdxPackage(_ component: Component, id: String) -> JSON {
        var package: JSONObject = ["SPDXID": .string(id), "name": .string(component.name)]
        if !component.version.isEmpty { package["versionInfo"] = .string(component.version) }
        package["downloadLocation"] = .string(component.downloadLocation ?? "NOASSERTION")
        package["filesAnalyzed"] = false
        addChecksums(component.checksums, to: &package)
        addLicense(component.license, to: &package)
        var references = [purlReference(component.purl)]
        if let commit = component.digestSet["gitCommit"], commit.utf8.count == 40 {
            references.append([
                "referenceCategory": "PERSISTENT-ID", "referenceType": "swh",
                "referenceLocator": .string("swh:1:rev:\(commit)"),
            ])
        }
        package["externalRefs"] = .array(references)
        if let hash = component.checksums.first(where: { $0.algorithm == "h1" }) {
            package["sourceInfo"] = .string("go.sum h1:\(hash.value)")
        }
        return .object(package)
    }

    private static func purlReference(_ purl: PackageURL) -> JSON {
        [
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": .string(purl.description),
        ]
    }

    private static let algorithms = [
        "md5": "MD5", "sha1": "SHA1", "sha224": "SHA224", "sha256": "SHA256", "sha384": "SHA384", "sha512": "SHA512",
    ]

    /// Only digests of the one file that the package is.
    private static func addChecksums(_ checksums: [Component.Checksum], to package: inout JSONObject) {
        let list = checksums.filter { $0.file == nil }.compactMap { checksum -> JSON? in
            algorithms[checksum.algorithm].map {
                ["algorithm": .string($0), "checksumValue": .string(checksum.value)]
            }
        }
        if !list.isEmpty { package["checksums"] = .array(list) }
    }

    private static func addLicense(_ license: String?, to package: inout JSONObject) {
        package["licenseConcluded"] = "NOASSERTION"
        package["licenseDeclared"] = .string(License.expression(license) ?? "NOASSERTION")
        if let license, License.expression(license) == nil {
            package["licenseComments"] = .string("The package says: \(license)")
        }
        package["copyrightText"] = "NOASSERTION"
    }
}

extension Component {
    /// The source where it is an address that programs fetch from.
    var downloadLocation: String? {
        guard let source, source.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { return nil }
        let base = String(source.prefix { $0 != "#" })
        return ["https://", "http://", "git+https://"].contains { base.hasPrefix($0) } ? base : nil
    }
}

// MARK: - Reading

extension BillOfMaterials {
    init(spdx document: JSON) throws {
        guard try document.text("spdxVersion")?.hasPrefix("SPDX-2.") == true else {
            throw InventoryError(.unsupported, "spdxVersion is not SPDX-2.x")
        }
        var ids: [String: Int] = [:]
        var components: [Component] = []
        for package in try document.list("packages") {
            ids[try package.requiredText("SPDXID")] = components.count
            components.append(try Component(spdx: package))
        }
        var described: Int?
        if let id = try document.list("documentDescribes").first?.stringValue { described = ids[id] }
        var edges = [[Int]](repeating: [], count: components.count)
        for relationship in try document.list("relationships") {
            let from = try relationship.requiredText("spdxElementId")
            let to = try relationship.requiredText("relatedSpdxElement")
            switch try relationship.requiredText("relationshipType") {
            case "DESCRIBES" where from == "SPDXRef-DOCUMENT": described = described ?? ids[to]
            case "DESCRIBED_BY" where to == "SPDXRef-DOCUMENT": described = described ?? ids[from]
            case "DEPENDS_ON":
                if let from = ids[from], let to = ids[to] { edges[from].append(to) }
            case "DEPENDENCY_OF", "BUILD_DEPENDENCY_OF", "DEV_DEPENDENCY_OF", "RUNTIME_DEPENDENCY_OF":
                if let from = ids[from], let to = ids[to] { edges[to].append(from) }
            default: break
            }
        }
        var subject = Subject(name: try document.text("name") ?? "")
        if let described {
            let root = components[described]
            subject = Subject(
                name: root.name, version: root.version, purl: root.purl.type == "generic" ? nil : root.purl,
                checksums: root.checksums)
        }
        try self.init(of: subject, components: components, dependencies: edges, without: described)
    }

    /// Puts a document's parts together, leaving out the component that is the subject.
    init(
        of subject: Subject, components: [Component], dependencies: [[Int]], without root: Int?
    ) throws {
        guard let root else {
            try self.init(of: subject, components: components, dependencies: dependencies)
            return
        }
        var components = components
        for index in dependencies[root] { components[index].isDirect = true }
        var places = Array(components.indices)
        for index in places.indices where index > root { places[index] -= 1 }
        components.remove(at: root)
        var edges = dependencies.map { list in list.filter { $0 != root }.map { places[$0] } }
        edges.remove(at: root)
        try self.init(of: subject, components: components, dependencies: edges)
    }
}

extension Component {
    fileprivate init(spdx package: JSON) throws {
        let name = try package.requiredText("name")
        let version = try package.text("versionInfo") ?? ""
        var purl: PackageURL?
        var commit: String?
        for reference in try package.list("externalRefs") {
            let locator = try reference.text("referenceLocator") ?? ""
            if reference["referenceType"]?.stringValue == "purl" { purl = purl ?? PackageURL(locator) }
            if locator.hasPrefix("swh:1:rev:") { commit = String(locator.dropFirst(10)) }
        }
        if let purl {
            self.init(purl)
            if self.version.isEmpty { self.version = version }
        } else {
            self.init(.generic, name: name, version: version)
        }
        for checksum in try package.list("checksums") {
            let algorithm = try checksum.requiredText("algorithm").lowercased().filter { $0 != "-" }
            checksums.append(.init(algorithm, try checksum.requiredText("checksumValue").lowercased()))
        }
        if let commit { checksums.append(.init("gitCommit", commit)) }
        let declared = try package.text("licenseDeclared")
        if declared != "NOASSERTION", declared != "NONE" { license = declared }
        let location = try package.text("downloadLocation")
        if location != "NOASSERTION", location != "NONE" { source = location }
    }
}
