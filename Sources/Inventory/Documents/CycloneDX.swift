internal import Bytes

// CycloneDX 1.5 and 1.6 as JSON (https://cyclonedx.org/docs/1.6/json/).

extension BillOfMaterials {
    func cycloneDX(_ metadata: BillMetadata, version: String) -> JSON {
        var root: JSONObject = [
            "type": "application", "bom-ref": .string(Self.rootReference), "name": .string(subject.name),
        ]
        if !subject.version.isEmpty { root["version"] = .string(subject.version) }
        Self.addHashes(subject.checksums, to: &root)
        if let purl = subject.purl { root["purl"] = .string(purl.description) }
        let references = components.map { $0.purl.description }
        var edges: [JSON] = [Self.edge(Self.rootReference, direct.map { references[$0] })]
        for (index, needs) in dependencies.enumerated() {
            edges.append(Self.edge(references[index], needs.map { references[$0] }))
        }
        return [
            "$schema": .string("http://cyclonedx.org/schema/bom-\(version).schema.json"), "bomFormat": "CycloneDX",
            "specVersion": .string(version),
            "serialNumber": .string("urn:uuid:\(identifier(metadata, "cyclonedx-\(version)"))"), "version": 1,
            "metadata": [
                "timestamp": .string(metadata.created.description),
                "tools": [
                    "components": [["type": "application", "name": "martlet", "version": .string(metadata.version)]]
                ],
                "component": .object(root),
            ],
            "components": .array(components.map(Self.cycloneDX)), "dependencies": .array(edges),
        ]
    }

    private static let rootReference = "subject"

    private static func edge(_ from: String, _ to: [String]) -> JSON {
        ["ref": .string(from), "dependsOn": .array(to.map(JSON.string))]
    }

    private static func cycloneDX(_ component: Component) -> JSON {
        var out: JSONObject = ["type": "library", "bom-ref": .string(component.purl.description)]
        let cut = component.ecosystem == .maven ? component.name.lastIndex(of: ":") : nil
        if let cut { out["group"] = .string(String(component.name[..<cut])) }
        out["name"] = .string(cut.map { String(component.name[component.name.index(after: $0)...]) } ?? component.name)
        if !component.version.isEmpty { out["version"] = .string(component.version) }
        out["scope"] = component.scope == .runtime ? "required" : component.scope == .optional ? "optional" : "excluded"
        addHashes(component.checksums, to: &out)
        if let expression = License.expression(component.license) {
            out["licenses"] =
                expression.contains(" ")
                ? [["expression": .string(expression)]] : [["license": ["id": .string(expression)]]]
        } else if let license = component.license {
            out["licenses"] = [["license": ["name": .string(license)]]]
        }
        out["purl"] = .string(component.purl.description)
        if let location = component.downloadLocation {
            out["externalReferences"] = [["type": "distribution", "url": .string(location)]]
        }
        var properties: [JSON] = []
        for checksum in component.checksums where checksum.file != nil || algorithms[checksum.algorithm] == nil {
            let file = checksum.file.flatMap { $0.isEmpty ? nil : ":" + $0 } ?? ""
            properties.append([
                "name": .string("martlet:digest:\(checksum.algorithm)\(file)"), "value": .string(checksum.value),
            ])
        }
        if !component.file.isEmpty {
            let place = component.line > 0 ? "\(component.file):\(component.line)" : component.file
            properties.append(["name": "martlet:found", "value": .string(place)])
        }
        if !properties.isEmpty { out["properties"] = .array(properties) }
        return .object(out)
    }

    private static let algorithms = [
        "md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512",
    ]

    private static func addHashes(_ checksums: [Component.Checksum], to object: inout JSONObject) {
        let list = checksums.filter { $0.file == nil }.compactMap { checksum -> JSON? in
            algorithms[checksum.algorithm].map { ["alg": .string($0), "content": .string(checksum.value)] }
        }
        if !list.isEmpty { object["hashes"] = .array(list) }
    }
}

// MARK: - Reading

extension BillOfMaterials {
    init(cycloneDX document: JSON) throws {
        guard try document.text("bomFormat") == "CycloneDX" else {
            throw InventoryError(.unsupported, "bomFormat is not CycloneDX")
        }
        var references: [String: Int] = [:]
        var components: [Component] = []
        var open: [JSON] = try document.list("components").reversed()
        while let json = open.popLast() {
            guard components.count < Self.componentLimit else {
                throw InventoryError(.limit, "there are more than \(Self.componentLimit) components")
            }
            if let reference = try json.text("bom-ref") { references[reference] = components.count }
            components.append(try Component(cycloneDX: json))
            open += try json.list("components").reversed()
        }
        var subject = Subject(name: "")
        var root: String?
        if let json = document["metadata"]?["component"] {
            let component = try Component(cycloneDX: json)
            subject = Subject(
                name: component.name, version: component.version,
                purl: component.purl.type == "generic" ? nil : component.purl, checksums: component.checksums)
            root = try json.text("bom-ref")
        }
        var edges = [[Int]](repeating: [], count: components.count)
        for dependency in try document.list("dependencies") {
            let reference = try dependency.requiredText("ref")
            for needed in try dependency.list("dependsOn") {
                guard let to = needed.stringValue.flatMap({ references[$0] }) else { continue }
                if let from = references[reference] {
                    edges[from].append(to)
                } else if reference == root {
                    components[to].isDirect = true
                }
            }
        }
        try self.init(of: subject, components: components, dependencies: edges)
    }
}

extension Component {
    fileprivate init(cycloneDX json: JSON) throws {
        let name = try json.requiredText("name")
        let version = try json.text("version") ?? ""
        if let purl = try json.text("purl").flatMap({ PackageURL($0) }) {
            self.init(purl)
            if self.version.isEmpty { self.version = version }
        } else {
            let group = try json.text("group") ?? ""
            self.init(.generic, name: group.isEmpty ? name : "\(group)/\(name)", version: version)
        }
        for hash in try json.list("hashes") {
            let algorithm = try hash.requiredText("alg").lowercased().filter { $0 != "-" }
            checksums.append(.init(algorithm, try hash.requiredText("content").lowercased()))
        }
        for property in try json.list("properties") {
            let name = property["name"]?.stringValue ?? ""
            guard name.hasPrefix("martlet:digest:"), let value = property["value"]?.stringValue else { continue }
            let parts = name.dropFirst("martlet:digest:".count).split(separator: ":", maxSplits: 1)
            guard let algorithm = parts.first else { continue }
            let isOfOneFile = parts.count < 2 && (algorithm == "h1" || algorithm == "gitCommit" || algorithm == "yarn")
            checksums.append(
                .init(String(algorithm), value, file: isOfOneFile ? nil : parts.count > 1 ? String(parts[1]) : ""))
        }
        switch try json.text("scope") {
        case "optional": scope = .optional
        case "excluded": scope = .development
        default: break
        }
        var licenses: [String] = []
        for entry in try json.list("licenses") {
            if let text = try entry.text("expression") ?? entry["license"]?.text("id") ?? entry["license"]?.text("name")
            {
                licenses.append(text)
            }
        }
        license = LockFile.anyOf(licenses)
    }
}
