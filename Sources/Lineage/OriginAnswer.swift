package import Bytes
internal import Database
internal import Inventory

/// What something consists of and where it comes from: the way down, as `UsageAnswer` is the way up.
package struct OriginAnswer: Sendable {
    /// One step down.
    package struct Part: Sendable {
        package var whole: Int64
        package var part: Int64
        package var relation: Relation
        package var statement: Int64
        package var standing: Standing
    }

    /// What was asked for, in its own words.
    package var query: String
    package internal(set) var roots: [Int64] = []
    package internal(set) var items: [Int64: LineageSearch.Item] = [:]
    package internal(set) var parts: [Part] = []
    /// The limit was reached: there is more.
    package internal(set) var isTruncated = false
}

/// What was said about something, in the order of time.
package struct HistoryAnswer: Sendable {
    /// One statement.
    package struct Event: Sendable {
        package var subject: LineageSearch.Item
        package var predicateType: String
        package var standing: Standing
        /// `nil` where the statement does not say.
        package var time: Timestamp?
        package var statement: Digest?
        package var builder: String?
        package var commit: String?
        package var identities: [String]
    }

    package var query: String
    package internal(set) var events: [Event] = []
    package internal(set) var isTruncated = false
}

extension LineageSearch.Item {
    /// The language of a package.
    var language: String {
        guard let purl = PackageURL(node.text) else { return Ecosystem.generic.language }
        let ecosystem = Ecosystem(purlType: purl.type)
        return ecosystem == .generic ? purl.type : ecosystem.language
    }
}

extension LineageSearch {
    /// What `query` was built from and consists of, all the way down. `.unknown` where nobody has mentioned it.
    package func origin(of query: String, verifiedOnly: Bool = false) throws -> OriginAnswer {
        var answer = OriginAnswer(query: query)
        answer.roots = try subjects(of: query)
        var queue = answer.roots.map { (number: $0, depth: 0) }
        var seen = Set(answer.roots)
        var next = 0
        while next < queue.count {
            let (number, depth) = queue[next]
            next += 1
            guard depth < limits.depth else {
                answer.isTruncated = true
                continue
            }
            for part in try parts(of: number, verifiedOnly, &answer) {
                answer.parts.append(part)
                guard seen.insert(part.part).inserted else { continue }
                guard seen.count <= limits.nodes else {
                    answer.isTruncated = true
                    break
                }
                queue.append((part.part, depth + 1))
            }
            if seen.count > limits.nodes { break }
        }
        for number in seen { answer.items[number] = try item(number) }
        answer.parts.removeAll { answer.items[$0.part] == nil }
        return answer
    }

    /// What a query names, or what is called so.
    private func subjects(of query: String) throws -> [Int64] {
        let found = try resolve(query)
        guard !found.isEmpty else {
            throw LineageError(
                .unknown, "no statement mentions \(query.safeForTerminal); import more, or ask for another spelling")
        }
        return found
    }

    private func parts(
        of number: Int64, _ verifiedOnly: Bool, _ answer: inout OriginAnswer
    ) throws -> [OriginAnswer.Part] {
        var out: [OriginAnswer.Part] = []
        var places: [Int64: Int] = [:]
        for record in try statements(about: number) where !verifiedOnly || record.standing == .verified {
            let rows = try mentionsOf.rows(.integer(record.number), .integer(Int64(limits.nodes))) {
                ($0.integer(0), $0.integer(1))
            }
            if rows.count >= limits.nodes { answer.isTruncated = true }
            for (relationNumber, part) in rows {
                guard let relation = Relation(rawValue: UInt8(truncatingIfNeeded: relationNumber)), part != number,
                    relation != .subject, relation != .named, relation != .contains || record.first == number
                else { continue }
                if let place = places[part] {
                    if record.standing == .verified, out[place].standing == .unverified {
                        out[place].standing = .verified
                        out[place].statement = record.number
                    }
                    continue
                }
                places[part] = out.count
                out.append(
                    .init(
                        whole: number, part: part, relation: relation, statement: record.number,
                        standing: record.standing))
            }
        }
        return out
    }

    /// The statements about a thing, in the order of their import.
    private func statements(about number: Int64) throws -> [Record] {
        let relation = DatabaseValue.integer(Int64(Relation.subject.rawValue))
        return try usesOfKind.rows(.integer(number), relation, .integer(Int64(limits.nodes))) { $0.integer(0) }
            .compactMap { try record($0) }
    }

    /// What was said about `query`, by the time that statements give, and in the order of their import where they give
    /// none.
    package func history(of query: String, verifiedOnly: Bool = false) throws -> HistoryAnswer {
        var answer = HistoryAnswer(query: query)
        var seen: Set<Int64> = []
        var events: [(time: Int64, number: Int64, event: HistoryAnswer.Event)] = []
        var numbers: [Int64] = []
        for number in try subjects(of: query) {
            let cases = try children(of: number)
            numbers += cases.isEmpty ? [number] : cases
        }
        for number in numbers {
            for record in try statements(about: number)
            where seen.insert(record.number).inserted && (!verifiedOnly || record.standing == .verified) {
                guard events.count < limits.nodes else {
                    answer.isTruncated = true
                    break
                }
                events.append((record.time, record.number, try event(record)))
            }
        }
        events.sort { ($0.time, $0.number) < ($1.time, $1.number) }
        answer.events = events.map(\.event)
        return answer
    }

    /// The statements that were imported last, the newest first.
    package func newest(_ limit: Int) throws -> [HistoryAnswer.Event] {
        try database.prepare("SELECT id FROM statement ORDER BY id DESC LIMIT ?")
            .rows(.integer(Int64(limit))) { $0.integer(0) }.compactMap { try record($0) }.map { try event($0) }
    }

    /// The digests of the statements that say how `query`, and the artifacts that it was built from, were made.
    package func provenance(below query: String) throws -> [Digest] {
        let answer = try origin(of: query)
        let made = answer.parts.filter { $0.relation == .builtBy }.map(\.statement)
        var seen: Set<Int64> = []
        return try made.filter { seen.insert($0).inserted }.compactMap { try record($0)?.digest }
    }

    private func event(_ record: Record) throws -> HistoryAnswer.Event {
        var event = HistoryAnswer.Event(
            subject: try item(record.first), predicateType: try node(record.type)?.text ?? "",
            standing: record.standing, time: record.time == 0 ? nil : Timestamp(seconds: record.time),
            statement: record.digest, identities: [])
        func texts(_ relation: Relation) throws -> [Node] {
            try mentionsOfKind.rows(.integer(record.number), .integer(Int64(relation.rawValue)), .integer(100)) {
                $0.integer(0)
            }.compactMap { try node($0) }
        }
        event.builder = try texts(.builtBy).first?.text
        event.commit = try texts(.material).first { $0.kind == .commit }?.text
        event.identities = try texts(.signedBy).map(\.text)
        return event
    }
}
