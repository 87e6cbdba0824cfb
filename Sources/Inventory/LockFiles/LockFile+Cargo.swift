internal import Bytes

// Cargo.lock, versions 1 to 4.

extension LockFile {
    mutating func readCargo(_ bytes: [UInt8]) throws(InventoryError) {
        let toml = try TOML(parsing: bytes)
        let packages = try toml.root.list("package")
        let lines = toml.lines["package"] ?? []
        // Version 1 has the checksums in a table of their own.
        let metadata = try toml.root.members("metadata")
        var byName: [String: [Int]] = [:]
        var places: [Int: Int] = [:]
        for (place, package) in packages.enumerated() {
            let name = try package.requiredText("name")
            let version = try package.requiredText("version")
            // What has no source is part of the workspace.
            guard let source = try package.text("source") else { continue }
            let line = place < lines.count ? lines[place] : 0
            var component = Component(.cargo, name: name, version: version)
            component.source = source
            let old = metadata["checksum \(name) \(version) (\(source))"]?.stringValue
            if let checksum = try package.text("checksum") ?? old, checksum != "<none>" {
                guard Hex.decode(checksum)?.count == 32 else {
                    throw InventoryError(.malformed, "the checksum of \(name) is no SHA-256", line: line)
                }
                component.checksums = [.init("sha256", checksum)]
            } else if source.hasPrefix("git+"), let commit = Self.commit(ofGitURL: source) {
                component.checksums = [.init("gitCommit", commit)]
            } else {
                note("\(name)@\(version)", line: line, "has no checksum")
            }
            let index = try add(component, line: line)
            byName[name, default: []].append(index)
            places[place] = index
        }
        for (place, package) in packages.enumerated() {
            for needed in try package.list("dependencies") {
                let words = (needed.stringValue ?? "").split(separator: " ").map(String.init)
                guard let name = words.first, let candidates = byName[name] else { continue }
                let to = candidates.first { index in
                    (words.count < 2 || components[index].version == words[1])
                        && (words.count < 3 || "(\(components[index].source ?? ""))" == words[2])
                }
                guard let to else { continue }
                if let from = places[place] {
                    connect(from, to: to)
                } else {
                    update(to) { $0.isDirect = true }
                }
            }
        }
        for index in components.indices { update(index) { $0.isDirect = $0.isDirect ?? false } }
    }
}
