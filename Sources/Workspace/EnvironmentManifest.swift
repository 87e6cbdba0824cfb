package import Bytes
internal import Host

/// The versions of the tools that a workspace's packages need, as a part of every Leeway version.
package struct EnvironmentManifest: Hashable, Sendable {
    /// One value and the command that gives it.
    package struct Probe: Hashable, Sendable {
        package var name = ""
        package var command: [String] = []

        package init(name: String, command: [String]) {
            self.name = name
            self.command = command
        }

        init(_ node: YAMLNode, _ reader: inout YAMLReader) {
            for (key, value, keyNode) in reader.fields(node, "an entry of environmentManifest") ?? [] {
                switch key {
                case "name": name = reader.string(value, key)
                case "command": command = reader.strings(value, key)
                default:
                    reader.reportUnknown(
                        key, at: keyNode, in: "an entry of environmentManifest", known: ["name", "command"])
                }
            }
            if name.isEmpty || command.isEmpty {
                reader.report(.error, "an entry of environmentManifest needs a name and a command", at: node)
            }
        }
    }

    /// The values by name.
    package var values: [String: String]

    package init(values: [String: String]) { self.values = values }

    /// `name: value` lines, sorted by name.
    package var text: String {
        values.sorted { Files.isOrderedByBytes($0.key, $1.key) }.map { "\($0.key): \($0.value)\n" }.joined()
    }

    /// The values by name, for programs.
    package var json: JSON {
        var object = JSONObject()
        for (name, value) in values.sorted(by: { Files.isOrderedByBytes($0.key, $1.key) }) {
            object[name] = .string(value)
        }
        return .object(object)
    }

    /// The commands to run: the built-in ones of the package types in use, replaced or extended by the workspace's.
    static func probes(for types: Set<PackageType>, and entries: [Probe]) -> [Probe] {
        var probes: [String: Probe] = [:]
        if types.contains(.go) { probes["go"] = Probe(name: "go", command: ["go", "version"]) }
        if types.contains(.yarn) {
            probes["yarn"] = Probe(name: "yarn", command: ["yarn", "-v"])
            probes["node"] = Probe(name: "node", command: ["node", "--version"])
        }
        if types.contains(.swift) { probes["swift"] = Probe(name: "swift", command: ["swift", "--version"]) }
        for entry in entries { probes[entry.name] = entry }
        return probes.values.sorted { Files.isOrderedByBytes($0.name, $1.name) }
    }

    /// What needs no command.
    static let builtIn = ["os": Machine.operatingSystem, "arch": Machine.architecture]
}
