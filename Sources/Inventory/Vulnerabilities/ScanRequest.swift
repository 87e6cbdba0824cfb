package import Bytes
internal import Host
package import SystemPackage
package import Workspace

/// All that a scan is given, as files.
package struct ScanRequest: Sendable {
    package var advisories: [FilePath]
    /// Files of ignore rules.
    package var rules: [FilePath]
    /// OpenVEX documents.
    package var statements: [FilePath]
    package var distribution: String?
    package var now: Timestamp
    /// Rules beside those of files.
    private var ownRules: [IgnoreRule] = []

    package init(
        advisories: [FilePath], rules: [FilePath] = [], statements: [FilePath] = [], distribution: String? = nil,
        now: Timestamp
    ) {
        self.advisories = advisories
        self.rules = rules
        self.statements = statements
        self.distribution = distribution
        self.now = now
    }

    /// Takes what a workspace's settings say on top.
    package mutating func apply(_ settings: VulnerabilitySettings, root: FilePath) {
        if advisories.isEmpty { advisories = settings.advisories.map { root.pushing(FilePath($0)) } }
        distribution = distribution ?? settings.distribution
        ownRules += settings.ignore.compactMap { IgnoreRule($0) }
    }

    /// The paths of `MARTLET_ADVISORIES`, separated by colons.
    package static func advisories(environment: [String: String]) -> [FilePath] {
        (environment["MARTLET_ADVISORIES"] ?? "").split(separator: ":").map { FilePath(String($0)) }
    }

    /// Scans a bill. Without advisories there is no answer: an empty list would look like a clean one.
    package func report(on bill: BillOfMaterials) throws -> ScanReport {
        guard !advisories.isEmpty else {
            throw InventoryError(
                .configuration,
                "there are no advisories; name them with --advisories, in WORKSPACE.yaml, or by MARTLET_ADVISORIES")
        }
        var scan = Scan(of: bill, distribution: distribution)
        var count = 0
        for path in advisories {
            try AdvisorySource(path).forEach { advisory in
                count += 1
                scan.match(advisory)
            }
        }
        guard count > 0 else {
            throw InventoryError(
                .configuration, "no advisory is in \(advisories.map(\.string).joined(separator: ", "))")
        }
        let rules =
            try ownRules
            + self.rules.flatMap { path in
                try IgnoreRule.read(try Files.read(path, limit: 1 << 20), name: path.string)
            }
        let statements = try self.statements.map { path in
            try ExploitabilityStatements(parsing: try Files.read(path, limit: 64 << 20))
        }
        return scan.report(rules: rules, statements: statements, at: now)
    }
}
