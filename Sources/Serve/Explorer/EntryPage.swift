internal import Bytes
internal import Keys
internal import Sigstore

/// One entry of the log: what it says, who signed it, and the proof that the log holds it.
struct EntryPage {
    let entry: ProvenEntry
    let reading: EntryReading
    /// The statement, where the server keeps it.
    let payload: [UInt8]?
    let checks: ServerChecks
    let identity: LogService.Identity
    /// The server's address, for commands.
    let url: String

    var page: Page {
        Page(title: "Entry \(entry.index)", content: content, hasProof: true)
    }

    private var content: HTML {
        let statement = payload.map { StatementView($0) }
        let what = statement?.title ?? .text(reading.title)
        let times: HTML = entry.time > 0 ? ", logged \(Parts.time(seconds: entry.time))" : ""
        let link: HTML = "<a href=\"/explore/entry/\(entry.index)/statement\" download>Save the statement's bytes</a>"
        return """
            <nav class="pager" aria-label="Entries">\(neighbours)</nav>
            <h1>Entry \(HTML.count(entry.index))</h1>
            <p class="lead">\(what)\(times)</p>
            \(proof)\(statement?.section(link: link))\(subject)\(signers)\(source)
            """
    }

    private var neighbours: HTML {
        var links: [HTML] = []
        if entry.index > 0 { links.append("<a href=\"/explore/entry/\(entry.index - 1)\" rel=\"prev\">← Older</a>") }
        if entry.index + 1 < entry.head.size {
            links.append("<a href=\"/explore/entry/\(entry.index + 1)\" rel=\"next\">Newer →</a>")
        }
        return links.joined(separator: " ")
    }

    // MARK: Proof

    private var proof: HTML {
        let rows = checks.checks.map { check -> HTML in
            """
            <tr data-check="\(check.name)"><th scope="row">\(check.title)<span class="detail">\(check.detail)</span></th>\
            <td>\(Self.verdict(check.verdict))</td><td class="browser"><span class="verdict none">not checked</span></td></tr>

            """
        }
        return """
            <section aria-labelledby="proof" id="proof-section" data-index="\(entry.index)" data-origin="\(identity.origin)" \
            data-ed25519="\(Base64.encode(identity.checkpointKey.ed25519Bytes ?? []))" \
            data-ecdsa="\(Base64.encode(identity.promiseKey.publicKey.der))" \
            data-payload-type="\(reading.payloadType)">
            <h2 id="proof">Proof</h2>
            <p id="verdict" class="summary \(summary.verdict.rawValue)" role="status">\(summary.words)</p>
            <div class="scroll" tabindex="0" role="region" aria-label="Checks"><table class="checks">
            <thead><tr><th scope="col">What is checked</th><th scope="col">This server</th><th scope="col">Your browser</th></tr></thead>
            <tbody>
            \(rows.joined())</tbody>
            </table></div>
            <details id="path"><summary>The way to the root</summary>
            <ol class="path">
            \(path)</ol>
            </details>
            <p class="hint">Don't take this page's word for it: \
            <code>martlet log get --log-url \(url) --log-index \(entry.index)</code></p>
            </section>

            """
    }

    private var summary: (verdict: ServerChecks.Verdict, words: HTML) {
        if checks.checks.contains(where: { $0.verdict == .bad }) {
            return (.bad, "The server's own check found this entry wrong. Do not rely on it.")
        }
        return (.good, "This server has checked the entry. With scripts, your browser would check it too.")
    }

    static func verdict(_ verdict: ServerChecks.Verdict) -> HTML {
        switch verdict {
        case .good: "<span class=\"verdict good\">good</span>"
        case .bad: "<span class=\"verdict bad\">wrong</span>"
        case .none: "<span class=\"verdict none\">nothing to check</span>"
        }
    }

    /// The hashes beside the way up, as the server has them; the script writes its own in their place.
    private var path: HTML {
        entry.path.map { hash -> HTML in "<li>\(Parts.digest(hash.hex))</li>\n" }.joined()
    }

    // MARK: Who and what

    private var subject: HTML {
        guard let artifact = reading.artifact else { return "" }
        return """
            <section aria-labelledby="artifact">
            <h2 id="artifact">Artifact</h2>
            \(Parts.facts([("Digest", Parts.search(artifact.description, shown: Parts.digest(artifact.description)))]))\
            </section>

            """
    }

    private var signers: HTML {
        if reading.signers.isEmpty { return "" }
        let parts = reading.signers.map { signer -> HTML in
            guard let certificate = signer.certificate else { return Self.key(signer) }
            return Self.certificate(certificate)
        }
        return """
            <section aria-labelledby="signer">
            <h2 id="signer">Signed by</h2>
            \(parts.joined())</section>

            """
    }

    private static func key(_ signer: EntryReading.Signer) -> HTML {
        guard let key = signer.key else { return "<p>A key that can't be read.</p>\n" }
        return Parts.facts([
            ("Key", .text(key.algorithm.description)), ("SHA-256", Parts.digest(key.id.hex)),
            ("Certificate", "none: the log knows this signer by the key alone"),
        ]) + "<details><summary>Public key</summary>\(Parts.source(key.pem, label: "Public key"))</details>\n"
    }

    private static func certificate(_ certificate: Certificate) -> HTML {
        var rows: [(String, HTML)] = []
        do {
            let name = try certificate.signerName()
            rows.append(("Identity", Parts.search(name.text)))
        } catch {
            rows.append(("Identity", "<span class=\"bad\">\(error.message)</span>"))
        }
        let claims = (try? certificate.claims()) ?? []
        for (claim, text) in claims {
            rows.append((claim.title, isCommit(claim) ? Parts.thing(text, shown: Parts.digest(text)) : .name(text)))
        }
        rows += [
            ("Valid", "\(Parts.time(certificate.notBefore)) to \(Parts.time(certificate.notAfter))"),
            ("Issued by", .name(certificate.issuer)),
            ("Key", .text((try? certificate.key.get().algorithm.description) ?? "of an unknown kind")),
            ("Serial number", Parts.digest(Hex.encode(certificate.serialNumber))),
            ("SHA-256", Parts.digest(certificate.fingerprint.hex)),
        ]
        let extensions = certificate.extensionNames.map { item -> [HTML] in
            [
                "<code>\(item.oid)</code>", .text(Certificate.title(ofExtension: item.oid)),
                item.isCritical ? "yes" : "no",
            ]
        }
        return """
            \(Parts.facts(rows))\
            <details><summary>\(extensions.count) extensions</summary>
            \(Parts.table("Extensions", ["Identifier", "Meaning", "Critical"], extensions))\
            </details>
            <details><summary>Certificate</summary>\(Parts.source(certificate.pem, label: "Certificate"))</details>

            """
    }

    private static func isCommit(_ claim: Certificate.Claim) -> Bool {
        switch claim {
        case .workflowSHA, .buildSignerDigest, .sourceRepositoryDigest, .buildConfigDigest: true
        default: false
        }
    }

    // MARK: Bytes

    private var source: HTML {
        let text = reading.json?.text(indented: true) ?? Hex.encode(Array(entry.body.prefix(4096)))
        return """
            <section aria-labelledby="source">
            <h2 id="source">As it is logged</h2>
            <details><summary>Body, \(HTML.count(entry.body.count)) bytes\(reading.kind.isEmpty ? "" : ", \(reading.kind)")</summary>
            \(Parts.source(text, label: "Body of the entry"))\
            </details>
            <ul class="links">
            <li><a href="/api/v1/log/entries?logIndex=\(entry.index)">Entry as Rekor's clients get it</a></li>
            <li><a href="/log/proof/inclusion?index=\(entry.index)">Proof as a file</a></li>
            <li><a href="/log/checkpoint">Checkpoint</a></li>
            </ul>
            </section>

            """
    }
}

extension Certificate.Claim {
    /// The words for people, such as `source repository digest`.
    fileprivate var title: String {
        var out = ""
        for character in name {
            if character.isUppercase, out.last?.isUppercase != true, !out.isEmpty { out.append(" ") }
            out.append(contentsOf: out.isEmpty ? character.uppercased() : String(character))
        }
        var words = out.split(separator: " ").map(String.init)
        for place in words.indices.dropFirst() where !["URI", "SHA"].contains(words[place]) {
            words[place] = words[place].lowercased()
        }
        return words.joined(separator: " ")
    }
}
