package import Attest
package import Bytes

/// What is known about how an artifact came to be, held against the requirements of SLSA.
package struct LevelAssessment: Sendable {
    package enum Outcome: String, Sendable {
        case met = "yes"
        case notMet = "no"
        /// Nothing that is at hand can say.
        case unknown = "unknown"
    }

    package struct Row: Sendable {
        package var requirement: LevelRequirement
        package var outcome: Outcome
        /// What shows it, or what is missing.
        package var evidence: String
        /// What to do next; `nil` where it is met.
        package var next: String?
    }

    package struct Table: Sendable {
        package var track: LevelTrack
        package var rows: [Row]

        /// The highest level of which everything is met; best efforts aside.
        package var level: Int {
            for level in 1...track.greatestLevel {
                let isReached = rows.allSatisfy {
                    $0.requirement.level > level || $0.requirement.isBestEffort || $0.outcome == .met
                }
                if !isReached { return level - 1 }
            }
            return track.greatestLevel
        }
    }

    package var subject: PolicySubject
    package var tables: [Table]
    /// Properties that were verified, such as `SLSA_BUILD_REPRODUCED`.
    package var properties: [String] = []

    package var json: JSON {
        [
            "artifact": ["name": .string(subject.name), "digests": .array(subject.digests.map(JSON.string))],
            "properties": .array(properties.map(JSON.string)),
            "tables": .array(
                tables.map { table in
                    [
                        "track": .string(table.track.rawValue), "level": .integer(table.level),
                        "requirements": .array(
                            table.rows.map { row in
                                var object: JSONObject = [
                                    "group": .string(row.requirement.group), "name": .string(row.requirement.name),
                                    "level": .integer(row.requirement.level), "outcome": .string(row.outcome.rawValue),
                                    "evidence": .string(row.evidence),
                                ]
                                if row.requirement.isBestEffort { object["bestEffort"] = true }
                                if let next = row.next { object["next"] = .string(next) }
                                return .object(object)
                            }),
                    ]
                }),
        ]
    }
}

/// The facts that decide about requirements.
package struct LevelFacts: Sendable {
    /// The verified provenance that is trusted most.
    var signed: Evidence?
    /// Provenance, whether somebody signed it or not.
    var view: ProvenanceView?
    var source: SourceClaim?
    /// The build level for which signer and builder are trusted.
    var builderLevel = 0
    /// What the sources' verifier says of the commit.
    var sourceLevels: [VerifiedLevel] = []
    var isReproduced = false
    var predicate: JSON = .null
    /// Where the provenance was found.
    var place: String

    /// - Parameters:
    ///   - policy: trusts builders and verifiers; without one, nobody is trusted beyond his signature.
    ///   - unsigned: provenance that nobody vouches for, where there is no other.
    package init(
        _ subject: PolicySubject, pool: EvidencePool, policy: ArtifactPolicy?, unsigned: Statement?, place: String,
        at now: Timestamp
    ) {
        var policy = policy ?? ArtifactPolicy(name: "none", digest: Digest.of([]))
        policy.reproducedBy = 2
        let run = PolicyEvaluation(
            policy: policy, pool: pool, now: now, subject: subject, evidence: pool.evidence(about: subject))
        self.place = place
        signed = run.evidence.filter { $0.provenance != nil }.max { left, right in
            (run.trustedLevel(left) ?? -1) < (run.trustedLevel(right) ?? -1)
        }
        let statement = signed?.statement ?? unsigned
        view = signed?.provenance ?? statement.flatMap { try? ProvenanceView($0) }
        if let statement, let view {
            source = SourceClaim(statement, view)
            predicate = statement.predicate
        }
        if let signed { builderLevel = run.trustedLevel(signed) ?? 0 }
        let summary = run.summary()
        if let summary, summary.isVerified {
            for case .level("BUILD", let level) in summary.levels { builderLevel = max(builderLevel, level) }
        }
        isReproduced = run.reproduced()?.isFulfilled ?? false
        if let commit = source?.commit {
            let subject = PolicySubject(name: commit, digests: ["gitCommit:\(commit)", "sha1:\(commit)"])
            sourceLevels = run.summaries(about: subject).filter(\.isPassed).flatMap(\.levels)
        }
    }

    /// The tables of all tracks.
    package func assess(_ subject: PolicySubject, _ tracks: [LevelTrack] = LevelTrack.allCases) -> LevelAssessment {
        var out = LevelAssessment(
            subject: subject,
            tables: tracks.map { track in
                LevelAssessment.Table(track: track, rows: track.requirements.map { row($0, track) })
            })
        if isReproduced { out.properties.append(VerifiedLevel.reproduced.description) }
        if isReviewed { out.properties.append(VerifiedLevel.twoPartyReviewed.description) }
        return out
    }

    var isReviewed: Bool {
        VerifiedLevel.twoPartyReviewed.isReached(by: sourceLevels)
            || VerifiedLevel.source(4).isReached(by: sourceLevels)
    }
}
