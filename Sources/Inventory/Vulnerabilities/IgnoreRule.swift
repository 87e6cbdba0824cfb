package import Bytes
internal import Workspace

/// A vulnerability that somebody has looked at and decided to live with until a day.
package struct IgnoreRule: Hashable, Sendable {
    /// The vulnerability, by any of its names.
    package var id: String
    /// A package's name or package URL without version; `nil` ignores it everywhere.
    package var package: String?
    /// What a bill is of, such as `component:name`; `nil` ignores it in every bill.
    package var subject: String?
    package var reason: String
    /// The first moment at which the rule no longer holds.
    package var until: Timestamp

    package init(id: String, package: String?, subject: String? = nil, reason: String, until: Timestamp) {
        self.id = id
        self.package = package
        self.subject = subject
        self.reason = reason
        self.until = until
    }

    /// Reads rules: a YAML list of `id`, `package`, `reason` and `until`, or a mapping with that list under `ignore`.
    /// Every rule needs a reason and a day.
    package static func read(_ bytes: [UInt8], name: String) throws -> [IgnoreRule] {
        let json = try JSON.yaml(bytes, name: name, isText: true)
        return try read(json["ignore"] ?? json, name: name)
    }

    private static func read(_ json: JSON, name: String) throws -> [IgnoreRule] {
        func failure(_ message: String) -> InventoryError { InventoryError(.configuration, message, file: name) }
        guard let list = json.arrayValue else { throw failure("the rules are no list") }
        return try list.enumerated().map { index, entry in
            let place = "rule \(index + 1)"
            guard let members = entry.objectValue else { throw failure("\(place) is no mapping") }
            if let unknown = members.keys.first(where: { !["id", "package", "in", "reason", "until"].contains($0) }) {
                throw failure(
                    "\(place): unknown key '\(unknown.safeForTerminal)'; use id, package, in, reason and until")
            }
            guard let id = try entry.text("id"), !id.isEmpty else { throw failure("\(place) has no id") }
            guard let reason = try entry.text("reason"), !reason.isEmpty else {
                throw failure("\(place) (\(id.safeForTerminal)) has no reason; say why it can be ignored")
            }
            guard let day = try entry.text("until"), let until = Timestamp(day) ?? Timestamp(day + "T00:00:00Z") else {
                throw failure("\(place) (\(id.safeForTerminal)) has no day; say until when, as until: 2030-12-31")
            }
            return IgnoreRule(
                id: id, package: try entry.text("package"), subject: try entry.text("in"), reason: reason, until: until)
        }
    }

    /// Takes a rule from a workspace's settings; `nil` where its day is none.
    init?(_ rule: VulnerabilitySettings.Rule) {
        guard let until = Timestamp(rule.until) ?? Timestamp(rule.until + "T00:00:00Z") else { return nil }
        self.init(id: rule.id, package: rule.package, subject: rule.subject, reason: rule.reason, until: until)
    }

    /// Whether the rule speaks of a vulnerability in a component, by any of the vulnerability's names.
    func covers(_ names: [String], _ component: Component, of subject: String) -> Bool {
        if let wanted = self.subject, wanted != subject { return false }
        guard names.contains(where: { $0.lowercased() == id.lowercased() }) else { return false }
        guard let package else { return true }
        if let purl = PackageURL(package) {
            return purl.package == component.purl.package
                && (purl.version.isEmpty || purl.version == component.version)
        }
        return package == component.name || package == component.sourcePackage?.name
    }
}

/// What the maker of a product says of vulnerabilities in it (OpenVEX v0.2.0,
/// https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md).
package struct ExploitabilityStatements: Sendable {
    private struct Entry: Sendable {
        var names: [String]
        var products: [String]
        var status: String
        var justification: String
    }

    private var entries: [Entry] = []

    package init(parsing bytes: [UInt8]) throws {
        let json = try JSON.document(bytes)
        guard try json.text("@context")?.hasPrefix("https://openvex.dev/ns") == true else {
            throw InventoryError(.unsupported, "this is no OpenVEX document")
        }
        for statement in try json.list("statements") {
            let status = try statement.requiredText("status")
            guard ["not_affected", "affected", "fixed", "under_investigation"].contains(status) else {
                throw InventoryError(.malformed, "the status \(status.safeForTerminal) is not known")
            }
            let vulnerability = statement["vulnerability"] ?? [:]
            // Before version 0.2.0 it was a text.
            var names = vulnerability.stringValue.map { [$0] } ?? []
            if vulnerability.objectValue != nil {
                names += [try vulnerability.text("name"), try vulnerability.text("@id")].compactMap(\.self)
                names += try vulnerability.list("aliases").compactMap(\.stringValue)
            }
            var products: [String] = []
            for product in try statement.list("products") {
                let all = try [product] + product.list("subcomponents")
                for item in all.count > 1 ? Array(all.dropFirst()) : all {
                    if let id = try item.stringValue ?? item.text("@id") { products.append(id) }
                    if let purl = try item["identifiers"]?.text("purl") { products.append(purl) }
                }
            }
            let why = try statement.text("justification") ?? statement.text("impact_statement") ?? ""
            entries.append(Entry(names: names, products: products, status: status, justification: why))
        }
    }

    /// Why a vulnerability does not matter in a component; `nil` where nobody says that it does not.
    func dismissal(of names: [String], _ component: Component) -> String? {
        var out: String?
        let names = Set(names.map { $0.lowercased() })
        for entry in entries where entry.names.contains(where: { names.contains($0.lowercased()) }) {
            let isMeant = entry.products.contains { product in
                guard let purl = PackageURL(product) else { return false }
                return purl.package == component.purl.package
                    && (purl.version.isEmpty || purl.version == component.purl.version)
            }
            if !isMeant { continue }
            // A later statement replaces an earlier one.
            out =
                entry.status == "not_affected" || entry.status == "fixed"
                ? "VEX: \(entry.status)\(entry.justification.isEmpty ? "" : ", \(entry.justification)")" : nil
        }
        return out
    }
}
