internal import Bytes
internal import HTTPTypes
internal import Hummingbird

/// A whole page of the explorer, and the fields that every answer with one has.
struct Page {
    /// For the window; the heading is part of `content`.
    var title: String
    var content: HTML
    /// What was searched for, so that it can be changed.
    var query = ""
    /// Whether the page has a proof that the script checks.
    var hasProof = false

    /// Nothing runs or is shown that this server does not send as a file of its own: a name that got past the escaping
    /// could still neither run nor fetch anything.
    static let securityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

    private var html: HTML {
        let script: HTML = hasProof ? "<script type=\"module\" src=\"/explore/explorer.js\"></script>\n" : ""
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title, limit: 120) · martlet</title>
            <link rel="icon" href="/explore/martlet.svg" type="image/svg+xml">
            <link rel="stylesheet" href="/explore/explorer.css">
            \(script)</head>
            <body>
            <a class="skip" href="#content">Skip to the content</a>
            <header class="top">
            <a class="brand" href="/explore"><img src="/explore/martlet.svg" alt="" width="28" height="28">martlet</a>
            \(Self.form(query, id: "top-query", isLarge: false))
            </header>
            <main id="content" tabindex="-1">
            \(content)
            </main>
            <footer>
            <p>Search results are claims; proofs are not. What a page says of a proof this server has checked itself, and \
            with scripts your browser checks it too.</p>
            </footer>
            </body>
            </html>

            """
    }

    /// The search: in the head of each page, and large on the first.
    static func form(_ query: String, id: HTML, isLarge: Bool) -> HTML {
        let kind: HTML = isLarge ? "search large" : "search"
        let label: HTML =
            isLarge
            ? "<label for=\"\(id)\">Search</label>"
            : "<label for=\"\(id)\" class=\"hidden\">Search log and statements</label>"
        let extra: HTML =
            isLarge
            ? " aria-describedby=\"\(id)-hint\"" : " placeholder=\"Digest, commit, package, signer, number\""
        let hint: HTML =
            isLarge
            ? """
            <p class="hint" id="\(id)-hint">A digest, a commit, a package, an e-mail address or URI that signed, or the \
            number of a log entry.</p>

            """ : ""
        return """
            <form role="search" action="/explore/search" method="get" class="\(kind)">
            \(label)
            <div class="field"><input id="\(id)" name="q" type="search" maxlength="2048" autocomplete="off" \
            spellcheck="false" autocapitalize="none" required value="\(query, limit: 4096)"\(extra)>\
            <button type="submit">Search</button></div>
            \(hint)</form>
            """
    }

    func response(status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        Self.protected(
            .bytes(
                Array(html.text.utf8), type: "text/html; charset=utf-8", status: status, headers: headers))
    }

    /// The answer with the fields that keep browsers from doing with it what it is not for.
    static func protected(_ response: Response) -> Response {
        var response = response
        response.headers[.contentSecurityPolicy] = securityPolicy
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.referrerPolicy] = "no-referrer"
        response.headers[.openerPolicy] = "same-origin"
        response.headers[.crossOriginResourcePolicy] = "same-origin"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-cache" }
        return response
    }
}

extension HTTPField.Name {
    private static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("a field name") }
        return name
    }

    static let referrerPolicy = known("Referrer-Policy")
    static let openerPolicy = known("Cross-Origin-Opener-Policy")
}

/// Pieces that several pages have.
enum Parts {
    /// A link that searches for `text`, under `shown`; the bare text where it is too long to be asked for.
    static func search(_ text: String, shown: HTML? = nil) -> HTML {
        let label = shown ?? .name(text)
        guard text.utf8.count <= 2048 else { return label }
        return "<a href=\"/explore/search?q=\(FormQuery.encoded(text), limit: 8192)\">\(label)</a>"
    }

    /// A link to what is known about a thing.
    static func thing(_ id: String, shown: HTML? = nil) -> HTML {
        let label = shown ?? .name(id)
        guard id.utf8.count <= 2048 else { return label }
        return "<a href=\"/explore/lineage?q=\(FormQuery.encoded(id), limit: 8192)\">\(label)</a>"
    }

    static func entry(_ index: UInt64) -> HTML {
        "<a href=\"/explore/entry/\(index)\">\(HTML.count(index))</a>"
    }

    /// A digest to read and to copy: whole, in the type that programs are written in.
    static func digest(_ text: String) -> HTML { "<code class=\"digest\">\(text)</code>" }

    /// A digest in a table: its beginning, with the whole behind it.
    static func short(_ digest: Digest) -> HTML {
        "<code title=\"\(digest.description)\">\(String(digest.hex.prefix(12)))</code>"
    }

    static func time(_ moment: Timestamp) -> HTML {
        "<time datetime=\"\(moment.description)\">\(Self.readable(moment))</time>"
    }

    static func time(seconds: UInt64) -> HTML {
        Timestamp(seconds: Int64(clamping: seconds)).map { time($0) } ?? ""
    }

    /// `2026-01-31 12:00:00 UTC`
    private static func readable(_ moment: Timestamp) -> String {
        let text = moment.description
        return text.count >= 19 ? "\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) UTC" : text
    }

    /// Names with their values.
    static func facts(_ rows: [(String, HTML)]) -> HTML {
        let items = rows.map { row -> HTML in "<div><dt>\(row.0)</dt><dd>\(row.1)</dd></div>\n" }
        return "<dl class=\"facts\">\n\(items.joined())</dl>\n"
    }

    /// A table that scrolls by itself where it is wider than the page, by keys too.
    static func table(_ label: HTML, _ columns: [HTML], _ rows: [[HTML]]) -> HTML {
        let head = columns.map { column -> HTML in "<th scope=\"col\">\(column)</th>" }.joined()
        let body = rows.map { cells -> HTML in
            let inner = cells.enumerated().map { place, cell -> HTML in
                place == 0 ? "<th scope=\"row\">\(cell)</th>" : "<td>\(cell)</td>"
            }
            return "<tr>\(inner.joined())</tr>\n"
        }
        return """
            <div class="scroll" tabindex="0" role="region" aria-label="\(label)"><table>
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(body.joined())</tbody>
            </table></div>

            """
    }

    /// Bytes for people to read, and to scroll through by keys.
    static func source(_ text: String, label: HTML) -> HTML {
        "<pre tabindex=\"0\" role=\"region\" aria-label=\"\(label)\">\n\(HTML.lines(text))</pre>\n"
    }
}
