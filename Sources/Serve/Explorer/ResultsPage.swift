internal import Bytes
internal import Lineage

/// An entry in a list: its place, when it was logged, what and who.
struct EntryLine {
    let index: UInt64
    let time: UInt64
    let what: HTML
    let who: String

    init(_ entry: ProvenEntry, payload: [UInt8]?) {
        let reading = EntryReading(body: entry.body)
        index = entry.index
        time = entry.time
        if let payload {
            what = StatementView(payload).title
        } else if let artifact = reading.artifact {
            what = "Signature of <code>\(artifact.algorithm.rawValue):\(String(artifact.hex.prefix(16)))…</code>"
        } else {
            what = .text(reading.title)
        }
        who = reading.signers.map(\.title).joined(separator: ", ")
    }

    static func table(_ label: HTML, _ lines: [EntryLine]) -> HTML {
        Parts.table(
            label, ["Entry", "Logged", "What", "Signed by"],
            lines.map { [Parts.entry($0.index), Parts.time(seconds: $0.time), $0.what, .name($0.who, limit: 60)] })
    }
}

/// What a search found.
struct ResultsPage {
    let query: String
    let entries: [EntryLine]
    let things: [LineageSearch.Item]
    /// Whether the log has more entries than are listed.
    let isCut: Bool

    var page: Page {
        Page(title: "Search for \(query)", content: content, query: query)
    }

    private var content: HTML {
        let count = entries.count + things.count
        let words: HTML =
            count == 0
            ? "Nothing here is known by that name." : "\(count) \(count == 1 ? "result" : "results")."
        let help: HTML =
            count == 0
            ? """
            <p>Searches find whole digests and commits, packages as <code>name</code>, <code>name@version</code> or \
            package URL, whole e-mail addresses and URIs, and numbers of log entries. Statements of packages come from \
            what was logged here.</p>

            """ : ""
        let logged: HTML =
            entries.isEmpty
            ? ""
            : """
            <section aria-labelledby="entries">
            <h2 id="entries">In the log</h2>
            \(EntryLine.table("Entries", entries))\(isCut ? Self.more : "")</section>

            """
        let known = things.map { thing -> HTML in
            let name: HTML? = thing.name.map { "\(HTML.name($0)) " }
            return """
                <li><span class="kind">\(thing.node.kind.word)</span> \
                \(Parts.thing(thing.node.text, shown: "\(name)\(Parts.digest(thing.node.text))"))</li>

                """
        }
        let said: HTML =
            known.isEmpty
            ? ""
            : """
            <section aria-labelledby="things">
            <h2 id="things">In statements</h2>
            <ul class="plain">
            \(known.joined())</ul>
            </section>

            """
        return """
            <h1>Search</h1>
            <p class="lead" role="status">\(words)</p>
            \(help)\(logged)\(said)
            """
    }

    private static let more: HTML = "<p>There are more; a digest finds fewer.</p>\n"
}

/// The first page.
struct StartPage {
    /// `nil` where the server has no log.
    let head: LogHead?
    let origin: String
    let entries: [EntryLine]
    let statements: [HistoryAnswer.Event]
    let notices: [FaceNotice]

    var page: Page { Page(title: "Explorer", content: content) }

    private var content: HTML {
        """
        <div class="hero">
        <h1>Where did this come from?</h1>
        \(Page.form("", id: "query", isLarge: true))
        </div>
        \(log)\(said)\(services)
        """
    }

    private var log: HTML {
        guard let head else { return "" }
        let list: HTML =
            entries.isEmpty
            ? "<p>The log is empty. <code>martlet sign</code> and <code>martlet build --sign</code> fill it.</p>\n"
            : EntryLine.table("Newest entries", entries)
        return """
            <section aria-labelledby="log">
            <h2 id="log">Log</h2>
            <dl class="tiles">
            <div><dt>Entries</dt><dd>\(HTML.count(head.size))</dd></div>
            <div class="wide"><dt>Name</dt><dd><code>\(origin)</code></dd></div>
            <div class="wide"><dt>Root</dt><dd><code title="\(head.root.hex)">\(String(head.root.hex.prefix(20)))…</code></dd></div>
            </dl>
            <h3>Newest entries</h3>
            \(list)</section>

            """
    }

    private var said: HTML {
        if statements.isEmpty { return "" }
        return """
            <section aria-labelledby="said">
            <h2 id="said">Newest statements</h2>
            \(LineagePage.table(statements.map { LineagePage.row($0) }))</section>

            """
    }

    private var services: HTML {
        let rows = notices.map { notice -> (String, HTML) in
            let command: HTML =
                notice.command.isEmpty ? "" : "<br><code class=\"command\">\(notice.command)</code>"
            return (notice.title.sentence, "<code>\(notice.address)</code>\(command)")
        }
        if rows.isEmpty { return "" }
        return """
            <section aria-labelledby="services">
            <h2 id="services">Services</h2>
            \(Parts.facts(rows))</section>

            """
    }
}

extension String {
    /// With a capital letter in front.
    fileprivate var sentence: String { prefix(1).uppercased() + dropFirst() }
}
