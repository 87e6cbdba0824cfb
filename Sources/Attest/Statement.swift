package import Bytes

/// A claim about artifacts: who they are, and a predicate that says what is claimed (in-toto Statement v1).
package struct Statement: Hashable, Sendable {
    /// The version of the layer around the predicate.
    package enum Version: String, Sendable, CaseIterable {
        case v1 = "https://in-toto.io/Statement/v1"
        /// Read only, and written in Leeway's format; the fields are those of v1.
        case v0_1 = "https://in-toto.io/Statement/v0.1"
    }

    /// The `payloadType` of an envelope around a statement.
    package static let payloadType = "application/vnd.in-toto+json"

    package var version: Version
    package var subjects: [Subject]
    /// The URI that says how to read the predicate.
    package var predicateType: String
    package var predicate: JSON

    package init(version: Version = .v1, subjects: [Subject], predicateType: String, predicate: JSON) {
        self.version = version
        self.subjects = subjects
        self.predicateType = predicateType
        self.predicate = predicate
    }

    /// Reads the payload of an envelope. Versions other than v1 and v0.1 are refused as `.unsupported`.
    ///
    /// A statement without subjects is read, since Leeway writes such for packages that produce no new file; what it
    /// is worth is for the policy to say.
    package init(parsing payload: [UInt8], limits: JSONLimits = .default) throws(AttestError) {
        let json: JSON
        do {
            json = try JSON(parsing: payload, limits: limits)
        } catch {
            throw AttestError(.malformed, "the payload is not JSON: \(error)")
        }
        let fields = try Fields(json, at: "statement")
        let type = try fields.text("_type")
        guard let version = Version.allCases.first(where: { $0.rawValue.hasSameBytes(as: type) }) else {
            throw AttestError(.unsupported, "the statement type \(type) is not known")
        }
        self.version = version
        predicateType = try fields.text("predicateType")
        subjects = try fields.objects("subject") { fields throws(AttestError) in try Subject(fields) }
        predicate = fields.value("predicate") ?? [:]
    }

    /// The JSON object of this statement, its members in the order of the specification.
    package var json: JSON {
        [
            "_type": .string(version.rawValue), "subject": .array(subjects.map(\.json)),
            "predicateType": .string(predicateType), "predicate": predicate,
        ]
    }

    /// The bytes to put into an envelope. Equal statements give equal bytes.
    package var payload: [UInt8] { json.bytes() }
}
