internal import Bytes

// composer.lock, Gemfile.lock and gradle.lockfile.

extension LockFile {
    mutating func readComposer(_ bytes: [UInt8]) throws {
        let json = try JSON.document(bytes)
        let finder = LineFinder(bytes)
        var indices: [String: Int] = [:]
        var entries: [(index: Int, entry: JSON)] = []
        for section in ["packages", "packages-dev"] {
            for package in try json.list(section) {
                let name = try package.requiredText("name")
                let version = try package.requiredText("version")
                var component = Component(.composer, name: name, version: version)
                if section == "packages-dev" { component.scope = .development }
                let dist = package["dist"] ?? [:]
                let source = package["source"] ?? [:]
                component.source = try dist.text("url") ?? source.text("url")
                component.license = Self.anyOf(try package.list("license").compactMap(\.stringValue))
                if let sum = try dist.text("shasum"), Hex.decode(sum)?.count == 20 {
                    component.checksums = [.init("sha1", sum)]
                } else if let commit = try source.text("reference") ?? dist.text("reference"), Hex.decode(commit) != nil
                {
                    component.checksums = [.init("gitCommit", commit)]
                } else if try dist.text("type") != "path" {
                    note("\(name)@\(version)", line: finder.line(of: name), "has no checksum")
                }
                let index = try add(component)
                indices[name.lowercased()] = index
                entries.append((index, package))
            }
        }
        for (index, entry) in entries {
            for needed in try entry.members("require") {
                if let to = indices[needed.key.lowercased()] { connect(index, to: to) }
            }
        }
        markUnneededAsDirect()
    }

    /// The SPDX expression of a choice between licences.
    static func anyOf(_ licenses: [String]) -> String? {
        licenses.isEmpty ? nil : licenses.count == 1 ? licenses[0] : "(" + licenses.joined(separator: " OR ") + ")"
    }

    // MARK: - Bundler

    mutating func readGemfile(_ bytes: [UInt8]) throws {
        var section = ""
        var revision: String?
        var remote: String?
        var current: Int?
        var indices: [String: Int] = [:]
        var needs: [(from: Int, name: String)] = []
        var direct: [String] = []
        var sums: [(gem: String, version: String, sum: Component.Checksum)] = []
        for line in try TextLines(bytes) {
            let text = line.trimmed
            if text.isEmpty { continue }
            if line.indentation == 0 {
                section = String(text)
                (revision, remote, current) = (nil, nil, nil)
                continue
            }
            let words = text.words
            switch (section, line.indentation) {
            case ("GEM", 2), ("GIT", 2), ("PATH", 2):
                if words.count == 2, words[0] == "remote:" { remote = String(words[1]) }
                if words.count == 2, words[0] == "revision:" { revision = String(words[1]) }
            case ("GEM", 4), ("GIT", 4):
                guard words.count == 2, words[1].hasPrefix("("), words[1].hasSuffix(")") else {
                    throw InventoryError(.malformed, "a gem has a name and a version in brackets", line: line.number)
                }
                var component = Component(
                    .rubygems, name: String(words[0]), version: String(words[1].dropFirst().dropLast()))
                component.source = remote
                if let revision { component.checksums = [.init("gitCommit", revision)] }
                let index = try add(component, line: line.number)
                indices[component.name] = indices[component.name] ?? index
                current = index
            case ("GEM", 6), ("GIT", 6):
                if let current { needs.append((current, String(words[0]))) }
            case ("DEPENDENCIES", 2): direct.append(String(words[0].prefix { $0 != "!" }))
            case ("CHECKSUMS", 2):
                guard words.count >= 2 else { continue }
                for word in words.dropFirst(2) {
                    let text = word.replacing("=", with: ":", maxReplacements: 1)
                    if let sum = Component.Checksum(prefixed: text) {
                        sums.append((String(words[0]), String(words[1].dropFirst().dropLast()), sum))
                    }
                }
            default: break
            }
        }
        var places: [String: Int] = [:]
        for (index, component) in components.enumerated() { places["\(component.name)@\(component.version)"] = index }
        for (gem, version, sum) in sums {
            if let index = places["\(gem)@\(version)"] { update(index) { $0.checksums.append(sum) } }
        }
        for (from, name) in needs { if let to = indices[name] { connect(from, to: to) } }
        let wanted = Set(direct)
        for index in components.indices {
            update(index) { $0.isDirect = wanted.contains($0.name) }
            let component = components[index]
            if component.checksums.isEmpty {
                note("\(component.name)@\(component.version)", line: component.line, "has no checksum")
            }
        }
    }

    // MARK: - Gradle

    mutating func readGradle(_ bytes: [UInt8]) throws {
        for line in try TextLines(bytes) {
            let text = line.trimmed
            if text.isEmpty || text.hasPrefix("#") || text.hasPrefix("empty=") { continue }
            let parts = text.prefix { $0 != "=" }.split(separator: ":", omittingEmptySubsequences: false)
            guard text.contains("="), parts.count == 3, !parts.contains(where: \.isEmpty) else {
                throw InventoryError(.malformed, "a line is group:name:version=configurations", line: line.number)
            }
            var component = Component(.maven, name: "\(parts[0]):\(parts[1])", version: String(parts[2]))
            let configurations = text.drop { $0 != "=" }.dropFirst().split(separator: ",")
            if configurations.allSatisfy({ $0.lowercased().contains("test") }) { component.scope = .development }
            try add(component, line: line.number)
        }
        if !components.isEmpty {
            note("\(components.count) components", line: 0, "have versions, but gradle.lockfile has no checksums")
        }
    }
}
