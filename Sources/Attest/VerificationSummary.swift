package import Bytes

/// What a verifier found about an artifact: the predicate of a Verification Summary Attestation
/// (slsa.dev/spec/v1.2/verification_summary).
package struct VerificationSummary: Hashable, Sendable {
    /// The predicate type.
    package static let predicateType = "https://slsa.dev/verification_summary/v1"
    /// The version of SLSA that summaries are written for.
    package static let writtenVersion = "1.2"

    package enum Result: String, Sendable {
        case passed = "PASSED"
        case failed = "FAILED"
    }

    /// The URI of who verified.
    package var verifierID: String
    /// Component to version.
    package var verifierVersion: [String: String]
    package var timeVerified: Timestamp?
    /// What the artifact was verified as, such as where it may be fetched.
    package var resourceURI: String
    package var policy: ResourceDescriptor
    package var inputAttestations: [ResourceDescriptor]
    package var result: Result
    package var verifiedLevels: [String]
    /// Level to how many dependencies have it.
    package var dependencyLevels: [String: Int]
    package var slsaVersion: String?

    package init(
        verifierID: String, verifierVersion: [String: String] = [:], timeVerified: Timestamp?, resourceURI: String,
        policy: ResourceDescriptor, inputAttestations: [ResourceDescriptor] = [], result: Result,
        verifiedLevels: [String], dependencyLevels: [String: Int] = [:],
        slsaVersion: String? = VerificationSummary.writtenVersion
    ) {
        self.verifierID = verifierID
        self.verifierVersion = verifierVersion
        self.timeVerified = timeVerified
        self.resourceURI = resourceURI
        self.policy = policy
        self.inputAttestations = inputAttestations
        self.result = result
        self.verifiedLevels = verifiedLevels
        self.dependencyLevels = dependencyLevels
        self.slsaVersion = slsaVersion
    }

    /// Reads the predicate of a statement whose type is `predicateType`.
    package init(_ predicate: JSON) throws(AttestError) {
        let fields = try Fields(predicate, at: "predicate")
        let verifier = try fields.fields("verifier")
        verifierID = try verifier.text("id")
        verifierVersion = try verifier.texts("version")
        timeVerified = try Timestamp(field: "timeVerified", of: fields)
        resourceURI = try fields.text("resourceUri")
        policy = ResourceDescriptor()
        if let fields = try fields.optionalFields("policy") { policy = try ResourceDescriptor(fields) }
        inputAttestations = try fields.objects("inputAttestations") { fields throws(AttestError) in
            try ResourceDescriptor(fields)
        }
        let word = try fields.text("verificationResult")
        guard let result = Result(rawValue: word) else {
            throw AttestError(
                .malformed, "verificationResult is \(word.safeForTerminal); it should be PASSED or FAILED")
        }
        self.result = result
        verifiedLevels = []
        for (index, level) in try fields.list("verifiedLevels").enumerated() {
            guard let text = level.stringValue, !text.isEmpty else {
                throw AttestError(.malformed, "verifiedLevels[\(index)] is no level")
            }
            verifiedLevels.append(text)
        }
        dependencyLevels = [:]
        for member in fields.value("dependencyLevels")?.objectValue ?? [:] {
            // Writers by protobuf's JSON mapping print 64-bit counts as texts.
            guard let count = member.value.intValue ?? member.value.stringValue.flatMap({ Int($0) }), count >= 0 else {
                throw AttestError(.malformed, "dependencyLevels.\(member.key.safeForTerminal) is no count")
            }
            dependencyLevels[member.key] = count
        }
        slsaVersion = try fields.optionalText("slsaVersion")
    }

    /// The predicate, its members in the order of the specification.
    package var json: JSON {
        var verifier: JSONObject = ["id": .string(verifierID)]
        verifier.set("version", verifierVersion.isEmpty ? nil : .texts(verifierVersion))
        var object: JSONObject = ["verifier": .object(verifier)]
        object.set("timeVerified", timeVerified.map { .string($0.description) })
        object["resourceUri"] = .string(resourceURI)
        object["policy"] = policy.json
        object.set("inputAttestations", list: inputAttestations.map(\.json))
        object["verificationResult"] = .string(result.rawValue)
        object["verifiedLevels"] = .array(verifiedLevels.map(JSON.string))
        if !dependencyLevels.isEmpty {
            var levels = JSONObject()
            for (level, count) in dependencyLevels.sorted(by: { $0.key < $1.key }) { levels[level] = .integer(count) }
            object["dependencyLevels"] = .object(levels)
        }
        object.set("slsaVersion", slsaVersion.map(JSON.string))
        return .object(object)
    }

    /// The statement that says this of an artifact.
    package func statement(about subjects: [Subject]) -> Statement {
        Statement(subjects: subjects, predicateType: Self.predicateType, predicate: json)
    }
}
