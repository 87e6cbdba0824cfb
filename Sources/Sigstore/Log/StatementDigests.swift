internal import Attest
internal import Bytes

/// The digests that an in-toto statement names: its subjects, and what provenance says went in.
enum StatementDigests {
    /// `ALGORITHM:VALUE` of each; nothing for a payload that is no statement. Statements that verifiers would not take
    /// are read too: whoever looks for an artifact wants to see them.
    static func searchKeys(of envelope: Envelope) -> [String] {
        guard envelope.payloadType.hasSameBytes(as: Statement.payloadType),
            let json = try? JSON(
                parsing: envelope.payload,
                limits: JSONLimits(byteCount: LogRecord.greatestRequestByteCount, depth: 128))
        else { return [] }
        let predicate = json["predicate"]
        let lists = [
            json["subject"], predicate?["materials"], predicate?["buildDefinition"]?["resolvedDependencies"],
        ]
        return lists.compactMap { $0?.arrayValue }.joined().flatMap { element in
            (element["digest"]?.objectValue?.members ?? []).compactMap { member in
                member.value.stringValue.map { "\(member.key):\($0)" }
            }
        }
    }
}
