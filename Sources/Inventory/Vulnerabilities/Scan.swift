package import Bytes

/// Matches the components of a bill with advisories. No clock, no network: the time and the advisories are given.
package struct Scan: Sendable {
    /// A component with a vulnerability.
    package struct Finding: Sendable {
        package var component: Component
        package var id: String
        package var aliases: [String]
        package var summary: String
        package var severity: Severity
        package var score: Double?
        package var vector: String?
        /// The first version without it, where there is one.
        package var fix: String?
        /// Why it does not count: a rule or a statement of the maker.
        package var dismissal: String?
        /// The day on which a rule that would have covered it ended.
        package var expired: Timestamp?

        fileprivate var names: [String] { [id] + aliases }
    }

    private let bill: BillOfMaterials
    /// Components by ecosystem and the name that advisories use.
    private var places: [String: [Int]] = [:]
    private var found: [Int: [Finding]] = [:]
    /// The release of the distribution that packages are of, where package URLs don't say.
    private let distribution: String?
    /// How many components advisories could not be asked about, for their distribution is not known.
    package private(set) var unplaced = 0

    /// - Parameters:
    ///   - distribution: such as `debian-12`.
    package init(of bill: BillOfMaterials, distribution: String? = nil) {
        self.bill = bill
        self.distribution = distribution
        for (index, component) in bill.components.enumerated() {
            let name = component.sourcePackage?.name ?? component.name
            places[Self.key(component.ecosystem, name), default: []].append(index)
            if component.ecosystem == .debian, release(of: component) == nil { unplaced += 1 }
        }
    }

    private static func key(_ ecosystem: Ecosystem, _ name: String) -> String {
        switch ecosystem {
        case .pypi: "pypi " + LockFile.pythonName(name)
        // The names of these don't tell cases apart, or package URLs don't.
        case .go, .composer, .swift: ecosystem.rawValue + " " + name.lowercased()
        default: ecosystem.rawValue + " " + name
        }
    }

    /// The release's number, `12` of `debian-12`.
    private func release(of component: Component) -> String? {
        guard let text = component.purl.qualifier("distro") ?? distribution else { return nil }
        return text.lastIndex(of: "-").map { String(text[text.index(after: $0)...]) } ?? text
    }

    /// Takes one advisory into account.
    package mutating func match(_ advisory: Advisory) {
        if advisory.isWithdrawn { return }
        for affected in advisory.affected {
            for index in places[Self.key(affected.ecosystem, affected.name)] ?? [] {
                let component = bill.components[index]
                if let wanted = affected.release, release(of: component) != String(wanted.prefix { $0 != ":" }) {
                    continue
                }
                let version = component.sourcePackage?.version ?? component.version
                guard !version.isEmpty, affected.includes(version) else { continue }
                add(
                    Finding(
                        component: component, id: advisory.id, aliases: advisory.aliases, summary: advisory.summary,
                        severity: max(advisory.severity, affected.severity), score: advisory.score,
                        vector: advisory.vector, fix: affected.fix(for: version)), at: index)
            }
        }
    }

    /// Several databases speak of one vulnerability under names that they have in common: it is one finding.
    private mutating func add(_ finding: Finding, at index: Int) {
        let names = Set(finding.names)
        guard let place = found[index]?.firstIndex(where: { !names.isDisjoint(with: $0.names) }) else {
            found[index, default: []].append(finding)
            return
        }
        guard var known = found[index]?[place] else { return }
        for name in finding.names where !known.names.contains(name) { known.aliases.append(name) }
        if finding.severity > known.severity { known.severity = finding.severity }
        known.score = known.score ?? finding.score
        known.vector = known.vector ?? finding.vector
        known.fix = known.fix ?? finding.fix
        if known.summary.isEmpty { known.summary = finding.summary }
        found[index]?[place] = known
    }

    /// What was found, the worst first. Rules whose day has come no longer hold, and that is said.
    package func report(
        rules: [IgnoreRule] = [], statements: [ExploitabilityStatements] = [], at now: Timestamp
    ) -> ScanReport {
        var findings: [Finding] = []
        for list in found.values {
            for var finding in list {
                finding.aliases.sort()
                for rule in rules where rule.covers(finding.names, finding.component, of: bill.subject.name) {
                    if now < rule.until {
                        finding.dismissal = rule.reason
                    } else {
                        finding.expired = max(finding.expired ?? rule.until, rule.until)
                    }
                }
                if finding.dismissal == nil {
                    finding.dismissal =
                        statements.lazy.compactMap { $0.dismissal(of: finding.names, finding.component) }.first
                }
                findings.append(finding)
            }
        }
        findings.sort { left, right in
            if left.severity != right.severity { return left.severity > right.severity }
            let keys = (left.component.purl.description, right.component.purl.description)
            return keys.0 == keys.1 ? left.id < right.id : keys.0 < keys.1
        }
        return ScanReport(
            subject: bill.subject.name, componentCount: bill.components.count, findings: findings, unplaced: unplaced)
    }
}
