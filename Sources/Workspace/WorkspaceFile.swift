/// What `WORKSPACE.yaml` says.
package struct WorkspaceFile: Sendable {
    package var defaultTarget = ""
    package var defaultArguments: [String: String] = [:]
    package var defaultVariant: Variant?
    package var variants: [Variant] = []
    /// Entries that replace or add to the built-in ones: a name and the command that gives its value.
    package var environmentManifest: [EnvironmentManifest.Probe] = []
    package var provenance = ProvenanceSettings()
    package var sbom = SBOMSettings()
    package var settings = WorkspaceSettings()

    /// The `provenance` key.
    package struct ProvenanceSettings: Hashable, Sendable {
        package var isEnabled = false
        package var isSLSA = false
        package var key = ""
    }

    /// The `sbom` key. Ignore rules are Grype's, kept as they are written.
    package struct SBOMSettings: Hashable, Sendable {
        package var isEnabled = false
        package var scansVulnerabilities = false
        package var failOn: [String] = []
        package var ignoreVulnerabilities: [String] = []
        package var parallelism: Int?
    }

    static let keys = [
        "defaultTarget", "defaultArgs", "defaultVariant", "variants", "environmentManifest", "provenance", "sbom",
        "martlet",
    ]

    init(_ root: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(root, "the workspace") ?? [] {
            switch key {
            case "defaultTarget": defaultTarget = reader.string(value, key)
            case "defaultArgs": defaultArguments = reader.stringMap(value, key)
            case "defaultVariant": if !reader.isNull(value) { defaultVariant = Variant(value, &reader) }
            case "variants": for node in reader.nodes(value, key) { variants.append(Variant(node, &reader)) }
            case "environmentManifest":
                for node in reader.nodes(value, key) {
                    environmentManifest.append(EnvironmentManifest.Probe(node, &reader))
                }
            case "provenance": provenance = ProvenanceSettings(value, &reader)
            case "sbom": sbom = SBOMSettings(value, &reader)
            case "martlet": settings = WorkspaceSettings(value, &reader)
            default: reader.reportUnknown(key, at: keyNode, in: "the workspace", known: Self.keys)
            }
        }
    }

    /// Whether a `WORKSPACE.yaml` is ours: other programs use files of that name. An empty one is.
    static func isOurs(_ text: [UInt8]) -> Bool {
        guard let document = try? YAMLParser.parse(text) else {
            // A broken file of ours is reported; one that never mentions a key of ours is another program's.
            return keys.contains { key in
                WorkspaceTree.Ignores.find(Array((key + ":").utf8), in: text)
            }
        }
        guard let root = document.root else { return true }
        if root.kind == .scalar, root.value.isEmpty { return true }
        guard root.kind == .mapping else { return false }
        if root.content.isEmpty { return true }
        return stride(from: 0, to: root.content.count, by: 2).contains { keys.contains(root.content[$0].value) }
    }
}

extension WorkspaceFile.ProvenanceSettings {
    init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(node, "provenance") ?? [] {
            switch key {
            case "enabled": isEnabled = reader.bool(value, key)
            case "slsa": isSLSA = reader.bool(value, key)
            case "key": self.key = reader.string(value, key)
            default:
                reader.reportUnknown(key, at: keyNode, in: "provenance", known: ["enabled", "slsa", "key"])
            }
        }
    }
}

extension WorkspaceFile.SBOMSettings {
    init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(node, "sbom") ?? [] {
            switch key {
            case "enabled": isEnabled = reader.bool(value, key)
            case "scanVulnerabilities": scansVulnerabilities = reader.bool(value, key)
            case "failOn": failOn = reader.strings(value, key)
            case "parallelism": parallelism = reader.integer(value, key)
            case "ignoreVulnerabilities":
                ignoreVulnerabilities = reader.nodes(value, key).map {
                    String(decoding: YAMLEmitter.emit($0), as: UTF8.self)
                }
            default:
                reader.reportUnknown(
                    key, at: keyNode, in: "sbom",
                    known: ["enabled", "scanVulnerabilities", "failOn", "ignoreVulnerabilities", "parallelism"])
            }
        }
    }
}
