internal import Bytes

// What is installed (dpkg's status, and status.d of images without dpkg), and locks of .deb files.

extension LockFile {
    /// Reads dpkg's database: paragraphs of fields (deb822).
    mutating func readDpkgStatus(_ bytes: [UInt8]) throws {
        var needs: [(from: Int, text: String)] = []
        var providers: [String: Int] = [:]
        for paragraph in try Self.paragraphs(bytes) {
            guard let name = paragraph.fields["package"], let version = paragraph.fields["version"] else {
                // dpkg keeps packages that it has only heard of, without a version.
                if paragraph.fields["package"] != nil { continue }
                throw InventoryError(.malformed, "a paragraph has no Package field", line: paragraph.line)
            }
            // Removed packages stay in the file as long as their configuration does.
            if let status = paragraph.fields["status"], !status.hasSuffix(" installed") { continue }
            let architecture = paragraph.fields["architecture"] ?? ""
            var component = Component(
                .debian, name: name, version: version,
                purl: Self.debianPURL(name: name, version: version, architecture: architecture))
            component.sourcePackage = Self.sourcePackage(paragraph.fields["source"], name: name, version: version)
            let index = try add(component, line: paragraph.line)
            providers[name] = index
            for virtual in Self.relations(paragraph.fields["provides"] ?? "").flatMap(\.self)
            where providers[virtual] == nil {
                providers[virtual] = index
            }
            for field in ["pre-depends", "depends"] {
                if let text = paragraph.fields[field] { needs.append((index, text)) }
            }
        }
        for (from, text) in needs {
            for alternatives in Self.relations(text) {
                if let to = alternatives.lazy.compactMap({ providers[$0] }).first { connect(from, to: to) }
            }
        }
        markUnneededAsDirect()
    }

    /// The package URL of a Debian package.
    static func debianPURL(name: String, version: String, architecture: String) -> PackageURL {
        PackageURL(
            type: "deb", namespace: "debian", name: name, version: version,
            qualifiers: [.init(key: "arch", value: architecture)])
    }

    /// The source package: `Source: name (version)`, both left out where they are those of the binary package.
    private static func sourcePackage(_ text: String?, name: String, version: String) -> Component.SourcePackage {
        let words = text?[...].words ?? []
        guard let source = words.first else { return .init(name: name, version: version) }
        let own = words.count > 1 && words[1].hasPrefix("(") ? String(words[1].dropFirst().dropLast()) : version
        return .init(name: String(source), version: own)
    }

    /// The names in a field such as `Depends`: of each relation the alternatives.
    private static func relations(_ text: String) -> [[String]] {
        text.split(separator: ",").map { relation in
            relation.split(separator: "|").compactMap { alternative in
                alternative.words.first.map { String($0.prefix { $0 != ":" && $0 != "(" }) }
            }
        }
    }

    private struct Paragraph {
        /// Names in lower case.
        var fields: [String: String] = [:]
        var line: Int
    }

    private static func paragraphs(_ bytes: [UInt8]) throws -> [Paragraph] {
        var out: [Paragraph] = []
        var current: Paragraph?
        var field = ""
        for line in try TextLines(bytes) {
            if line.trimmed.isEmpty {
                if let done = current { out.append(done) }
                current = nil
                continue
            }
            var paragraph = current ?? Paragraph(line: line.number)
            if let first = line.text.utf8.first, first == 0x20 || first == 0x09 {
                guard !field.isEmpty, current != nil else {
                    throw InventoryError(.malformed, "a continued line follows no field", line: line.number)
                }
                // Only the relations of packages go over several lines, among the fields that are looked at.
                if field == "depends" || field == "pre-depends" || field == "provides" {
                    paragraph.fields[field, default: ""] += " " + line.trimmed
                }
            } else {
                guard let colon = line.text.firstIndex(of: ":") else {
                    throw InventoryError(.malformed, "a line is neither a field nor continued", line: line.number)
                }
                field = line.text[..<colon].lowercased()
                guard paragraph.fields[field] == nil else {
                    throw InventoryError(.malformed, "the field \(field) appears twice", line: line.number)
                }
                paragraph.fields[field] = String(line.text[line.text.index(after: colon)...].trimmed)
            }
            current = paragraph
        }
        if let done = current { out.append(done) }
        return out
    }

    // MARK: - Locks of .deb files

    /// Reads a lock of `martlet image lock`, or one with `packages`, each with name, version, arch and sha256, as
    /// rules_distroless writes it. The name alone says little, so other JSON has no components.
    mutating func readDebianLock(_ bytes: [UInt8]) throws {
        let json = try JSON.document(bytes)
        if try json.text("format") == "martlet image lock" {
            for image in try json.list("images") {
                for package in try image.list("packages") + image.list("materials") { try addLocked(package) }
            }
            return
        }
        let finder = LineFinder(bytes)
        var byKey: [String: Int] = [:]
        var needs: [(from: Int, keys: [String])] = []
        for package in try json.list("packages") {
            let name = try package.requiredText("name")
            let version = try package.requiredText("version")
            let architecture = try package.text("arch") ?? package.text("architecture") ?? ""
            var component = Component(
                .debian, name: name, version: version,
                purl: Self.debianPURL(name: name, version: version, architecture: architecture))
            component.source =
                try package.list("urls").first?.stringValue ?? package.text("url") ?? package.text("filename")
            component.sourcePackage = Self.sourcePackage(try package.text("source"), name: name, version: version)
            if let sum = try package.text("sha256") {
                guard Hex.decode(sum)?.count == 32 else {
                    throw InventoryError(.malformed, "the sha256 of \(name) is none", line: finder.line(of: name))
                }
                component.checksums = [.init("sha256", sum)]
            } else {
                note("\(name)@\(version)", line: finder.line(of: name), "has no sha256")
            }
            let index = try add(component)
            byKey[try package.text("key") ?? "\(name)/\(architecture)"] = index
            var keys: [String] = []
            for needed in try package.list("dependencies") {
                if let key = try needed.stringValue ?? needed.text("key") { keys.append(key) }
            }
            needs.append((index, keys))
        }
        for (from, keys) in needs { for key in keys { if let to = byKey[key] { connect(from, to: to) } } }
        markUnneededAsDirect()
    }

    /// Adds a package of a lock of ours.
    private mutating func addLocked(_ package: JSON) throws {
        let name = try package.requiredText("name")
        let version = try package.requiredText("version")
        var component = Component(
            .debian, name: name, version: version,
            purl: Self.debianPURL(
                name: name, version: version, architecture: try package.text("architecture") ?? ""))
        let digest = try package.requiredText("digest")
        guard let checksum = Component.Checksum(prefixed: digest) else {
            throw InventoryError(.malformed, "\(digest.safeForTerminal) is no digest")
        }
        component.checksums = [checksum]
        component.source = try package.text("filename")
        component.sourcePackage = Self.sourcePackage(try package.text("source"), name: name, version: version)
        component.isDirect = true
        try add(component)
    }
}
