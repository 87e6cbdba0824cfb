internal import Bytes

// package-lock.json of npm 5 to 11 (https://docs.npmjs.com/cli/configuring-npm/package-lock-json).

extension LockFile {
    mutating func readNpm(_ bytes: [UInt8]) throws(InventoryError) {
        let json = try JSON.document(bytes)
        let finder = LineFinder(bytes)
        switch json["lockfileVersion"]?.intValue {
        case 2, 3: try readNpmPackages(json, finder)
        case 1, nil: try readNpmTree(json, finder)
        default: throw InventoryError(.unsupported, "lockfileVersion is not 1, 2 or 3")
        }
    }

    // MARK: - Versions 2 and 3

    private mutating func readNpmPackages(_ json: JSON, _ finder: LineFinder) throws(InventoryError) {
        let packages = try json.members("packages")
        var places: [String: Int] = [:]
        for member in packages where member.key.contains("node_modules/") {
            guard member.key.utf8.count <= 4096 else {
                throw InventoryError(.limit, "the name of a place is longer than 4096 bytes")
            }
            // A link's target is a directory of the workspace.
            if member.value["link"]?.boolValue == true { continue }
            let name = try member.value.text("name") ?? Self.npmName(place: member.key)
            places[member.key] = try addNpm(
                name, member.value, key: member.key, needsIntegrity: member.value["inBundle"]?.boolValue != true, finder
            )
        }
        for member in packages {
            let kinds = ["dependencies", "optionalDependencies", "peerDependencies"]
            guard let from = places[member.key] else {
                for kind in kinds + ["devDependencies"] {
                    for needed in try member.value.members(kind) {
                        guard let to = Self.npmResolve(needed.key, from: member.key, in: places) else { continue }
                        update(to) { $0.isDirect = true }
                    }
                }
                continue
            }
            for kind in kinds {
                for needed in try member.value.members(kind) {
                    if let to = Self.npmResolve(needed.key, from: member.key, in: places) { connect(from, to: to) }
                }
            }
        }
        for index in components.indices { update(index) { $0.isDirect = $0.isDirect ?? false } }
    }

    private static func npmName(place: String) -> String {
        place.ranges(of: "node_modules/").last.map { String(place[$0.upperBound...]) } ?? place
    }

    /// Where Node finds a package that the one at `place` asks for: beside it, or beside what contains it.
    private static func npmResolve(_ name: String, from place: String, in places: [String: Int]) -> Int? {
        var directory = place[...]
        while true {
            if let found = places[directory.isEmpty ? "node_modules/\(name)" : "\(directory)/node_modules/\(name)"] {
                return found
            }
            if directory.isEmpty { return nil }
            directory = directory.lastIndex(of: "/").map { directory[..<$0] } ?? ""
        }
    }

    private mutating func addNpm(
        _ name: String, _ entry: JSON, key: String, needsIntegrity: Bool, _ finder: LineFinder
    ) throws(InventoryError) -> Int {
        let version = try entry.text("version") ?? ""
        let resolved = try entry.text("resolved")
        var component = Component(.npm, name: name, version: version)
        for word in (try entry.text("integrity") ?? "").split(separator: " ") {
            guard let checksum = Component.Checksum(integrity: word) else {
                throw InventoryError(.malformed, "\(name): \(word) is no integrity", line: finder.line(of: key))
            }
            component.checksums.append(checksum)
        }
        component.license = entry["license"]?.stringValue
        component.source = resolved
        if entry["dev"]?.boolValue == true || entry["devOptional"]?.boolValue == true {
            component.scope = .development
        } else if entry["optional"]?.boolValue == true {
            component.scope = .optional
        }
        let git = resolved ?? version
        if component.checksums.isEmpty, git.hasPrefix("git"), let commit = Self.commit(ofGitURL: git) {
            component.checksums = [.init("gitCommit", commit)]
        }
        if component.checksums.isEmpty, needsIntegrity {
            note("\(name)@\(version)", line: finder.line(of: key), "has no integrity")
        }
        return try add(component)
    }

    /// The commit behind the `#` of a Git URL.
    static func commit(ofGitURL url: String) -> String? {
        guard let hash = url.lastIndex(of: "#") else { return nil }
        let commit = String(url[url.index(after: hash)...].prefix { $0 != "?" && $0 != "&" })
        return Hex.decode(commit).map { $0.count } == 20 || Hex.decode(commit)?.count == 32 ? commit : nil
    }

    // MARK: - Version 1

    private struct NpmScope {
        var parent: Int?
        var names: [String: Int] = [:]
    }

    private mutating func readNpmTree(_ json: JSON, _ finder: LineFinder) throws(InventoryError) {
        var scopes: [NpmScope] = [NpmScope(parent: nil)]
        var wanted: [(from: Int, scope: Int, name: String)] = []
        var open: [(entries: JSONObject, scope: Int)] = [(try json.members("dependencies"), 0)]
        while let (entries, scope) = open.popLast() {
            for member in entries {
                let index = try addNpm(
                    member.key, member.value, key: member.key,
                    needsIntegrity: member.value["bundled"]?.boolValue != true, finder)
                scopes[scope].names[member.key] = index
                let inner = try member.value.members("dependencies")
                scopes.append(NpmScope(parent: scope))
                for needed in try member.value.members("requires") {
                    wanted.append((index, scopes.count - 1, needed.key))
                }
                if !inner.isEmpty { open.append((inner, scopes.count - 1)) }
            }
        }
        for (from, start, name) in wanted {
            var scope: Int? = start
            while let place = scope {
                if let to = scopes[place].names[name] {
                    connect(from, to: to)
                    break
                }
                scope = scopes[place].parent
            }
        }
    }
}
