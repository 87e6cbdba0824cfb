package import Bytes

/// Something about an admission that is to be recorded.
package struct AdmissionEvent: Sendable {
    package enum Kind: String, Sendable {
        case allowed, warned, denied
        /// Let in against the policies by somebody who gave a reason.
        case brokeGlass = "broke-glass"
    }

    package var kind: Kind
    package var uid: String
    package var title: String
    package var user: String
    package var reason: String?
    package var time: Timestamp
    package var decisions: [Decision]

    package var json: JSON {
        var object: JSONObject = [
            "event": .string(kind.rawValue), "time": .string(time.description), "uid": .string(uid),
            "object": .string(title), "user": .string(user),
        ]
        if let reason { object["reason"] = .string(reason) }
        object["decisions"] = .array(decisions.map(\.json))
        return .object(object)
    }
}

/// What an image's tag stands for.
package enum ImageResolution: Sendable {
    /// As `sha256:HEX`.
    case digest(String)
    /// The registry says that there is none.
    case absent
    /// Nobody could be asked.
    case unreachable(String)
}

/// What is known about an artifact.
package enum EvidenceAnswer: Sendable {
    /// Everything that is known, which may be nothing.
    case found(EvidencePool)
    /// It could not be found out. This is never taken for nothing.
    case unreachable(String)
}

/// Where evidence is kept. Asked while a request waits, so it must answer from memory.
package protocol EvidenceStore: Sendable {
    func evidence(about subject: PolicySubject) -> EvidenceAnswer
}

extension EvidencePool: EvidenceStore {
    package func evidence(about subject: PolicySubject) -> EvidenceAnswer { .found(self) }
}
