package import Bytes
internal import Keys

/// Entries in the words of Rekor's two interfaces.
extension LogEntry {
    /// What a signed entry timestamp is over (rekor, `pkg/api/entries.go`).
    package var promisedBytes: [UInt8] {
        let json: JSON = [
            "body": .string(Base64.encode(canonicalizedBody)), "integratedTime": .integer(integratedTime),
            "logID": .string(Hex.encode(logID)), "logIndex": .integer(logIndex),
        ]
        return json.canonical()
    }

    /// The answer of Rekor v1, `{UUID: {…}}`, with an attestation where one is kept.
    package func rekorV1(treeID: UInt64, attestation: [UInt8]? = nil) -> JSONObject {
        var entry: JSONObject = [
            "body": .string(Base64.encode(canonicalizedBody)), "integratedTime": .integer(integratedTime),
            "logID": .string(Hex.encode(logID)), "logIndex": .integer(logIndex),
        ]
        if let attestation { entry["attestation"] = ["data": .string(Base64.encode(attestation))] }
        var verification = JSONObject()
        if let proof = inclusionProof {
            verification["inclusionProof"] = [
                "checkpoint": .string(proof.checkpoint ?? ""),
                "hashes": .array(proof.hashes.map { .string(Hex.encode($0)) }), "logIndex": .integer(proof.logIndex),
                "rootHash": .string(Hex.encode(proof.rootHash)), "treeSize": .integer(proof.treeSize),
            ]
        }
        if let signedEntryTimestamp {
            verification["signedEntryTimestamp"] = .string(Base64.encode(signedEntryTimestamp))
        }
        entry["verification"] = .object(verification)
        return [EntryUUID(treeID: treeID, body: canonicalizedBody).description: .object(entry)]
    }

    /// The answer of Rekor v2: the entry as a bundle holds it, with the fields that have no value.
    package var rekorV2: JSON {
        guard case .object(var object) = json else { return json }
        if object["inclusionPromise"] == nil { object["inclusionPromise"] = .null }
        if object["integratedTime"] == nil { object["integratedTime"] = "0" }
        return .object(object)
    }
}
