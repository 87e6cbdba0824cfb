internal import Bytes

/// Whose checkpoints are believed: logs, witnesses, and how many of them must have signed (C2SP tlog-policy).
package struct LogPolicy: Hashable, Sendable {
    /// A log, with the address where it says so.
    package struct Log: Hashable, Sendable {
        package let key: NoteKey
        package let url: String?
    }

    /// A witness under its name in the policy.
    package struct Witness: Hashable, Sendable {
        package let name: String
        package let key: NoteKey
        package let url: String?
    }

    /// What has witnessed a checkpoint.
    package indirect enum Quorum: Hashable, Sendable {
        /// Everything has.
        case none
        /// By its place in `witnesses`.
        case witness(Int)
        /// At least this many of these.
        case group(threshold: Int, [Quorum])
    }

    package private(set) var logs: [Log] = []
    package private(set) var witnesses: [Witness] = []
    package private(set) var quorum = Quorum.none

    /// The most bytes, and the most logs, witnesses and groups.
    package static let greatestByteCount = 1 << 20
    package static let greatestCount = 1024

    /// A policy without witnesses.
    package static func logs(_ keys: [NoteKey]) -> LogPolicy {
        var policy = LogPolicy()
        policy.logs = keys.map { Log(key: $0, url: nil) }
        return policy
    }

    private init() {}

    /// Reads a policy.
    package init(parsing bytes: [UInt8]) throws(LedgerError) {
        guard bytes.count <= Self.greatestByteCount else {
            throw LedgerError(.limit, "the policy has \(bytes.count) bytes; the limit is \(Self.greatestByteCount)")
        }
        guard bytes.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 || $0 == 0x0A }) else {
            throw LedgerError(.malformed, "the policy has a control character; only tab and line feed may be there")
        }
        guard bytes.isEmpty || bytes.last == 0x0A else {
            throw LedgerError(.malformed, "the policy's last line does not end in a line feed")
        }
        var reader = Reader()
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let words = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }).map(Array.init)
            guard let first = words.first, first.first != UInt8(ascii: "#") else { continue }
            do {
                try reader.read(words)
            } catch {
                throw LedgerError(error.code, "line \(index + 1) of the policy: \(error.message)")
            }
        }
        guard let quorum = reader.quorum else {
            throw LedgerError(
                .malformed, "the policy has no quorum line; write `quorum none` where no witness is needed")
        }
        logs = reader.logs
        witnesses = reader.witnesses
        self.quorum = quorum
    }

    /// Whether these witnesses, by their places, are enough.
    package func isMet(by signed: Set<Int>) -> Bool { Self.isMet(quorum, by: signed) }

    private static func isMet(_ quorum: Quorum, by signed: Set<Int>) -> Bool {
        switch quorum {
        case .none: true
        case .witness(let index): signed.contains(index)
        case .group(let threshold, let members): members.count { isMet($0, by: signed) } >= threshold
        }
    }

    /// Whether the quorum can be met though these witnesses will not sign any more.
    package func canBeMet(without lost: Set<Int>) -> Bool {
        isMet(by: Set(witnesses.indices).subtracting(lost))
    }

    /// The witnesses who have signed a note, by their places. A signature of one of them that is wrong rejects it.
    package func witnesses(of note: Note) throws(LedgerError) -> Set<Int> {
        var signed = Set<Int>()
        for (index, witness) in witnesses.enumerated() where note.signatures.contains(where: witness.key.signs) {
            _ = try note.verified(by: [witness.key])
            signed.insert(index)
        }
        return signed
    }

    /// Checks that a note is a checkpoint by one of the logs, under its own origin.
    package func verifyLog(_ note: Note) throws(LedgerError) -> Checkpoint {
        let checkpoint = try Checkpoint(parsing: note.text)
        let keys = logs.map(\.key).filter { $0.name.map { checkpoint.origin.hasSameBytes(as: $0) } ?? true }
        guard !keys.isEmpty else {
            throw LedgerError(.noSignature, "the policy has no log called \(checkpoint.origin.safeForTerminal)")
        }
        _ = try note.verified(by: keys)
        return checkpoint
    }

    /// Checks that a note is a checkpoint by one of the logs, under its own origin, and witnessed by enough.
    package func verify(_ note: Note) throws(LedgerError) -> Checkpoint {
        let checkpoint = try verifyLog(note)
        let signed = try witnesses(of: note)
        guard isMet(by: signed) else {
            let names = signed.sorted().map { witnesses[$0].name.safeForTerminal }.joined(separator: ", ")
            throw LedgerError(
                .noSignature, "not enough witnesses have signed the checkpoint\(names.isEmpty ? "" : ", only \(names)")"
            )
        }
        return checkpoint
    }
}

/// The lines of a policy, read one by one. Names are bytes, not Unicode.
private struct Reader {
    var logs: [LogPolicy.Log] = []
    var witnesses: [LogPolicy.Witness] = []
    var quorum: LogPolicy.Quorum?
    private var names: [[UInt8]: LogPolicy.Quorum] = [:]
    private var members: Set<[UInt8]> = []
    private var groupCount = 0

    mutating func read(_ words: [[UInt8]]) throws(LedgerError) {
        switch Self.text(words[0]) {
        case "log":
            guard words.count == 2 || words.count == 3 else { throw Self.shape("log VKEY [URL]") }
            let key = try Self.key(words[1], .text)
            guard !logs.contains(where: { $0.key.key == key.key }) else {
                throw LedgerError(.malformed, "the same key is that of another log")
            }
            logs.append(LogPolicy.Log(key: key, url: words.count > 2 ? Self.text(words[2]) : nil))
            try Self.check(logs.count, "logs")
        case "witness":
            guard words.count == 3 || words.count == 4 else { throw Self.shape("witness NAME VKEY [URL]") }
            let key = try Self.key(words[2], .cosignature)
            guard !witnesses.contains(where: { $0.key.key == key.key }) else {
                throw LedgerError(.malformed, "the same key is that of another witness")
            }
            try define(words[1], .witness(witnesses.count))
            witnesses.append(
                LogPolicy.Witness(
                    name: Self.text(words[1]), key: key, url: words.count > 3 ? Self.text(words[3]) : nil))
            try Self.check(witnesses.count, "witnesses")
        case "group": try group(words)
        case "quorum":
            guard words.count == 2 else { throw Self.shape("quorum NAME|none") }
            guard quorum == nil else { throw LedgerError(.malformed, "there is a second quorum line") }
            quorum = words[1] == Array("none".utf8) ? LogPolicy.Quorum.none : try named(words[1])
        default:
            throw LedgerError(
                .malformed, "\(Self.text(words[0]).safeForTerminal) is none of log, witness, group and quorum")
        }
    }

    private mutating func group(_ words: [[UInt8]]) throws(LedgerError) {
        guard words.count >= 4 else { throw Self.shape("group NAME all|any|COUNT MEMBER...") }
        var quorums: [LogPolicy.Quorum] = []
        for name in words[3...] {
            quorums.append(try named(name))
            guard members.insert(name).inserted else {
                throw LedgerError(
                    .malformed, "\(Self.text(name).safeForTerminal) is a member of two groups, or twice of one")
            }
        }
        let word = Self.text(words[2])
        let threshold: Int
        switch word {
        case "all": threshold = quorums.count
        case "any": threshold = 1
        default:
            guard let number = Int(word), String(number) == word, 1...quorums.count ~= number else {
                throw LedgerError(
                    .malformed, "\(word.safeForTerminal) is not all, any or a number from 1 to \(quorums.count)")
            }
            threshold = number
        }
        try define(words[1], .group(threshold: threshold, quorums))
        groupCount += 1
        try Self.check(groupCount, "groups")
    }

    private mutating func define(_ name: [UInt8], _ quorum: LogPolicy.Quorum) throws(LedgerError) {
        guard name != Array("none".utf8) else { throw LedgerError(.malformed, "the name none has its own meaning") }
        guard names.updateValue(quorum, forKey: name) == nil else {
            throw LedgerError(.malformed, "\(Self.text(name).safeForTerminal) is defined twice")
        }
    }

    private func named(_ name: [UInt8]) throws(LedgerError) -> LogPolicy.Quorum {
        guard let quorum = names[name] else {
            throw LedgerError(.malformed, "\(Self.text(name).safeForTerminal) is not defined on a line above")
        }
        return quorum
    }

    private static func key(_ word: [UInt8], _ kind: NoteKey.Kind) throws(LedgerError) -> NoteKey {
        let key = try NoteKey(verifierKey: text(word))
        guard key.kind == kind else {
            throw LedgerError(
                .malformed, kind == .text ? "the key is that of a witness" : "the key is not that of a witness")
        }
        return key
    }

    private static func check(_ count: Int, _ what: String) throws(LedgerError) {
        guard count <= LogPolicy.greatestCount else {
            throw LedgerError(.limit, "more than \(LogPolicy.greatestCount) \(what)")
        }
    }

    private static func shape(_ form: String) -> LedgerError { LedgerError(.malformed, "the line should be `\(form)`") }

    private static func text(_ word: [UInt8]) -> String { String(decoding: word, as: UTF8.self) }
}
