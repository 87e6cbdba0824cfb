internal import Bytes

// What pins Python packages: requirements files with hashes, poetry.lock, uv.lock and Pipfile.lock.

extension LockFile {
    /// The name that all spellings of a Python package have in common (PEP 503).
    static func pythonName(_ name: some StringProtocol) -> String {
        var out = ""
        for character in name.lowercased() {
            let isSeparator = character == "-" || character == "_" || character == "."
            if !isSeparator { out.append(character) } else if !out.hasSuffix("-") { out.append("-") }
        }
        return out
    }

    // MARK: - requirements.txt

    mutating func readRequirements(_ bytes: [UInt8]) throws {
        var pending = ""
        var start = 0
        for line in try TextLines(bytes) {
            if pending.isEmpty { start = line.number }
            let text = line.text
            // A line that ends in a backslash goes on; one with a comment does not.
            if text.hasSuffix("\\"), !text.trimmed.hasPrefix("#") {
                pending += text.dropLast() + " "
                guard pending.utf8.count <= TextLines.lineLimit else {
                    throw InventoryError(.limit, "the requirement is too long", line: start)
                }
                continue
            }
            try readRequirement((pending + text)[...], line: start)
            pending = ""
        }
        if !pending.isEmpty { try readRequirement(pending[...], line: start) }
    }

    private mutating func readRequirement(_ text: Substring, line: Int) throws {
        var words = text.words
        if let comment = words.firstIndex(where: { $0.hasPrefix("#") }) { words = Array(words[..<comment]) }
        guard let first = words.first else { return }
        if first.hasPrefix("-") {
            // Options of the whole file; files and directories that are read along are not seen here.
            let option = first.prefix { $0 != "=" }
            if ["-r", "--requirement", "-c", "--constraint", "-e", "--editable"].contains(String(option)) {
                let target = words.count > 1 ? words[1] : first.drop { $0 != "=" }.dropFirst()
                note(String(target), line: line, "is another file or directory (\(option)), which is not pinned here")
            }
            return
        }
        var checksums: [Component.Checksum] = []
        for (index, word) in words.enumerated() where word.hasPrefix("--hash") {
            let value = word.hasPrefix("--hash=") ? word.dropFirst(7) : index + 1 < words.count ? words[index + 1] : ""
            guard let checksum = Component.Checksum(prefixed: value, file: "") else {
                throw InventoryError(.malformed, "\(value) is no hash", line: line)
            }
            checksums.append(checksum)
        }
        let end = words.firstIndex { $0.hasPrefix("--hash") } ?? words.endIndex
        let specification = words[..<end].joined().prefix { $0 != ";" }
        try addRequirement(specification, checksums: checksums, line: line)
    }

    private mutating func addRequirement(
        _ text: Substring, checksums: [Component.Checksum], line: Int
    ) throws {
        let name = text.prefix { !" [=<>!~@;(".contains($0) }
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 < 0x80 }), !name.contains("/"), !name.hasSuffix(".whl") else {
            note(String(text), line: line, "is a file or an address without a version")
            return
        }
        var rest = text.dropFirst(name.count)
        if rest.hasPrefix("["), let close = rest.firstIndex(of: "]") { rest = rest[rest.index(after: close)...] }
        rest = rest.filter { $0 != "(" && $0 != ")" }[...]
        var checksums = checksums
        var version = ""
        var source: String?
        if rest.hasPrefix("@") {
            let url = String(rest.dropFirst())
            source = url
            if let hash = url.lastIndex(of: "#"), let found = Self.fragmentHash(url[url.index(after: hash)...]) {
                checksums.append(found)
            } else if url.hasPrefix("git+"), let at = url.lastIndex(of: "@"),
                let commit = Self.commit(ofGitURL: "#" + url[url.index(after: at)...].prefix { $0 != "#" })
            {
                checksums.append(.init("gitCommit", commit))
            }
        } else if rest.hasPrefix("==="), !rest.contains(",") {
            version = String(rest.dropFirst(3))
        } else if rest.hasPrefix("=="), !rest.contains(","), !rest.hasSuffix(".*") {
            version = String(rest.dropFirst(2))
        }
        var component = Component(.pypi, name: Self.pythonName(name), version: version)
        // One hash is that of the file; several are those of the files that a release has.
        component.checksums = checksums.count == 1 ? [.init(checksums[0].algorithm, checksums[0].value)] : checksums
        component.source = source
        if version.isEmpty, source == nil {
            note(component.name, line: line, "has no exact version")
        } else if checksums.isEmpty {
            note(version.isEmpty ? component.name : "\(component.name)@\(version)", line: line, "has no hash")
        }
        try add(component, line: line)
    }

    private static func fragmentHash(_ fragment: Substring) -> Component.Checksum? {
        for pair in fragment.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if parts.count == 2, let found = Component.Checksum(prefixed: "\(parts[0]):\(parts[1])") { return found }
        }
        return nil
    }

    // MARK: - poetry.lock

    mutating func readPoetry(_ bytes: [UInt8]) throws {
        let toml = try TOML(parsing: bytes)
        // Before lock version 2 the files were in a table of their own.
        let oldFiles = try (toml.root["metadata"] ?? [:]).members("files")
        let packages = try toml.root.list("package")
        var indices: [String: Int] = [:]
        for (place, package) in packages.enumerated() {
            let name = try package.requiredText("name")
            let line = toml.lines["package"]?[place] ?? 0
            var component = Component(.pypi, name: Self.pythonName(name), version: try package.requiredText("version"))
            var files = try package.list("files")
            if files.isEmpty { files = oldFiles[name]?.arrayValue ?? [] }
            for file in files {
                let hash = try file.requiredText("hash")
                guard let checksum = Component.Checksum(prefixed: hash, file: try file.text("file") ?? "") else {
                    throw InventoryError(.malformed, "\(hash) is no hash", line: line)
                }
                component.checksums.append(checksum)
            }
            let source = package["source"] ?? [:]
            component.source = try source.text("url")
            if try source.text("type") == "git", let commit = try source.text("resolved_reference") {
                component.checksums = [.init("gitCommit", commit)]
            }
            if try package.text("category") == "dev" { component.scope = .development }
            if component.checksums.isEmpty, try source.text("type") != "directory" {
                note("\(component.name)@\(component.version)", line: line, "has no hash")
            }
            indices[component.name] = try add(component, line: line)
        }
        for package in packages {
            guard let from = indices[Self.pythonName(try package.requiredText("name"))] else { continue }
            for needed in try package.members("dependencies") {
                if let to = indices[Self.pythonName(needed.key)] { connect(from, to: to) }
            }
        }
        markUnneededAsDirect()
    }

    // MARK: - uv.lock

    mutating func readUV(_ bytes: [UInt8]) throws {
        let toml = try TOML(parsing: bytes)
        let packages = try toml.root.list("package")
        var indices: [String: Int] = [:]
        var places: [Int: Int] = [:]
        for (place, package) in packages.enumerated() {
            let source = package["source"] ?? [:]
            if ["editable", "virtual", "directory", "workspace"].contains(where: { source[$0] != nil }) { continue }
            let name = Self.pythonName(try package.requiredText("name"))
            let line = toml.lines["package"]?[place] ?? 0
            var component = Component(.pypi, name: name, version: try package.text("version") ?? "")
            component.source = try source.text("registry") ?? source.text("url") ?? source.text("git")
            let sdist = package["sdist"].map { [$0] } ?? []
            for file in try sdist + package.list("wheels") {
                guard let hash = try file.text("hash") else { continue }
                let url = try file.text("url") ?? file.text("filename") ?? ""
                let fileName = url.split(separator: "/").last.map(String.init) ?? ""
                guard let checksum = Component.Checksum(prefixed: hash, file: fileName) else {
                    throw InventoryError(.malformed, "\(hash) is no hash", line: line)
                }
                component.checksums.append(checksum)
            }
            if let commit = component.source.flatMap(Self.commit(ofGitURL:)) {
                component.checksums = [.init("gitCommit", commit)]
            }
            if component.checksums.isEmpty { note("\(name)@\(component.version)", line: line, "has no hash") }
            let index = try add(component, line: line)
            places[place] = index
            indices["\(name)@\(component.version)"] = index
            if indices[name] == nil { indices[name] = index }
        }
        for (place, package) in packages.enumerated() {
            let optional = try package.members("optional-dependencies").flatMap { $0.value.arrayValue ?? [] }
            let development = try package.members("dev-dependencies").flatMap { $0.value.arrayValue ?? [] }
            for needed in try package.list("dependencies") + optional + development {
                let name = Self.pythonName(try needed.requiredText("name"))
                let exact = try needed.text("version").flatMap { indices["\(name)@\($0)"] }
                guard let to = exact ?? indices[name] else { continue }
                if let from = places[place] {
                    connect(from, to: to)
                } else {
                    update(to) { $0.isDirect = true }
                }
            }
        }
        for index in components.indices { update(index) { $0.isDirect = $0.isDirect ?? false } }
    }

    // MARK: - Pipfile.lock

    mutating func readPipfile(_ bytes: [UInt8]) throws {
        let json = try JSON.document(bytes)
        let finder = LineFinder(bytes)
        for section in ["default", "develop"] {
            for member in try json.members(section) {
                let name = Self.pythonName(member.key)
                let line = finder.line(of: member.key)
                let version = try member.value.text("version") ?? ""
                var component = Component(
                    .pypi, name: name, version: version.hasPrefix("==") ? String(version.drop { $0 == "=" }) : "")
                for hash in try member.value.list("hashes") {
                    guard let checksum = Component.Checksum(prefixed: hash.stringValue ?? "", file: "") else {
                        throw InventoryError(.malformed, "a hash of \(name) is none", line: line)
                    }
                    component.checksums.append(checksum)
                }
                if let reference = try member.value.text("ref") {
                    component.checksums = [.init("gitCommit", reference)]
                    component.source = try member.value.text("git")
                }
                if section == "develop" {
                    // What both sections have is needed when it runs.
                    if components.contains(where: { $0.name == name && $0.version == component.version }) { continue }
                    component.scope = .development
                }
                if component.checksums.isEmpty { note(name, line: line, "has no hash") }
                if component.version.isEmpty, component.source == nil { note(name, line: line, "has no exact version") }
                try add(component, line: line)
            }
        }
    }
}
