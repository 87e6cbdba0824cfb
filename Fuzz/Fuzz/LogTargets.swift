internal import Bytes
internal import Ledger
internal import Sigstore

extension FuzzTarget {
    /// Reading what is proposed to logs of both versions: nothing is taken unless its signatures verify, and what is
    /// taken reads back.
    static let logRecord = FuzzTarget(name: "log-record") { input in
        for record in [try? LogRecord(proposedV1: input), try? LogRecord(requestV2: input)].compactMap(\.self) {
            let body = try? LogEntryBody(parsing: record.body, expected: record.kindVersion)
            require(body != nil, "what is stored reads back")
        }
    }

    /// Reading policies about logs and witnesses.
    static let logPolicy = FuzzTarget(name: "log-policy") { input in
        guard let policy = try? LogPolicy(parsing: input) else { return }
        let all = Set(policy.witnesses.indices)
        require(policy.isMet(by: all), "all witnesses are enough")
        require(policy.canBeMet(without: []), "a quorum can be met while nobody is lost")
    }

    /// Reading requests to witnesses, and deciding about them.
    static let witnessRequest = FuzzTarget(name: "witness-request") { input in
        if let request = try? WitnessRequest.AddCheckpoint(parsing: input) {
            let again = try? WitnessRequest.AddCheckpoint(parsing: request.body)
            require(again?.note == request.note && again?.proof == request.proof, "a request reads back")
            let log = Witness.Log(origin: request.checkpoint.origin, keys: [])
            require((try? Witness.decide(request, log: log, latest: nil)) == nil, "nobody is trusted")
        }
        _ = try? WitnessRequest.SignSubtree(parsing: input)
    }

    /// Reading proof files.
    static let logProof = FuzzTarget(name: "log-proof") { input in
        guard let proof = try? LogProof(parsing: input) else { return }
        require((try? LogProof(parsing: Array(proof.text.utf8))) == proof, "a proof reads back")
    }
}
