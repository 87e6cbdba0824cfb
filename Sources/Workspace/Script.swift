/// A script of a component: run, never cached.
package struct Script: Hashable, Sendable {
    /// Where it runs.
    package enum WorkingDirectory: String, Sendable {
        /// In its component's directory.
        case origin
        /// In a directory that holds its dependencies as a package's build has them.
        case packages
    }

    package var name: PackageName
    package var description = ""
    package var dependencies: [PackageName] = []
    /// `NAME=VALUE`.
    package var environment: [String] = []
    package var workingDirectory = WorkingDirectory.origin
    package var text = ""
    package var location: SourceLocation
    /// `${name}` references that nothing resolved. A script that has any can be listed, but not run.
    package var unresolved: [String] = []
}

extension Script {
    init?(_ node: YAMLNode, component: String, _ reader: inout YAMLReader) {
        guard let fields = reader.fields(node, "a script") else { return nil }
        var script = Script(name: PackageName(component: component, name: ""), location: reader.location(node))
        for (key, value, keyNode) in fields {
            switch key {
            case "name": script.name.name = reader.string(value, key)
            case "description": script.description = reader.string(value, key)
            case "deps":
                for dependency in reader.strings(value, key) {
                    if let name = PackageName(dependency, in: component) {
                        script.dependencies.append(name)
                    } else {
                        reader.report(.error, "'\(dependency)' is not a package name", at: value)
                    }
                }
            case "env": script.environment = reader.strings(value, key)
            case "workdir":
                let text = reader.string(value, key)
                if let known = WorkingDirectory(rawValue: text) {
                    script.workingDirectory = known
                } else if !text.isEmpty {
                    reader.report(.error, "unknown workdir '\(text)'", at: value, remedy: "use origin or packages")
                }
            case "type":
                let text = reader.string(value, key)
                if !text.isEmpty, text != "bash" {
                    reader.report(.error, "unknown script type '\(text)'", at: value, remedy: "use bash")
                }
            case "script": script.text = reader.string(value, key)
            default:
                reader.reportUnknown(
                    key, at: keyNode, in: "a script",
                    known: ["name", "description", "deps", "env", "workdir", "type", "script"])
            }
        }
        if script.name.name.isEmpty {
            reader.report(.error, "a script needs a name", at: node)
            return nil
        }
        // Shell variables look the same, and Leeway doesn't tell them apart either.
        script.unresolved = Substitution.names(in: script.text).sorted()
        self = script
    }
}
