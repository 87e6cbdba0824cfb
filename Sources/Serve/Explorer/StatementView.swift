internal import Attest
internal import Bytes

/// A statement that people can read: what it is about, what it says, and all of it as it was signed.
struct StatementView {
    private let payload: [UInt8]
    private let json: JSON?
    private let statement: Statement?
    private let provenance: ProvenanceView?

    /// The most subjects and materials that are listed; a statement may have many thousands.
    private static let listLimit = 200

    init(_ payload: [UInt8]) {
        self.payload = payload
        json = try? JSON(parsing: payload, limits: JSONLimits(byteCount: 64 << 20, depth: 256))
        statement = try? Statement(parsing: payload)
        provenance = statement.flatMap { try? ProvenanceView($0) }
    }

    /// For a line in a list: what is said of what.
    var title: HTML {
        guard let statement else { return "Statement that can't be read" }
        let subject = statement.subjects.first.map { $0.name.isEmpty ? "" : $0.name } ?? ""
        let name = provenance.map(\.entryPoint).flatMap { $0.isEmpty ? nil : $0 } ?? subject
        return
            "\(Self.kind(statement.predicateType)) of \(name.isEmpty ? "something without a name" : .name(name, limit: 60))"
    }

    /// What kind of statement a predicate type stands for, in people's words.
    static func kind(_ predicateType: String) -> HTML {
        let known = [
            ("https://slsa.dev/provenance/", "Provenance"), ("https://spdx.dev/Document", "Bill of materials (SPDX)"),
            ("https://cyclonedx.org/bom", "Bill of materials (CycloneDX)"),
            ("https://slsa.dev/verification_summary/", "Verification summary"),
            ("https://cosign.sigstore.dev/attestation/vuln/", "Vulnerability scan"),
            ("https://in-toto.io/attestation/test-result", "Test result"),
            ("https://in-toto.io/attestation/release", "Release"),
        ]
        for (prefix, words) in known where predicateType.hasPrefix(prefix) { return .text(words) }
        return "Statement <q>\(HTML.name(predicateType, limit: 48))</q>"
    }

    /// The section below a heading of its own. `link` is where the bytes are.
    func section(link: HTML?) -> HTML {
        var out: HTML = "<section aria-labelledby=\"statement\">\n<h2 id=\"statement\">Statement</h2>\n"
        if let statement {
            out += Parts.facts(facts(statement))
            if let provenance { out += materials(provenance) }
        } else {
            out += "<p class=\"bad\">This is no in-toto statement that can be read.</p>\n"
        }
        // Where nothing else is known of the predicate, the whole is what there is to read.
        let open: HTML = provenance == nil ? " open" : ""
        let source = json?.text(indented: true) ?? String(decoding: payload, as: UTF8.self)
        out += """
            <details\(open)><summary>All of it</summary>
            \(Parts.source(source, label: "Statement as JSON"))\
            </details>

            """
        if let link { out += "<p>\(link)</p>\n" }
        return out + "</section>\n"
    }

    private func facts(_ statement: Statement) -> [(String, HTML)] {
        var rows: [(String, HTML)] = [("About", subjects(statement))]
        let type = Self.kind(statement.predicateType)
        rows.append(("Says", "\(type)<br><code>\(statement.predicateType, limit: 300)</code>"))
        guard let provenance else { return rows }
        if !provenance.entryPoint.isEmpty { rows.append(("Package", Parts.thing(provenance.entryPoint))) }
        rows.append(("Built by", Parts.thing(provenance.builderID)))
        rows.append(("Build type", .name(provenance.buildType)))
        for source in provenance.materials.filter({ $0.isGit }).prefix(10) {
            let commits = source.digest.keys.sorted().compactMap { source.digest[$0] }
            let links = commits.map { Parts.thing($0, shown: Parts.digest($0)) }
            rows.append(("Source", "\(HTML.name(source.uri))<br>\(links.joined(separator: " "))"))
        }
        if let started = provenance.startedOn { rows.append(("Started", Parts.time(started))) }
        if let finished = provenance.finishedOn { rows.append(("Finished", Parts.time(finished))) }
        if let sandbox = provenance.sandbox { rows.append(("Sandbox", .name(sandbox))) }
        if let origin = provenance.cacheOrigin { rows.append(("Result", .name(origin))) }
        return rows
    }

    private func subjects(_ statement: Statement) -> HTML {
        let items = statement.subjects.prefix(Self.listLimit).map { subject -> HTML in
            let digests = subject.digest.keys.sorted().compactMap { algorithm -> HTML? in
                subject.digest[algorithm].map {
                    Parts.search($0, shown: Parts.digest("\(algorithm):\($0)"))
                }
            }
            let name: HTML = subject.name.isEmpty ? "<em>no name</em>" : .name(subject.name)
            return "<li>\(name)<br>\(digests.joined(separator: "<br>"))</li>\n"
        }
        if items.isEmpty { return "nothing" }
        let first = items.prefix(3).joined()
        var out: HTML = "<ul class=\"plain\">\n\(first)</ul>"
        if items.count > 3 {
            let count = statement.subjects.count
            let more: HTML = count > items.count ? "<li>… \(HTML.count(count - items.count)) more</li>\n" : ""
            out += """
                <details><summary>\(HTML.count(count - 3)) more</summary>
                <ul class="plain">
                \(items.dropFirst(3).joined())\(more)</ul></details>
                """
        }
        return out
    }

    private func materials(_ provenance: ProvenanceView) -> HTML {
        let others = provenance.materials.filter { !$0.isGit }
        if others.isEmpty { return "" }
        let rows = others.prefix(Self.listLimit).map { material -> [HTML] in
            let digests = material.digest.keys.sorted().compactMap { algorithm -> HTML? in
                material.digest[algorithm].map {
                    Parts.search($0, shown: "<code title=\"\($0)\">\(algorithm):\(String($0.prefix(12)))</code>")
                }
            }
            let name = material.name.flatMap { $0.isEmpty ? nil : $0 } ?? material.uri
            return [.name(name), .text(material.role.map { "\($0)" } ?? ""), digests.joined(separator: " ")]
        }
        let more: HTML =
            others.count > rows.count ? "<p>… \(HTML.count(others.count - rows.count)) more</p>\n" : ""
        return """
            <h3>What went in</h3>
            \(Parts.table("What went in", ["Name", "Role", "Digest"], Array(rows)))\(more)
            """
    }
}

extension HTML {
    static func + (left: HTML, right: HTML) -> HTML {
        var out = left
        out += right
        return out
    }
}
