package import Bytes
internal import Ledger

/// Watches a log: that it only grows, and that nobody signs under names that are watched.
package struct LogMonitor: Sendable {
    package let reader: LogReader
    package let watched: Watched

    /// What an entry is reported for.
    package struct Watched: Sendable {
        /// Digests, keys and names as entries are found by, in lower case.
        package var keys: Set<String>
        /// Regular expressions for names of signers.
        package var patterns: [String]

        package init(keys: Set<String> = [], patterns: [String] = []) throws(SigstoreError) {
            self.keys = Set(keys.map { $0.lowercased() })
            self.patterns = patterns
            for pattern in patterns { _ = try VerificationPolicy.Match.pattern(pattern).accepts("") }
        }

        /// The words of an entry that are watched.
        func matches(_ words: [String]) throws(SigstoreError) -> [String] {
            var out: [String] = []
            for word in words {
                var isWatched = keys.contains(word)
                for pattern in patterns where !isWatched {
                    isWatched = try VerificationPolicy.Match.pattern(pattern).accepts(word)
                }
                if isWatched { out.append(word) }
            }
            return out
        }
    }

    /// What is remembered from one pass to the next.
    package struct State: Hashable, Sendable {
        /// The latest checkpoint that was verified.
        package var checkpoint: String
        /// The first entry that was not looked at.
        package var next: UInt64

        package init(checkpoint: String, next: UInt64) {
            self.checkpoint = checkpoint
            self.next = next
        }

        package init(parsing bytes: [UInt8]) throws(SigstoreError) {
            guard let json = try? JSON(parsing: bytes), json["format"]?.stringValue == "martlet-log-monitor-1",
                let checkpoint = json["checkpoint"]?.stringValue,
                let next = json["next"]?.intValue.flatMap({ UInt64(exactly: $0) })
            else {
                throw SigstoreError(
                    .malformed, "the state of the monitor can't be read; restore it, or begin anew with another file")
            }
            self.init(checkpoint: checkpoint, next: next)
        }

        package var json: JSON {
            [
                "format": "martlet-log-monitor-1", "checkpoint": .string(checkpoint), "next": .integer(next),
            ]
        }
    }

    /// An entry that is watched for.
    package struct Sighting: Sendable {
        package let found: LogReader.Found
        /// Which of its words are watched.
        package let matches: [String]
    }

    package init(reader: LogReader, watched: Watched) {
        self.reader = reader
        self.watched = watched
    }

    /// The most entries of one pass, so that what was seen is kept now and then.
    package static let greatestStepCount: UInt64 = 1000

    /// One pass: checks that the log has grown from `state`, and looks at the entries since. Without a state it begins
    /// at the newest entry, or at the first where `fromStart` says so.
    ///
    /// Gives the state to keep and whether there is more to look at. `.refused` where the log contradicts itself.
    package func pass(
        after state: State?, fromStart: Bool
    ) async throws(SigstoreError) -> (state: State, sightings: [Sighting], hasMore: Bool) {
        let tree = try await reader.tree()
        let size = tree.checkpoint.size
        if let state { try await reader.check(tree, extends: Self.checkpoint(state.checkpoint)) }
        let first = state?.next ?? (fromStart ? 0 : size)
        let end = min(size, first + Self.greatestStepCount)
        var sightings: [Sighting] = []
        var index = first
        while index < end {
            let stop = min(index + 10, end)
            for found in try await reader.entries(index..<stop) {
                guard
                    let body = try? LogEntryBody(
                        parsing: found.entry.canonicalizedBody, expected: found.entry.kindVersion)
                else { continue }
                let matches = try watched.matches(body.searchKeys)
                if !matches.isEmpty { sightings.append(Sighting(found: found, matches: matches)) }
            }
            index = stop
        }
        return (State(checkpoint: tree.note.description, next: max(first, end)), sightings, end < size)
    }

    private static func checkpoint(_ text: String) throws(SigstoreError) -> Checkpoint {
        do {
            return try Checkpoint(parsing: Note(parsing: text).text)
        } catch {
            throw SigstoreError(.malformed, "the checkpoint in the state of the monitor can't be read: \(error)")
        }
    }
}
