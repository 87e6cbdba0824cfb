internal import Bytes
internal import Workspace

// yarn.lock of Yarn 1 (its own format) and of Yarn 2 and later (YAML).

extension LockFile {
    mutating func readYarn(_ bytes: [UInt8]) throws {
        let lines = try TextLines(bytes)
        if lines.contains(where: { $0.text.hasPrefix("__metadata:") }) {
            try readBerry(bytes)
        } else {
            try readYarn1(lines)
        }
    }

    // MARK: - Yarn 1

    private struct YarnEntry {
        var patterns: [String]
        var line: Int
        var fields: [String: String] = [:]
        var needs: [(name: String, range: String)] = []
    }

    private mutating func readYarn1(_ lines: TextLines) throws(InventoryError) {
        var entries: [YarnEntry] = []
        var section = ""
        for line in lines {
            let text = line.trimmed
            if text.isEmpty || text.hasPrefix("#") { continue }
            switch line.indentation {
            case 0:
                guard text.hasSuffix(":") else {
                    throw InventoryError(.malformed, "an entry begins with its patterns and a colon", line: line.number)
                }
                let patterns = Self.yarnPatterns(text.dropLast())
                guard !patterns.isEmpty else {
                    throw InventoryError(.malformed, "an entry has no patterns", line: line.number)
                }
                entries.append(YarnEntry(patterns: patterns, line: line.number))
                section = ""
            case 2 where !entries.isEmpty:
                if text.hasSuffix(":") {
                    section = String(text.dropLast())
                } else {
                    let (key, value) = Self.yarnPair(text)
                    entries[entries.count - 1].fields[key] = value
                    section = ""
                }
            case 4 where !entries.isEmpty:
                if section == "dependencies" || section == "optionalDependencies" {
                    entries[entries.count - 1].needs.append(Self.yarnPair(text))
                }
            default: throw InventoryError(.malformed, "the indentation is none of 0, 2 and 4", line: line.number)
            }
        }
        try addYarn(entries)
    }

    private mutating func addYarn(_ entries: [YarnEntry]) throws(InventoryError) {
        var byPattern: [String: Int] = [:]
        for entry in entries {
            guard let version = entry.fields["version"] else {
                throw InventoryError(.malformed, "\(entry.patterns[0]) has no version", line: entry.line)
            }
            var component = Component(.npm, name: Self.yarnName(entry.patterns[0]), version: version)
            let resolved = entry.fields["resolved"]
            component.source = resolved
            for word in (entry.fields["integrity"] ?? "").split(separator: " ") {
                guard let checksum = Component.Checksum(integrity: word) else {
                    throw InventoryError(.malformed, "\(word) is no integrity", line: entry.line)
                }
                component.checksums.append(checksum)
            }
            // Before integrity there was the archive's SHA-1 behind the address.
            if component.checksums.isEmpty, let hash = resolved.flatMap(Self.commit(ofGitURL:)) {
                let isGit = resolved.map { $0.hasPrefix("git") || $0.contains(".git#") } == true
                component.checksums = [.init(isGit ? "gitCommit" : "sha1", hash)]
            }
            if component.checksums.isEmpty, resolved?.hasPrefix("file:") != true {
                note("\(component.name)@\(version)", line: entry.line, "has no integrity")
            }
            let index = try add(component, line: entry.line)
            for pattern in entry.patterns { byPattern[pattern] = index }
        }
        for (index, entry) in entries.enumerated() {
            for need in entry.needs {
                if let to = byPattern["\(need.name)@\(need.range)"] { connect(index, to: to) }
            }
        }
        markUnneededAsDirect()
    }

    /// The patterns of a heading, `a@^1, "@b/c@2"`; commas stand inside quotes, too.
    private static func yarnPatterns(_ text: Substring) -> [String] {
        var out: [String] = []
        var current = ""
        var isQuoted = false
        for character in text {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                out.append(String(current[...].trimmed))
                current = ""
            default: current.append(character)
            }
        }
        out.append(String(current[...].trimmed))
        return out.filter { !$0.isEmpty }
    }

    /// `key "value"` or `"key" value`.
    private static func yarnPair(_ text: Substring) -> (name: String, range: String) {
        let isQuoted = text.hasPrefix("\"")
        let body = isQuoted ? text.dropFirst() : text
        let end = body.firstIndex(of: isQuoted ? "\"" : " ") ?? body.endIndex
        let rest = end == body.endIndex ? "" : body[body.index(after: end)...].trimmed
        return (String(body[..<end]), String(rest.withoutQuotes))
    }

    /// `@scope/name` of `@scope/name@^1.0.0`.
    private static func yarnName(_ pattern: String) -> String {
        // `alias@npm:real@1` is the package `real`.
        if let marker = pattern.firstRange(of: "@npm:") {
            let real = String(pattern[marker.upperBound...])
            if real.dropFirst().contains("@") { return yarnName(real) }
            return String(pattern[..<marker.lowerBound])
        }
        guard let at = pattern.dropFirst().firstIndex(of: "@") else { return pattern }
        return String(pattern[..<at])
    }

    // MARK: - Yarn 2 and later

    private mutating func readBerry(_ bytes: [UInt8]) throws {
        let json = try JSON.yaml(bytes, name: path, isText: true, byteLimit: Self.byteLimit)
        guard let members = json.objectValue else { throw InventoryError(.malformed, "the lock file is no mapping") }
        let finder = LineFinder(bytes)
        var byDescriptor: [String: Int] = [:]
        var entries: [(index: Int, entry: JSON)] = []
        for member in members where member.key != "__metadata" {
            let resolution = try member.value.requiredText("resolution")
            let (name, reference) = Self.berryParts(resolution)
            // Workspaces and links are directories here.
            if reference.hasPrefix("workspace:") || reference.hasPrefix("link:") || reference.hasPrefix("portal:") {
                continue
            }
            var component = Component(.npm, name: name, version: try member.value.text("version") ?? "")
            component.source = resolution
            if let checksum = try member.value.text("checksum") {
                // It is of the archive that Yarn packs anew, so it is no digest of what the registry serves.
                component.checksums = [.init("yarn", checksum)]
            } else if let commit = Self.berryCommit(reference) {
                component.checksums = [.init("gitCommit", commit)]
            } else {
                note("\(name)@\(component.version)", line: finder.line(of: member.key), "has no checksum")
            }
            let index = try add(component, line: finder.line(of: member.key))
            entries.append((index, member.value))
            for descriptor in member.key.split(separator: ", ") { byDescriptor[String(descriptor)] = index }
        }
        for (index, entry) in entries {
            for needed in try entry.members("dependencies") {
                let range = needed.value.stringValue ?? ""
                let candidates = ["\(needed.key)@\(range)", "\(needed.key)@npm:\(range)"]
                if let to = candidates.lazy.compactMap({ byDescriptor[$0] }).first { connect(index, to: to) }
            }
        }
        markUnneededAsDirect()
    }

    /// Name and reference of `@scope/name@npm:1.0.0`.
    private static func berryParts(_ resolution: String) -> (name: String, reference: String) {
        guard let at = resolution.dropFirst().firstIndex(of: "@") else { return (resolution, "") }
        return (String(resolution[..<at]), String(resolution[resolution.index(after: at)...]))
    }

    private static func berryCommit(_ reference: String) -> String? {
        guard let marker = reference.firstRange(of: "commit=") else { return nil }
        return commit(ofGitURL: "#" + reference[marker.upperBound...])
    }
}
