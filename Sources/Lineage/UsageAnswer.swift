internal import Bytes
internal import Database

/// Who uses something, and through which path.
package struct UsageAnswer: Sendable {
    /// One step of a path: a subject and what it uses.
    package struct Use: Sendable {
        /// The number of what uses.
        package var user: Int64
        /// The number of what is used.
        package var used: Int64
        package var relation: Relation
        /// The number of the statement that says so.
        package var statement: Int64
        package var standing: Standing
        /// Packages between both, as a bill of materials has them: from what the subject needs itself to what needs
        /// the thing.
        package var through: [Int64] = []
    }

    /// What was asked for, in its own words.
    package var query: String
    package internal(set) var roots: [Int64] = []
    /// Every thing in the answer by its number.
    package internal(set) var items: [Int64: LineageSearch.Item] = [:]
    /// In the order in which they were found, which is that of their distance.
    package internal(set) var uses: [Use] = []
    /// Artifacts that nothing else uses: what is released, as far as the store knows.
    package internal(set) var released: [Int64] = []
    /// The limit was reached: there is more.
    package internal(set) var isTruncated = false

    /// Whether anything uses it.
    package var isUsed: Bool { !uses.isEmpty }
}

extension LineageSearch {
    /// Who uses what `query` names, directly or not. `.unknown` where nobody has mentioned it.
    ///
    /// With `verifiedOnly`, nothing that rests on an unverified statement is part of the answer.
    package func usage(of query: String, verifiedOnly: Bool = false) throws -> UsageAnswer {
        var answer = UsageAnswer(query: query)
        answer.roots = try resolve(query)
        guard !answer.roots.isEmpty else {
            throw LineageError(
                .unknown, "no statement mentions \(query.safeForTerminal); import more, or ask for another spelling")
        }
        // Versions of a package stand for the package that was asked for.
        var queue: [(number: Int64, depth: Int)] = []
        var seen: Set<Int64> = []
        func enqueue(_ number: Int64, _ depth: Int) {
            if seen.insert(number).inserted { queue.append((number, depth)) }
        }
        for root in answer.roots {
            let cases = try children(of: root)
            if cases.isEmpty { enqueue(root, 0) }
            for number in cases {
                let more = try children(of: number)
                for number in more.isEmpty ? [number] : more { enqueue(number, 0) }
            }
        }
        let starts = seen
        var next = 0
        while next < queue.count {
            let (number, depth) = queue[next]
            next += 1
            guard depth < limits.depth else {
                answer.isTruncated = true
                continue
            }
            let room = limits.nodes - seen.count
            for use in try users(of: number, isStart: depth == 0, room: room, verifiedOnly, &answer) {
                answer.uses.append(use)
                enqueue(use.user, depth + 1)
            }
            if seen.count >= limits.nodes {
                answer.isTruncated = true
                break
            }
        }
        for number in seen { answer.items[number] = try item(number) }
        for root in answer.roots where answer.items[root] == nil { answer.items[root] = try item(root) }
        for number in answer.uses.flatMap(\.through) where answer.items[number] == nil {
            answer.items[number] = try item(number)
        }
        let used = Set(answer.uses.map(\.used))
        for number in seen.subtracting(starts).subtracting(used).sorted() where try !isUsed(number) {
            answer.released.append(number)
        }
        return answer
    }

    private func isUsed(_ number: Int64) throws -> Bool {
        for relation in [Relation.material, .contains] {
            let found = try usesOfKind.first(.integer(number), .integer(Int64(relation.rawValue)), .integer(1)) { _ in
                true
            }
            if found == true { return true }
        }
        return false
    }

    /// What uses one thing directly. Of builders, identities and repositories, that is what they made.
    private func users(
        of number: Int64, isStart: Bool, room: Int, _ verifiedOnly: Bool, _ answer: inout UsageAnswer
    ) throws -> [UsageAnswer.Use] {
        var best: [Int64: Int] = [:]
        var uses: [UsageAnswer.Use] = []
        let limit = room + 1
        let rows = try usesOf.rows(.integer(number), .integer(Int64(limit) * 2)) { ($0.integer(0), $0.integer(1)) }
        if rows.count >= limit * 2 { answer.isTruncated = true }
        for (relationNumber, statement) in rows {
            guard let relation = Relation(rawValue: UInt8(truncatingIfNeeded: relationNumber)),
                relation.isUse || isStart && [.builtBy, .signedBy, .repository].contains(relation),
                let record = try record(statement), record.first != 0,
                !verifiedOnly || record.standing == .verified
            else { continue }
            for user in try subjects(of: record, relation) where user != number {
                if let place = best[user] {
                    // A verified statement counts for more than one that says the same unverified.
                    if uses[place].standing == .unverified, record.standing == .verified {
                        uses[place].standing = .verified
                        uses[place].statement = statement
                    }
                    continue
                }
                guard uses.count < limit else {
                    answer.isTruncated = true
                    return uses
                }
                best[user] = uses.count
                var use = UsageAnswer.Use(
                    user: user, used: number, relation: relation, statement: statement, standing: record.standing)
                if relation == .contains { use.through = try path(to: number, in: statement) }
                uses.append(use)
            }
        }
        return uses
    }

    /// The subjects that a relation of a statement holds for: a bill is of its first subject, and of the packages that
    /// this is known as.
    private func subjects(of record: Record, _ relation: Relation) throws -> [Int64] {
        let all = try mentionsOfKind.rows(
            .integer(record.number), .integer(Int64(Relation.subject.rawValue)), .integer(1000)
        ) { $0.integer(0) }
        guard relation == .contains else {
            return [record.first] + all.filter { $0 != record.first }
        }
        return try [record.first] + all.filter { try $0 != record.first && node($0)?.kind == .package }
    }

    /// The shortest way from a package that the subject needs itself to `number`, both ends left out.
    private func path(to number: Int64, in statement: Int64) throws -> [Int64] {
        var before: [Int64: Int64] = [:]
        var queue = [number]
        var next = 0
        while next < queue.count, queue.count < 2000 {
            let current = queue[next]
            next += 1
            let needers = try neededBy.rows(.integer(statement), .integer(current), .integer(200)) { $0.integer(0) }
            if needers.isEmpty {
                // Nothing in the bill needs it: the subject does.
                var path: [Int64] = []
                var step = current
                while step != number, path.count < 100 {
                    path.append(step)
                    guard let following = before[step] else { break }
                    step = following
                }
                return path
            }
            for needer in needers where needer != number && before[needer] == nil {
                before[needer] = current
                queue.append(needer)
            }
        }
        return []
    }
}
