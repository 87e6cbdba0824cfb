internal import Bytes

// SPDX 3.0.1 as JSON-LD (https://spdx.github.io/spdx-spec/v3.0.1/), profiles Core, Software and SimpleLicensing.

extension BillOfMaterials {
    func spdx3(_ metadata: BillMetadata) -> JSON {
        let space = "https://martlet.dev/spdx/\(identifier(metadata, "spdx3"))#"
        func id(_ name: String) -> JSON { .string(space + name) }
        let names = components.map { String(Self.spdxID($0).dropFirst("SPDXRef-".count)) }
        var elements: [JSON] = []
        func element(_ type: String, _ name: String, _ members: JSONObject) {
            var object: JSONObject = ["type": .string(type), "spdxId": id(name), "creationInfo": "_:creation"]
            for member in members { object[member.key] = member.value }
            elements.append(.object(object))
        }
        element("SoftwareAgent", "agent", ["name": .string("martlet \(metadata.version)")])
        element("software_Package", "subject", Self.package3(subject))
        var licenses: [String: [Int]] = [:]
        for (index, component) in components.enumerated() {
            element("software_Package", names[index], Self.package3(component))
            if let license = License.expression(component.license) { licenses[license, default: []].append(index) }
        }
        func relate(_ name: String, _ from: String, _ type: String, _ to: [String]) {
            if to.isEmpty { return }
            element(
                "Relationship", name,
                ["from": id(from), "relationshipType": .string(type), "to": .array(to.map(id))])
        }
        relate("subject-contains", "subject", "contains", names)
        relate("subject-needs", "subject", "dependsOn", direct.map { names[$0] })
        for (index, needs) in dependencies.enumerated() {
            relate("\(names[index])-needs", names[index], "dependsOn", needs.map { names[$0] })
        }
        for (place, license) in licenses.keys.sorted().enumerated() {
            element(
                "simplelicensing_LicenseExpression", "license-\(place)",
                ["simplelicensing_licenseExpression": .string(license)])
            for index in licenses[license] ?? [] {
                relate("\(names[index])-license", names[index], "hasDeclaredLicense", ["license-\(place)"])
            }
        }
        let all = elements.compactMap { $0["spdxId"] }
        element(
            "software_Sbom", "sbom",
            ["software_sbomType": ["build"], "rootElement": [id("subject")], "element": .array(all)])
        element(
            "SpdxDocument", "document",
            [
                "name": .string(subject.name), "profileConformance": ["core", "software", "simpleLicensing"],
                "rootElement": [id("sbom")], "element": .array(all + [id("sbom")]),
            ])
        let creation: JSON = [
            "type": "CreationInfo", "@id": "_:creation", "specVersion": "3.0.1",
            "created": .string(metadata.created.description), "createdBy": [id("agent")],
        ]
        return [
            "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": .array([creation] + elements),
        ]
    }

    private static func package3(_ subject: Subject) -> JSONObject {
        var out: JSONObject = ["name": .string(subject.name)]
        if !subject.version.isEmpty { out["software_packageVersion"] = .string(subject.version) }
        if let purl = subject.purl { out["software_packageUrl"] = .string(purl.description) }
        addHashes(subject.checksums, to: &out)
        return out
    }

    private static func package3(_ component: Component) -> JSONObject {
        var out: JSONObject = ["name": .string(component.name)]
        if !component.version.isEmpty { out["software_packageVersion"] = .string(component.version) }
        out["software_packageUrl"] = .string(component.purl.description)
        if let location = component.downloadLocation { out["software_downloadLocation"] = .string(location) }
        addHashes(component.checksums, to: &out)
        if let commit = component.digestSet["gitCommit"], commit.utf8.count == 40 {
            out["externalIdentifier"] = [
                [
                    "type": "ExternalIdentifier", "externalIdentifierType": "swhid",
                    "identifier": .string("swh:1:rev:\(commit)"),
                ]
            ]
        }
        return out
    }

    private static func addHashes(_ checksums: [Component.Checksum], to object: inout JSONObject) {
        let known = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]
        let list = checksums.filter { $0.file == nil && known.contains($0.algorithm) }.map { checksum -> JSON in
            ["type": "Hash", "algorithm": .string(checksum.algorithm), "hashValue": .string(checksum.value)]
        }
        if !list.isEmpty { object["verifiedUsing"] = .array(list) }
    }
}
