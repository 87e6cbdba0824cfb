internal import Attest
internal import Bytes
internal import HTTPTypes
internal import Hummingbird
internal import Keys
internal import Ledger
internal import Lineage
internal import Logging
internal import ServiceLifecycle
internal import Sigstore
internal import SystemPackage
internal import TileLog

extension FaceKind {
    /// The web pages. Settings: docs/explorer.md.
    package static let explorer = FaceKind(name: "explorer", summary: "Web pages: log entries, lineage, timelines") {
        site, settings in
        try settings.check(known: ["statements"])
        let folder = try settings.string("statements").map { FilePath($0) } ?? site.data.appending("lineage")
        let log = site.face(LogFace.self)?.service
        let follower = StatementFollower(
            LineageStore(folder), log: log, site: site,
            file: try site.directory("explorer").appending("position"))
        return ExplorerFace(site: site, log: log, follower: follower)
    }
}

/// Web pages for people: what is in the log, who signed it, where things come from.
///
/// They need no script. Where there is one, the browser checks proofs by itself.
struct ExplorerFace: Face {
    let name = "explorer"
    let site: Site
    let log: LogService?
    let follower: StatementFollower

    var notices: [FaceNotice] { [FaceNotice("Web pages", at: site.url + "/explore")] }
    var home: String? { "/explore" }

    /// How often the log is asked for new statements while nobody looks.
    private static let interval: Duration = .seconds(15)
    private static let newestCount: UInt64 = 12
    private static let resultLimit = 100

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            while true {
                await catchUp()
                try await Task.sleep(for: Self.interval)
            }
        }
    }

    /// What can't be taken now is taken later: pages show what there is.
    private func catchUp() async {
        do {
            try await follower.catchUp()
        } catch is CancellationError {
        } catch {
            site.logger(name).error("statements of the log were not taken", metadata: ["error": "\(error)"])
        }
    }

    func answer(to refusal: Refusal) -> Response {
        let title = refusal.status.code == 404 ? "Not found" : "That did not work"
        let content: HTML =
            "<h1>\(title)</h1>\n<p>\(refusal.message)</p>\n<p><a href=\"/explore\">To the first page</a></p>"
        return Page(title: title, content: content).response(status: refusal.status, headers: refusal.answerFields)
    }

    func addRoutes(to routes: Routes) {
        routes.get("/explore") { _, _ in try await start() }
        routes.get("/explore/search") { request, _ in try await search(request) }
        routes.get("/explore/entry/:index") { _, context in
            try await entry(context.parameters.require("index"))
        }
        routes.get("/explore/entry/:index/statement") { _, context in
            try await payload(context.parameters.require("index"))
        }
        routes.get("/explore/statement/:digest") { _, context in
            try await statement(context.parameters.require("digest"))
        }
        routes.get("/explore/lineage") { request, _ in try await lineage(request) }
        for asset in Asset.all {
            routes.get("/explore/\(RouterPath(asset.name))") { request, _ in asset.response(to: request) }
        }
    }

    // MARK: Pages

    private func start() async throws -> Response {
        await catchUp()
        let head = try await log?.store.head()
        var lines: [EntryLine] = []
        if let head, head.size > 0 {
            let first = head.size > Self.newestCount ? head.size - Self.newestCount : 0
            for index in (first..<head.size).reversed() {
                if let line = try await line(index) { lines.append(line) }
            }
        }
        let statements = try await ask([]) { try $0.newest(12) }
        return StartPage(
            head: head, origin: log?.identity.origin ?? "", entries: lines, statements: statements,
            notices: site.faces.flatMap(\.notices)
        ).page.response()
    }

    private func search(_ request: Request) async throws -> Response {
        guard let value = FormQuery.value("q", in: request.uri.query) else {
            throw Refusal(.badRequest, "The search is missing, or longer than 2048 bytes.")
        }
        let query = value.trimmingBlanks
        guard !query.isEmpty, query.utf8.count <= 2048 else {
            throw Refusal(.badRequest, "The search is empty, or longer than 2048 bytes.")
        }
        await catchUp()
        var lines: [EntryLine] = []
        var isCut = false
        if let log {
            let place = try await Self.place(query, in: log)
            if let place {
                return Response(status: .seeOther, headers: [.location: "/explore/entry/\(place)"])
            }
            var found = Set<UInt64>()
            for key in Self.keys(query) {
                found.formUnion(try await log.store.search(key, limit: Self.resultLimit + 1))
            }
            isCut = found.count > Self.resultLimit
            for index in found.sorted(by: >).prefix(Self.resultLimit) {
                if let line = try await line(index) { lines.append(line) }
            }
        }
        let things = try await ask([]) { search in
            try search.resolve(query).prefix(Self.resultLimit).map { try search.item($0) }
        }
        return ResultsPage(query: query, entries: lines, things: things, isCut: isCut).page.response()
    }

    /// Where the entry is that a number or a name of Rekor's names; `nil` where it names none.
    private static func place(_ query: String, in log: LogService) async throws -> UInt64? {
        if let number = UInt64(query), String(number) == query {
            let size = try await log.store.head().size
            return number < size ? number : nil
        }
        // Names of 64 digits are leaf hashes, and look like any other digest.
        guard let uuid = EntryUUID(query) else { return nil }
        return try await log.index(of: uuid)
    }

    /// The keys of the log's index that a query may mean: digests under the names of their length, all else as it is.
    static func keys(_ query: String) -> [String] {
        let text = query.lowercased()
        guard Hex.decode(text) != nil else { return [text] }
        switch text.utf8.count {
        case 40: return ["sha1:\(text)", "gitcommit:\(text)"]
        case 64: return ["sha256:\(text)", "gitcommit:\(text)", text]
        case 96: return ["sha384:\(text)"]
        case 128: return ["sha512:\(text)"]
        default: return [text]
        }
    }

    private func entry(_ text: String) async throws -> Response {
        let (log, found) = try await found(text)
        let payload = try await log.attestation(for: found.body)
        let reading = EntryReading(body: found.body)
        let identity = log.identity
        let keys: [NoteKey] = [
            .log(name: identity.origin, key: identity.checkpointKey),
            .log(name: identity.origin, key: identity.promiseKey.publicKey),
        ]
        let tile = try await tileHash(found, of: log)
        let page = EntryPage(
            entry: found, reading: reading, payload: payload,
            checks: ServerChecks(entry: found, tile: tile, reading: reading, payload: payload, keys: keys),
            identity: identity, url: site.url)
        return page.page.response()
    }

    /// What the log's own tiles have at the place of an entry.
    private func tileHash(_ entry: ProvenEntry, of log: LogService) async throws -> Digest? {
        guard let place = TileCoordinate(level: 0, index: entry.index / 256, inTreeOf: entry.head.size) else {
            return nil
        }
        return Digest(try await log.store.tile(place), at: Int(entry.index % 256) * Digest.byteCount)
    }

    private func payload(_ text: String) async throws -> Response {
        let (log, found) = try await found(text)
        guard let payload = try await log.attestation(for: found.body) else {
            throw Refusal(.notFound, "The server keeps no statement for this entry.")
        }
        return Page.protected(
            .bytes(
                payload, type: "application/json",
                headers: [.contentDisposition: "attachment; filename=\"statement-\(found.index).json\""]))
    }

    private func statement(_ text: String) async throws -> Response {
        guard let digest = Digest(hex: text) else { throw Refusal(.badRequest, "That is no digest.") }
        let kept = try await log?.attestations?.get(digest)
        guard let log, let payload = kept else {
            throw Refusal(
                .notFound,
                "The server keeps no copy of this statement: its log has not received it, or it was removed. The store of statements has it: martlet lineage --help."
            )
        }
        var lines: [EntryLine] = []
        for index in try await log.store.search(digest.description, limit: 20) {
            if let line = try await line(index) { lines.append(line) }
        }
        let view = StatementView(payload)
        let content: HTML = """
            <h1>\(view.title)</h1>
            <p class="lead">\(Parts.digest(digest.description))</p>
            <section aria-labelledby="entries">
            <h2 id="entries">In the log</h2>
            \(lines.isEmpty ? "<p>No entry of this log is about it.</p>" : EntryLine.table("Entries", lines))
            </section>
            \(view.section(link: nil))
            """
        return Page(title: "Statement", content: content).response()
    }

    private func lineage(_ request: Request) async throws -> Response {
        guard let query = FormQuery.value("q", in: request.uri.query)?.trimmingBlanks, !query.isEmpty,
            query.utf8.count <= 2048
        else { throw Refusal(.badRequest, "Say what is asked about.") }
        await catchUp()
        do {
            let found = try await ask(nil) { search -> Answers? in
                Answers(
                    origin: try search.origin(of: query), usage: try search.usage(of: query),
                    history: try search.history(of: query), provenance: try search.provenance(below: query))
            }
            guard let found else { throw LineageError(.unknown, "no statements are known here") }
            var payloads: [(digest: Digest, payload: [UInt8])] = []
            for digest in found.provenance.prefix(Timeline.limit) {
                let payload = try await log?.attestations?.get(digest)
                if let payload { payloads.append((digest, payload)) }
            }
            return LineagePage(
                query: query, origin: found.origin, usage: found.usage, history: found.history, payloads: payloads
            ).page.response()
        } catch let error as LineageError where error.code == .unknown {
            throw Refusal(.notFound, "No statement here mentions \(query).")
        }
    }

    private struct Answers: Sendable {
        var origin: OriginAnswer
        var usage: UsageAnswer
        var history: HistoryAnswer
        var provenance: [Digest]
    }

    // MARK: Reading

    /// Asks the store of statements; `absent` where nothing was imported yet.
    private func ask<Answer: Sendable>(
        _ absent: Answer, _ body: @escaping @Sendable (LineageSearch) throws -> Answer
    ) async throws -> Answer {
        try await FileThreads.run { [store = follower.store] in
            guard try store.exists() else { return absent }
            let search = try LineageSearch(store)
            // A page is for reading; the command line gives whole answers.
            search.limits.nodes = 1500
            return try body(search)
        }
    }

    private func found(_ text: String) async throws -> (log: LogService, entry: ProvenEntry) {
        guard let log else { throw Refusal(.notFound, "This server has no log.") }
        guard let index = UInt64(text), String(index) == text else { throw Refusal(.notFound, "That is no number.") }
        let entry = try await log.store.entry(at: index)
        guard let entry else { throw Refusal(.notFound, "The log has no entry \(index).") }
        return (log, entry)
    }

    private func line(_ index: UInt64) async throws -> EntryLine? {
        guard let log else { return nil }
        let entry = try await log.store.entry(at: index)
        guard let entry else { return nil }
        let payload = try await log.attestation(for: entry.body)
        return EntryLine(entry, payload: payload)
    }
}

extension String {
    /// Without blanks at both ends, as people copy them.
    fileprivate var trimmingBlanks: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
