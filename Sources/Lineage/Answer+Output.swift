package import Bytes

/// An answer that can be drawn.
package protocol DrawnAnswer {
    /// The answer for people.
    func text(isASCII: Bool) -> String
    /// The answer in the language of Graphviz.
    var dot: String { get }
    /// The answer for programs; docs/formats/lineage.md describes it.
    var json: JSON { get }
}

extension UsageAnswer: DrawnAnswer {
    private var tree: AnswerTree {
        var branches: [Int64: [AnswerTree.Branch]] = [:]
        for use in uses {
            var label = use.relation == .contains ? "contains it" : "\(use.relation.words) it"
            if !use.through.isEmpty {
                label += " through " + use.through.map { items[$0]?.title ?? "?" }.joined(separator: ", ")
            }
            branches[use.used, default: []].append(.init(to: use.user, label: label + use.standing.mark))
        }
        // Packages of any version stand above their versions.
        for root in roots where branches[root] == nil {
            let kind = items[root]?.node.kind
            let cases = items.values.filter {
                $0.node.parent.map { $0.kind == kind && $0 == items[root]?.node } == true
            }
            branches[root] = cases.map(\.number).sorted().map { .init(to: $0, label: "") }
        }
        return AnswerTree(items: items, branches: branches)
    }

    /// The answer for people: from what was asked for to what uses it, and what of that is released.
    package func text(isASCII: Bool = false) -> String {
        var out = tree.text(roots, isASCII: isASCII)
        out += "\n\(released.count) released \(released.count == 1 ? "artifact uses" : "artifacts use") it\n"
        for number in released { out += "  \(items[number]?.title ?? "?")\n" }
        if isTruncated { out += "There is more; raise --limit to see it.\n" }
        return out
    }

    /// The answer in the language of Graphviz.
    package var dot: String { tree.dot(roots) }

    /// The answer for programs; docs/formats/lineage.md describes it.
    package var json: JSON {
        let numbers = items.keys.sorted()
        var places: [Int64: Int] = [:]
        for (place, number) in numbers.enumerated() { places[number] = place }
        func place(_ number: Int64) -> JSON { .integer(places[number] ?? -1) }
        let edges = uses.map { use -> JSON in
            var object: JSONObject = [
                "user": place(use.user), "used": place(use.used), "relation": .string("\(use.relation)"),
                "verified": .bool(use.standing == .verified),
            ]
            if !use.through.isEmpty { object["through"] = .array(use.through.map(place)) }
            return .object(object)
        }
        return [
            "query": .string(query), "matches": .array(roots.map(place)),
            "nodes": .array(numbers.map { items[$0]?.json ?? nil }), "edges": .array(edges),
            "released": .array(released.map(place)), "truncated": .bool(isTruncated),
        ]
    }
}

extension OriginAnswer: DrawnAnswer {
    private var tree: AnswerTree {
        var branches: [Int64: [AnswerTree.Branch]] = [:]
        for part in parts {
            branches[part.whole, default: []].append(
                .init(to: part.part, label: part.relation.label + part.standing.mark))
        }
        return AnswerTree(items: items, branches: branches)
    }

    /// The answer for people.
    package func text(isASCII: Bool = false) -> String {
        tree.text(roots, isASCII: isASCII) + (isTruncated ? "There is more; raise --limit to see it.\n" : "")
    }

    /// The answer in the language of Graphviz.
    package var dot: String { tree.dot(roots) }

    /// The answer for programs.
    package var json: JSON {
        let numbers = items.keys.sorted()
        var places: [Int64: Int] = [:]
        for (place, number) in numbers.enumerated() { places[number] = place }
        func place(_ number: Int64) -> JSON { .integer(places[number] ?? -1) }
        return [
            "query": .string(query), "matches": .array(roots.map(place)),
            "nodes": .array(numbers.map { items[$0]?.json ?? nil }),
            "edges": .array(
                parts.map { part in
                    [
                        "whole": place(part.whole), "part": place(part.part), "relation": .string("\(part.relation)"),
                        "verified": .bool(part.standing == .verified),
                    ]
                }), "truncated": .bool(isTruncated),
        ]
    }
}

extension Relation {
    /// The word behind a part in a tree.
    fileprivate var label: String {
        switch self {
        case .material: "(material)"
        case .contains: "(part)"
        case .builtBy: "(builder)"
        case .signedBy: "(signer)"
        case .repository: "(repository)"
        case .subject, .named: ""
        }
    }
}

extension HistoryAnswer {
    /// The answer for people: a line for each statement, the oldest first.
    package var text: String {
        var out = ""
        for event in events {
            let time = event.time.map { "\($0)" } ?? "                    "
            out += "\(time)  \(event.subject.title)  \(event.predicateType.safeForTerminal)\(event.standing.mark)\n"
            if let builder = event.builder { out += "    built by \(builder.safeForTerminal)\n" }
            if let commit = event.commit { out += "    from commit \(commit.safeForTerminal)\n" }
            for identity in event.identities { out += "    signed by \(identity.safeForTerminal)\n" }
        }
        return out + (isTruncated ? "There is more; raise --limit to see it.\n" : "")
    }

    /// The answer for programs.
    package var json: JSON {
        let list = events.map { event -> JSON in
            var object: JSONObject = [
                "subject": event.subject.json, "predicateType": .string(event.predicateType),
                "verified": .bool(event.standing == .verified),
            ]
            if let time = event.time { object["time"] = .string(time.description) }
            if let statement = event.statement { object["statement"] = .string(statement.description) }
            if let builder = event.builder { object["builder"] = .string(builder) }
            if let commit = event.commit { object["commit"] = .string(commit) }
            if !event.identities.isEmpty { object["identities"] = .array(event.identities.map(JSON.string)) }
            return .object(object)
        }
        return ["query": .string(query), "events": .array(list), "truncated": .bool(isTruncated)]
    }
}
