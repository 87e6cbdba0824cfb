internal import Bytes

/// What somebody has published about a vulnerability: which versions of which packages have it.
package struct Advisory: Sendable {
    /// One package that has it.
    package struct Affected: Sendable {
        package var ecosystem: Ecosystem
        /// The release behind a colon in the ecosystem's name, such as the 12 of `Debian:12`.
        package var release: String?
        package var name: String
        /// Versions that are named one by one.
        package var versions: [String] = []
        package var ranges: [Range] = []
        package var severity = Severity.unknown
    }

    /// A stretch of versions, as its borders in any order.
    package struct Range: Sendable {
        package var events: [Event]
    }

    /// A border of a range (OSV schema, `affected[].ranges[].events`).
    package enum Event: Sendable {
        case introduced(String)
        case fixed(String)
        case lastAffected(String)
        case limit(String)

        fileprivate var version: String {
            switch self {
            case .introduced(let version), .fixed(let version), .lastAffected(let version), .limit(let version): version
            }
        }
    }

    package var id: String
    /// Other names of the same vulnerability.
    package var aliases: [String] = []
    package var summary = ""
    package var severity = Severity.unknown
    /// The CVSS vector that `severity` comes from, and its score.
    package var vector: String?
    package var score: Double?
    package var affected: [Affected] = []
    /// Somebody took it back.
    package var isWithdrawn = false
}

extension Advisory {
    /// Reads a document of the OSV schema (https://ossf.github.io/osv-schema/), version 1.
    init(osv json: JSON) throws(InventoryError) {
        id = try json.requiredText("id")
        aliases = try json.list("aliases").compactMap(\.stringValue) + json.list("upstream").compactMap(\.stringValue)
        let details = try json.text("details") ?? ""
        summary = try json.text("summary") ?? String(details.prefix { $0 != "\n" }.prefix(200))
        isWithdrawn = try json.text("withdrawn") != nil
        (severity, vector, score) = Self.severity(try json.list("severity"))
        if severity == .unknown { severity = Self.word(json["database_specific"]) }
        for entry in try json.list("affected") {
            guard let package = entry["package"], let affected = try Self.affected(package, entry) else { continue }
            self.affected.append(affected)
        }
    }

    private static func word(_ json: JSON?) -> Severity {
        (json?["severity"] ?? json?["urgency"])?.stringValue.map { Severity(word: $0) } ?? .unknown
    }

    /// The newest version of CVSS counts.
    private static func severity(_ list: [JSON]) -> (Severity, String?, Double?) {
        for type in ["CVSS_V4", "CVSS_V3"] {
            for entry in list where entry["type"]?.stringValue == type {
                if let vector = entry["score"]?.stringValue, let score = SeverityScore.of(vector) {
                    return (Severity(score: score), vector, score)
                }
            }
        }
        return (.unknown, nil, nil)
    }

    private static func affected(_ package: JSON, _ entry: JSON) throws(InventoryError) -> Affected? {
        let parts = try package.requiredText("ecosystem").split(separator: ":", maxSplits: 1)
        let name = parts.first.map(String.init) ?? ""
        guard let ecosystem = Ecosystem.allCases.first(where: { $0.osvName == name }) else { return nil }
        var affected = Affected(
            ecosystem: ecosystem, release: parts.count > 1 ? String(parts[1]) : nil,
            name: try package.requiredText("name"))
        affected.versions = try entry.list("versions").compactMap(\.stringValue)
        affected.severity = Self.severity(try entry.list("severity")).0
        if affected.severity == .unknown { affected.severity = Self.word(entry["ecosystem_specific"]) }
        for range in try entry.list("ranges") where range["type"]?.stringValue != "GIT" {
            var events: [Event] = []
            for event in try range.list("events") {
                if let version = try event.text("introduced") { events.append(.introduced(version)) }
                if let version = try event.text("fixed") { events.append(.fixed(version)) }
                if let version = try event.text("last_affected") { events.append(.lastAffected(version)) }
                if let version = try event.text("limit") { events.append(.limit(version)) }
            }
            affected.ranges.append(Range(events: events))
        }
        return affected
    }
}

extension Advisory.Affected {
    /// Whether a version has the vulnerability (OSV schema, section Evaluation).
    package func includes(_ version: String) -> Bool {
        if versions.contains(where: { $0.hasSameBytes(as: version) }) { return true }
        return ranges.contains { $0.includes(version, in: ecosystem) }
    }

    /// The first version behind `version` that does not have it; `nil` where there is none.
    package func fix(for version: String) -> String? {
        var best: String?
        for range in ranges where range.includes(version, in: ecosystem) {
            for case .fixed(let fixed) in range.events where VersionOrder.compare(fixed, version, in: ecosystem) > 0 {
                if best.map({ VersionOrder.compare(fixed, $0, in: ecosystem) < 0 }) != false { best = fixed }
            }
        }
        return best
    }
}

extension Advisory.Range {
    fileprivate func includes(_ version: String, in ecosystem: Ecosystem) -> Bool {
        func compare(_ left: String, _ right: String) -> Int {
            // `0` is before every version, whatever the ecosystem calls its first one.
            if left == "0" || right == "0" { return left == right ? 0 : left == "0" ? -1 : 1 }
            return VersionOrder.compare(left, right, in: ecosystem)
        }
        let limits = events.compactMap { event -> String? in if case .limit(let limit) = event { limit } else { nil } }
        guard limits.isEmpty || limits.contains(where: { $0 == "*" || compare(version, $0) < 0 }) else { return false }
        var isAffected = false
        for event in events.sorted(by: { compare($0.version, $1.version) < 0 }) {
            let order = compare(version, event.version)
            switch event {
            case .introduced where order >= 0: isAffected = true
            case .fixed where order >= 0: isAffected = false
            case .lastAffected where order > 0: isAffected = false
            default: break
            }
        }
        return isAffected
    }
}

// MARK: - Debian's security tracker

extension Advisory {
    /// Reads `https://security-tracker.debian.org/tracker/data/json`: by source package, vulnerability and release.
    static func debianTracker(_ json: JSON, _ body: (Advisory) throws -> Void) throws {
        guard let packages = json.objectValue else {
            throw InventoryError(.malformed, "the tracker's data is no object")
        }
        for package in packages {
            guard let vulnerabilities = package.value.objectValue else {
                throw InventoryError(.malformed, "\(package.key.safeForTerminal) is no object")
            }
            for entry in vulnerabilities {
                var advisory = Advisory(id: entry.key, summary: try entry.value.text("description") ?? "")
                for release in try entry.value.members("releases") {
                    guard let number = releases[release.key] else { continue }
                    let urgency = Severity(word: try release.value.text("urgency") ?? "")
                    var affected = Affected(
                        ecosystem: .debian, release: number, name: package.key, severity: urgency)
                    switch try release.value.text("status") {
                    case "resolved":
                        let fixed = try release.value.text("fixed_version") ?? "0"
                        if fixed == "0" { continue }
                        affected.ranges = [Range(events: [.introduced("0"), .fixed(fixed)])]
                    default: affected.ranges = [Range(events: [.introduced("0")])]
                    }
                    advisory.affected.append(affected)
                }
                if !advisory.affected.isEmpty { try body(advisory) }
            }
        }
    }

    /// Debian's releases by the names that the tracker uses.
    private static let releases = [
        "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "sid": "sid",
    ]

    /// Whether a document is the tracker's.
    static func isDebianTracker(_ json: JSON) -> Bool {
        guard let first = json.objectValue?.members.first?.value.objectValue?.members.first else { return false }
        return first.value["releases"] != nil
    }
}
