package import Bytes
internal import Inventory
internal import Policy
internal import Registry
internal import SystemPackage

extension Release {
    /// What a release would do.
    package struct Plan: Sendable {
        /// A thing, and where it goes.
        package struct Item: Sendable {
            package var package: String
            package var target: String
        }

        package var items: [Item]
        package var bills: [String]
        package var policies: [String]
        /// Where files go; empty where none do.
        package var place: String
        /// Whether a release of this version is there already.
        package var isThere: Bool

        /// For people.
        package var text: String {
            var out = ""
            for item in items { out += "would release \(item.package) as \(item.target)\n".safeLines }
            for bill in bills { out += "would add a bill of materials for each: \(bill)\n" }
            for policy in policies { out += "would ask the policy \(policy)\n".safeLines }
            if !place.isEmpty { out += "would publish in \(place)\n".safeLines }
            if isThere { out += "this version is released already: the same contents again change nothing\n" }
            return out
        }

        package var json: JSON {
            [
                "items": .array(items.map { ["package": .string($0.package), "target": .string($0.target)] }),
                "sbom": .array(bills.map(JSON.string)), "policies": .array(policies.map(JSON.string)),
                "place": .string(place), "released": .bool(isThere),
            ]
        }
    }

    /// Works out what would be done. Asks the place, and changes nothing.
    package func plan() async throws -> Plan {
        var items = definition.archives.map { archive in
            Plan.Item(package: archive.package, target: ReleaseDefinition.filled(archive.file, version))
        }
        for image in definition.images {
            let tags = image.tags.map { ReleaseDefinition.filled($0, version) }
            items.append(
                Plan.Item(package: image.package, target: "\(image.repository):\(tags.joined(separator: ","))"))
        }
        let state = try await place?.state(version)
        let isThere = if case .released? = state { true } else { false }
        return Plan(
            items: items, bills: definition.bills.map(\.rawValue), policies: definition.policies.map(\.string),
            place: place?.shown(version) ?? "", isThere: isThere)
    }
}

extension Release.Outcome {
    /// What was released, for people.
    package func text(_ release: Release) -> String {
        var out = wasThere ? "\(release.definition.name) \(release.version) was released before, and is the same\n" : ""
        for file in stage.files { out += "\(file.digest.hex)  \(file.name)\n" }
        for image in stage.images {
            out += "\(image.digest)  \(image.repository)\(image.tags.map { " :\($0)" }.joined())\n"
        }
        if let place = release.place { out += "in \(place.shown(release.version))\n".safeLines }
        return out
    }

    /// What was released, for programs.
    package func json(_ release: Release, _ guide: ReleaseGuide) -> JSON {
        [
            "name": .string(release.definition.name), "version": .string(release.version),
            "released": .bool(isAllowed), "wasThere": .bool(wasThere),
            "place": .string(release.place?.shown(release.version) ?? ""),
            "files": .array(
                stage.files.map { file in
                    [
                        "name": .string(file.name), "digest": .string(file.digest.description),
                        "bundles": .array(file.bundles.map { .string($0.name) }),
                        "sbom": .array(file.bills.map { .string($0.name) }),
                    ]
                }),
            "images": .array(
                stage.images.map { image in
                    [
                        "repository": .string(image.repository), "digest": .string("\(image.digest)"),
                        "tags": .array(image.tags.map(JSON.string)),
                    ]
                }), "decisions": .array(decisions.map(\.json)), "check": guide.json,
        ]
    }
}

extension String {
    /// Text of one line, safe for a terminal.
    fileprivate var safeLines: String { dropLast().description.safeForTerminal + "\n" }
}
