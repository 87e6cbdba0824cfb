internal import Bytes
internal import Workspace

// pnpm-lock.yaml of lockfileVersion 5, 6 and 9.

extension LockFile {
    mutating func readPnpm(_ bytes: [UInt8]) throws {
        let json = try JSON.yaml(bytes, name: path, isText: true, byteLimit: Self.byteLimit)
        let major = try json.requiredText("lockfileVersion").prefix { $0 != "." }
        guard ["5", "6", "7", "9"].contains(major) else {
            throw InventoryError(.unsupported, "lockfileVersion \(major) is not known; 5, 6 and 9 are")
        }
        let finder = LineFinder(bytes)
        // Since version 9 what a package needs is apart from what it is.
        let packages = try json.members("packages")
        let snapshots = major == "9" ? try json.members("snapshots") : packages
        var indices: [String: Int] = [:]
        for member in packages {
            guard let (name, version) = Self.pnpmParts(member.key, isOld: major == "5") else {
                throw InventoryError(.malformed, "\(member.key) names no package", line: finder.line(of: member.key))
            }
            let key = "\(name)@\(version)"
            if indices[key] == nil { indices[key] = try addPnpm(name, version, member.key, member.value, finder) }
        }
        func index(_ name: String, _ reference: String) -> Int? {
            // A reference is a version, or a whole key for an alias or another source.
            if let (name, version) = Self.pnpmParts(reference, isOld: major == "5"),
                let found = indices["\(name)@\(version)"]
            {
                return found
            }
            return indices["\(name)@\(Self.withoutPeers(reference, isOld: major == "5"))"]
        }
        for member in snapshots {
            guard let (name, version) = Self.pnpmParts(member.key, isOld: major == "5"),
                let from = indices["\(name)@\(version)"]
            else { continue }
            for kind in ["dependencies", "optionalDependencies"] {
                for needed in try member.value.members(kind) {
                    if let to = index(needed.key, needed.value.stringValue ?? "") { connect(from, to: to) }
                }
            }
        }
        var importers = try json.members("importers")
        if importers.isEmpty { importers["."] = json }
        for importer in importers {
            for kind in ["dependencies", "optionalDependencies", "devDependencies"] {
                for needed in try importer.value.members(kind) {
                    let reference = try needed.value.stringValue ?? needed.value.text("version") ?? ""
                    guard let to = index(needed.key, reference) else { continue }
                    update(to) {
                        $0.isDirect = true
                        if kind == "devDependencies", major == "9" { $0.scope = .development }
                    }
                }
            }
        }
        for index in components.indices { update(index) { $0.isDirect = $0.isDirect ?? false } }
    }

    private mutating func addPnpm(
        _ name: String, _ version: String, _ key: String, _ entry: JSON, _ finder: LineFinder
    ) throws -> Int {
        var component = Component(
            .npm, name: try entry.text("name") ?? name, version: try entry.text("version") ?? version)
        let resolution = entry["resolution"] ?? [:]
        component.source = try resolution.text("tarball") ?? resolution.text("repo")
        if let integrity = try resolution.text("integrity") {
            for word in integrity.split(separator: " ") {
                guard let checksum = Component.Checksum(integrity: word) else {
                    throw InventoryError(.malformed, "\(word) is no integrity", line: finder.line(of: key))
                }
                component.checksums.append(checksum)
            }
        } else if let commit = try resolution.text("commit"), Hex.decode(commit) != nil {
            component.checksums = [.init("gitCommit", commit)]
        } else if try resolution.text("type") != "directory" {
            note("\(name)@\(version)", line: finder.line(of: key), "has no integrity")
        }
        if try entry.text("dev") == "true" { component.scope = .development }
        return try add(component, line: finder.line(of: key))
    }

    /// Name and version of a key: `/@s/name/1.0.0_peer` before version 6, `@s/name@1.0.0(peer)` since; the slash in
    /// front went with version 9.
    private static func pnpmParts(_ key: String, isOld: Bool) -> (name: String, version: String)? {
        var text = key[...]
        if text.hasPrefix("/") { text = text.dropFirst() }
        let plain = withoutPeers(String(text), isOld: isOld)
        if isOld {
            let parts = plain.split(separator: "/", omittingEmptySubsequences: false)
            let count = plain.hasPrefix("@") ? 2 : 1
            guard parts.count == count + 1 else { return key.contains("/") ? (key, "") : nil }
            return (parts[..<count].joined(separator: "/"), String(parts[count]))
        }
        guard let at = plain.dropFirst().firstIndex(of: "@") else { return nil }
        return (String(plain[..<at]), String(plain[plain.index(after: at)...]))
    }

    private static func withoutPeers(_ text: String, isOld: Bool) -> String {
        String(text.prefix { $0 != (isOld ? "_" : "(") })
    }
}
