/// A package as its file has it, before sources are looked up and dependencies are linked.
struct PackageDraft: Sendable {
    var name: PackageName
    var type: PackageType
    var location: SourceLocation
    var patterns: [String] = []
    var dependencies: [String] = []
    var layout: [String: String] = [:]
    var argumentDependencies: [String] = []
    var environment: [String] = []
    var isEphemeral = false
    var prep: [[String]] = []
    var config: PackageConfig
    var settings = PackageSettings()
    var definition: [UInt8] = []
    var substituted: [String: String] = [:]

    static let keys = [
        "name", "type", "srcs", "deps", "layout", "argdeps", "env", "ephemeral", "prep", "sbom", "config", "martlet",
    ]

    /// Reads one item of `packages`; `nil` when it is too broken to go on with.
    init?(_ node: YAMLNode, component: String, _ reader: inout YAMLReader) {
        guard let fields = reader.fields(node, "a package") else { return nil }
        let resolved = reader.resolve(node)
        func value(_ key: String) -> YAMLNode? { fields.last { $0.key == key }?.value }
        let name = value("name").map { reader.string($0, "name") } ?? ""
        if name.isEmpty || name.contains(":") {
            let problem = name.isEmpty ? "a package needs a name" : "the package name '\(name)' has a colon"
            reader.report(.error, problem, at: resolved)
            return nil
        }
        let typeName = value("type").map { reader.string($0, "type") } ?? ""
        guard let type = PackageType(named: typeName) else {
            let known = PackageType.allCases.map(\.rawValue).sorted().joined(separator: ", ")
            reader.report(
                .error,
                typeName.isEmpty ? "package '\(name)' needs a type" : "unknown package type '\(typeName)'",
                at: value("type") ?? resolved, remedy: "use one of \(known)")
            return nil
        }
        if typeName == PackageType.formerYarn, let severity = reader.unknownKeys {
            reader.report(
                severity, "the package type '\(typeName)' is now called '\(type)'", at: value("type") ?? resolved,
                remedy: "`martlet fmt -fi` renames it")
        }
        self.name = PackageName(component: component, name: name)
        self.type = type
        location = reader.location(resolved)
        config = .read(value("config"), type: type, from: &reader)
        for (key, value, keyNode) in fields {
            switch key {
            case "name", "type", "config": break
            case "srcs": patterns = reader.strings(value, key)
            case "deps": dependencies = reader.strings(value, key)
            case "layout": layout = reader.stringMap(value, key)
            case "argdeps": argumentDependencies = reader.strings(value, key)
            case "env": environment = reader.strings(value, key)
            case "ephemeral": isEphemeral = reader.bool(value, key)
            case "prep": prep = reader.commands(value, key)
            case "sbom": _ = reader.fields(value, key)
            case "martlet": settings = PackageSettings(value, &reader)
            default: reader.reportUnknown(key, at: keyNode, in: "a package", known: Self.keys)
            }
        }
        for entry in environment where !entry.utf8.contains(UInt8(ascii: "=")) {
            reader.report(.error, "'\(entry)' in env is not NAME=VALUE", at: value("env") ?? resolved)
        }
        dependencies = dependencies.map { $0.hasPrefix(":") ? component + $0 : $0 }
        var full: [String: String] = [:]
        for (dependency, place) in layout {
            full[dependency.hasPrefix(":") ? component + dependency : dependency] = place
        }
        layout = full
    }

    /// The names that its texts refer to still, those of built-in arguments among them.
    var openNames: Set<String> {
        let places = dependencies.compactMap { PackageName($0).flatMap { layout[$0.description] } }
        var names: Set<String> = []
        for text in environment + places + (prep + settings.fetch).joined() {
            names.formUnion(Substitution.names(in: text))
        }
        _ = config.mapStrings { text in
            names.formUnion(Substitution.names(in: text))
            return text
        }
        return names
    }

    /// Applies what a variant says about every package of this type.
    mutating func apply(_ variant: Variant) {
        if let defaults = variant.config[type] { config.fill(from: defaults) }
        var order: [String] = []
        var values: [String: String] = [:]
        for entry in environment + variant.environment {
            let name = String(entry.prefix { $0 != "=" })
            if values.updateValue(entry, forKey: name) == nil { order.append(name) }
        }
        environment = order.compactMap { values[$0] }
        // Leeway closes the gap with the last dependency, and the order of dependencies is part of the version.
        var index = 0
        while index < dependencies.count {
            let parts = dependencies[index].split(separator: ":", omittingEmptySubsequences: false)
            if parts.count == 2, variant.excludedComponents.contains(String(parts[0])) {
                dependencies[index] = dependencies[dependencies.count - 1]
                dependencies.removeLast()
            } else {
                index += 1
            }
        }
    }
}
