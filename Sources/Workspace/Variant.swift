/// A variation point: sources, environment and configuration that a workspace changes as a whole.
package struct Variant: Hashable, Sendable {
    package var name = ""
    /// Patterns of sources that every package gets.
    package var include: [String] = []
    /// Patterns of sources that no package gets, included or not.
    package var exclude: [String] = []
    /// Components that don't exist in this variant.
    package var excludedComponents: [String] = []
    /// `NAME=VALUE`, on top of every package's own.
    package var environment: [String] = []
    /// Fills what a package's configuration leaves empty.
    package var config: [PackageType: PackageConfig] = [:]
    package var location = SourceLocation(file: "WORKSPACE.yaml", line: 1)

    init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        location = reader.location(reader.resolve(node))
        for (key, value, keyNode) in reader.fields(node, "a variant") ?? [] {
            switch key {
            case "name": name = reader.string(value, key)
            case "env": environment = reader.strings(value, key)
            case "srcs":
                for (part, patterns, partNode) in reader.fields(value, key) ?? [] {
                    switch part {
                    case "include": include = reader.strings(patterns, part)
                    case "exclude": exclude = reader.strings(patterns, part)
                    default:
                        reader.reportUnknown(
                            part, at: partNode, in: "srcs of a variant", known: ["include", "exclude"])
                    }
                }
            case "components":
                for (part, names, partNode) in reader.fields(value, key) ?? [] {
                    if part == "exclude" {
                        excludedComponents = reader.strings(names, part)
                    } else {
                        reader.reportUnknown(part, at: partNode, in: "components of a variant", known: ["exclude"])
                    }
                }
            case "config":
                for (type, values, typeNode) in reader.fields(value, key) ?? [] {
                    guard let known = PackageType(rawValue: type) else {
                        reader.reportUnknown(
                            type, at: typeNode, in: "config of a variant", known: PackageType.allCases.map(\.rawValue))
                        continue
                    }
                    config[known] = .read(values, type: known, from: &reader)
                }
            default:
                reader.reportUnknown(
                    key, at: keyNode, in: "a variant", known: ["name", "env", "srcs", "components", "config"])
            }
        }
        for entry in environment where !entry.utf8.contains(UInt8(ascii: "=")) {
            reader.report(.error, "'\(entry)' in env is not NAME=VALUE", at: node)
        }
    }
}
