/// martlet's own settings of a workspace, under the `martlet:` key of `WORKSPACE.yaml`, which Leeway ignores.
package struct WorkspaceSettings: Hashable, Sendable {
    /// Where the programs that steps run come from.
    package enum Platform: String, Hashable, Sendable {
        /// The machine's own packages; their files are part of every key.
        case tools
        /// Only what packages of the workspace bring along.
        case packages
    }

    /// Whether steps run in the sandbox when the command line doesn't say.
    package var sandbox = true
    /// The size in bytes above which the local cache is collected; `nil` means the built-in default.
    package var cacheSize: Int?
    /// Host directories that every step may read beside the usual ones.
    package var toolRoots: [String] = []
    package var platform = Platform.tools
    package var vulnerabilities = VulnerabilitySettings()
    package var remoteCache = RemoteCacheSettings()

    package init() {}

    init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(node, "martlet") ?? [] {
            switch key {
            case "sandbox": sandbox = reader.bool(value, key)
            case "cacheSize": cacheSize = reader.byteCount(value, key)
            case "toolRoots": toolRoots = reader.strings(value, key)
            case "vulnerabilities": vulnerabilities = VulnerabilitySettings(value, &reader)
            case "remoteCache": remoteCache = RemoteCacheSettings(value, &reader)
            case "platform":
                let text = reader.string(value, key)
                if let known = Platform(rawValue: text) {
                    platform = known
                } else {
                    reader.report(.error, "unknown platform '\(text)'", at: value, remedy: "use tools or packages")
                }
            default:
                // These are ours, so a mistake in them is never silent.
                reader.report(
                    .error, "unknown key '\(key)' in martlet", at: keyNode,
                    remedy: "use sandbox, cacheSize, toolRoots, platform, vulnerabilities or remoteCache")
            }
        }
    }
}

extension PackageSettings {
    init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(node, "martlet") ?? [] {
            switch key {
            case "fetch": fetch = reader.commands(value, key)
            case "tools": tools = reader.strings(value, key)
            case "toolRoots": toolRoots = reader.strings(value, key)
            case "passEnvironment": passEnvironment = reader.strings(value, key)
            case "outputs": outputs = reader.strings(value, key)
            case "timeLimit": timeLimit = reader.integer(value, key)
            case "memoryLimit": memoryLimit = reader.byteCount(value, key)
            case "processLimit": processLimit = reader.integer(value, key)
            default:
                reader.report(
                    .error, "unknown key '\(key)' in martlet", at: keyNode,
                    remedy:
                        "use fetch, tools, toolRoots, passEnvironment, outputs, timeLimit, memoryLimit or processLimit")
            }
        }
    }
}

extension YAMLReader {
    /// A number of bytes, alone or with KiB, MiB or GiB.
    mutating func byteCount(_ node: YAMLNode, _ what: String) -> Int? {
        let text = string(node, what)
        if text.isEmpty { return nil }
        for (unit, shift) in [("KiB", 10), ("MiB", 20), ("GiB", 30), ("", 0)] where text.hasSuffix(unit) {
            let digits = text.dropLast(unit.count).replacing(" ", with: "")
            let (value, overflows) = (Int(digits) ?? 0).multipliedReportingOverflow(by: 1 << shift)
            if value > 0, !overflows { return value }
        }
        report(.error, "\(what) has to be a number of bytes", at: node, remedy: "write 1073741824 or 1GiB")
        return nil
    }
}
