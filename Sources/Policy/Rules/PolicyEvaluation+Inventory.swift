internal import Attest
internal import Bytes

/// Rules about what scanners and inventories attest.
extension PolicyEvaluation {
    private static let scans: Set<String> = [
        "https://cosign.sigstore.dev/attestation/vuln/v1", "https://in-toto.io/attestation/vulns",
        "https://in-toto.io/attestation/vulns/v0.1", "https://in-toto.io/attestation/vulns/v0.2",
    ]

    // MARK: - Vulnerabilities

    /// All scans by trusted scanners count together: what one of them has found is there.
    func vulnerabilities(_ policy: ArtifactPolicy.Vulnerabilities) -> Decision.Rule {
        let greatest = policy.greatest
        var rule = Decision.Rule(
            code: .vulnerabilities, outcome: .notMet, title: "has no vulnerability that is too bad",
            field: "predicate.scanner.result",
            expected: greatest.map { "none worse than \($0.name)" } ?? "none")
        let scans = evidence.filter { item in
            item.statement.map { Self.scans.contains($0.predicateType) } ?? false && isSigned(item, by: policy.signers)
        }
        var fresh: [Evidence] = []
        for item in scans {
            guard let limit = policy.greatestAge else {
                fresh.append(item)
                continue
            }
            let age = age(.vulnerabilities, moment(item), atMost: limit, field: "metadata.scanFinishedOn", item)
            if age.isFulfilled { fresh.append(item) } else { rule.remedy = age.remedy }
        }
        rule.evidence = (fresh.isEmpty ? scans : fresh).map(\.name)
        guard !fresh.isEmpty else {
            rule.got = scans.isEmpty ? "no scan" : "only scans that are too old"
            rule.remedy = "scan the artifact, and attest the result"
            return rule
        }
        var bad: [String] = []
        var count = 0
        for item in fresh {
            guard let predicate = item.statement?.predicate, let found = VulnerabilityFinding.all(in: predicate) else {
                rule.outcome = .unsupported
                rule.got = "\(item.name) has a result in a form that is not known"
                rule.remedy = "attest the result as in-toto's vulns predicate"
                return rule
            }
            for finding in found where !isExcepted(finding, policy) {
                count += 1
                // What nobody has rated may be as bad as can be.
                if let greatest, let severity = finding.severity, severity <= greatest { continue }
                let text = "\(finding.id) (\(finding.severity?.name ?? "not rated"))"
                if !bad.contains(text) { bad.append(text) }
            }
        }
        rule.got =
            bad.isEmpty
            ? "\(count), none of them worse"
            : bad.prefix(10).joined(separator: ", ").safeForTerminal
                + (bad.count > 10 ? " and \(bad.count - 10) more" : "")
        rule.outcome = bad.isEmpty ? .met : .notMet
        if !bad.isEmpty {
            rule.remedy = "update what has them, or list them under vulnerabilities.except with a reason"
        }
        return rule
    }

    private func isExcepted(_ finding: VulnerabilityFinding, _ policy: ArtifactPolicy.Vulnerabilities) -> Bool {
        policy.exceptions.contains { exception in
            exception.id.hasSameBytes(as: finding.id) && exception.until.map { now < $0 } ?? true
        }
    }

    // MARK: - Licences

    func licences(_ policy: ArtifactPolicy.Licences) -> Decision.Rule {
        var rule = Decision.Rule(
            code: .licences, outcome: .notMet, title: "has licences that the policy allows",
            field: "predicate.packages",
            expected: policy.allowed.isEmpty
                ? "none of \(policy.denied.sorted().joined(separator: ", "))"
                : "only \(policy.allowed.sorted().joined(separator: ", "))")
        var packages: [(name: String, licence: String?)]?
        for item in evidence where isSigned(item, by: policy.signers) {
            guard let statement = item.statement, let found = PackageLicence.all(in: statement) else { continue }
            rule.evidence.append(item.name)
            packages = (packages ?? []) + found
        }
        guard let packages else {
            rule.got = "no bill of materials"
            rule.remedy = "attest a bill of materials in SPDX or CycloneDX"
            return rule
        }
        let bad = packages.filter { package in
            guard let text = package.licence, text != "NOASSERTION", text != "NONE", !text.isEmpty else {
                return !policy.acceptsUnknown
            }
            return !LicenceExpression.isAccepted(text) { id in
                !policy.denied.contains(id) && (policy.allowed.isEmpty || policy.allowed.contains(id))
            }
        }
        rule.outcome = bad.isEmpty ? .met : .notMet
        let names = bad.prefix(10).map { "\($0.name) (\($0.licence ?? "not known"))" }
        rule.got =
            bad.isEmpty
            ? "\(packages.count) packages, none with another" : names.joined(separator: ", ").safeForTerminal
        if !bad.isEmpty { rule.remedy = "replace these packages, or change licences.allow and licences.deny" }
        return rule
    }
}

/// A vulnerability that a scanner reports.
struct VulnerabilityFinding: Hashable {
    var id: String
    /// The worst that anybody rates it; `nil` where nobody does.
    var severity: VulnerabilitySeverity?

    /// What a scan found: in-toto's form, Trivy's or Grype's report; `nil` for another.
    static func all(in predicate: JSON) -> [VulnerabilityFinding]? {
        guard let result = predicate["scanner"]?["result"] else { return nil }
        if let list = result.arrayValue {
            return list.compactMap { item in
                guard let id = item["id"]?.stringValue else { return nil }
                let ratings = (item["severity"]?.arrayValue ?? []).compactMap { rating in
                    rating["score"]?.stringValue.flatMap { VulnerabilitySeverity($0) }
                        ?? rating["score"]?.doubleValue.flatMap { VulnerabilitySeverity("\($0)") }
                }
                return VulnerabilityFinding(id: id, severity: ratings.max())
            }
        }
        if result["ArtifactName"] != nil || result["Results"] != nil {
            return (result["Results"]?.arrayValue ?? []).flatMap { $0["Vulnerabilities"]?.arrayValue ?? [] }.compactMap
            {
                item in
                guard let id = item["VulnerabilityID"]?.stringValue else { return nil }
                return VulnerabilityFinding(
                    id: id, severity: item["Severity"]?.stringValue.flatMap { VulnerabilitySeverity($0) })
            }
        }
        guard let matches = result["matches"]?.arrayValue else { return nil }
        return matches.compactMap { item in
            guard let found = item["vulnerability"], let id = found["id"]?.stringValue else { return nil }
            return VulnerabilityFinding(
                id: id, severity: found["severity"]?.stringValue.flatMap { VulnerabilitySeverity($0) })
        }
    }
}

/// The licences of the packages in a bill of materials.
enum PackageLicence {
    /// Names and SPDX expressions; `nil` where the statement is no bill of materials.
    static func all(in statement: Statement) -> [(name: String, licence: String?)]? {
        if statement.predicateType.hasPrefix("https://spdx.dev/Document") {
            if let graph = statement.predicate["@graph"]?.arrayValue { return spdx3(graph) }
            guard let packages = statement.predicate["packages"]?.arrayValue else { return nil }
            return packages.map { package in
                let concluded = package["licenseConcluded"]?.stringValue
                let declared = package["licenseDeclared"]?.stringValue
                return (
                    package["name"]?.stringValue ?? "?", concluded == "NOASSERTION" ? declared : concluded ?? declared
                )
            }
        }
        guard statement.predicateType.hasPrefix("https://cyclonedx.org/bom") else { return nil }
        return (statement.predicate["components"]?.arrayValue ?? []).map { component in
            let texts = (component["licenses"]?.arrayValue ?? []).compactMap { item in
                item["expression"]?.stringValue ?? item["license"]?["id"]?.stringValue
                    ?? item["license"]?["name"]?.stringValue
            }
            let name = component["name"]?.stringValue ?? "?"
            return (name, texts.isEmpty ? nil : texts.map { "(\($0))" }.joined(separator: " AND "))
        }
    }

    private static func spdx3(_ graph: [JSON]) -> [(name: String, licence: String?)] {
        var expressions: [String: String] = [:]
        for element in graph {
            if let id = element["spdxId"]?.stringValue,
                let text = element["simplelicensing_licenseExpression"]?.stringValue
            {
                expressions[id] = text
            }
        }
        var licences: [String: String] = [:]
        for element in graph where element["type"]?.stringValue == "Relationship" {
            let kind = element["relationshipType"]?.stringValue
            guard kind == "hasDeclaredLicense" || kind == "hasConcludedLicense", let from = element["from"]?.stringValue
            else {
                continue
            }
            for to in element["to"]?.arrayValue ?? [] {
                guard let text = to.stringValue.flatMap({ expressions[$0] }) else { continue }
                if kind == "hasConcludedLicense" || licences[from] == nil { licences[from] = text }
            }
        }
        return graph.filter { $0["type"]?.stringValue == "software_Package" }.map { package in
            (package["name"]?.stringValue ?? "?", package["spdxId"]?.stringValue.flatMap { licences[$0] })
        }
    }
}

/// A licence expression of SPDX (SPDX 2.3, annex D).
enum LicenceExpression {
    /// Whether the expression can be met with licences that are accepted; one that can't be read is not.
    static func isAccepted(_ text: String, _ accepts: (String) -> Bool) -> Bool {
        guard text.utf8.count <= 4096 else { return false }
        var words: [Substring] = []
        for part in text.split(whereSeparator: { $0 == " " || $0 == "\n" || $0 == "\t" }) {
            var rest = part
            while rest.first == "(" {
                words.append("(")
                rest.removeFirst()
            }
            let closing = rest.reversed().prefix { $0 == ")" }.count
            words.append(rest.dropLast(closing))
            words += Array(repeating: ")", count: closing)
        }
        var at = 0
        let result = choice(words.filter { !$0.isEmpty }, &at, 0, accepts)
        return at == words.count { !$0.isEmpty } ? result ?? false : false
    }

    private static func choice(_ words: [Substring], _ at: inout Int, _ depth: Int, _ accepts: (String) -> Bool)
        -> Bool?
    {
        guard depth < 50, var result = both(words, &at, depth, accepts) else { return nil }
        while at < words.count, words[at] == "OR" || words[at] == "or" {
            at += 1
            guard let next = both(words, &at, depth, accepts) else { return nil }
            result = result || next
        }
        return result
    }

    private static func both(_ words: [Substring], _ at: inout Int, _ depth: Int, _ accepts: (String) -> Bool) -> Bool?
    {
        guard var result = single(words, &at, depth, accepts) else { return nil }
        while at < words.count, words[at] == "AND" || words[at] == "and" {
            at += 1
            guard let next = single(words, &at, depth, accepts) else { return nil }
            result = result && next
        }
        return result
    }

    private static func single(_ words: [Substring], _ at: inout Int, _ depth: Int, _ accepts: (String) -> Bool)
        -> Bool?
    {
        guard at < words.count else { return nil }
        let word = words[at]
        at += 1
        if word == "(" {
            guard let inner = choice(words, &at, depth + 1, accepts), at < words.count, words[at] == ")" else {
                return nil
            }
            at += 1
            return inner
        }
        guard word != ")", word != "AND", word != "OR", word != "WITH" else { return nil }
        if at + 1 < words.count, words[at] == "WITH" {
            // An exception allows more than its licence: either name may be listed.
            let both = "\(word) WITH \(words[at + 1])"
            at += 2
            return accepts(both) || accepts(String(word))
        }
        return accepts(String(word))
    }
}
