internal import Attest
internal import Bytes

/// Provenance of a GitHub Actions workflow, as the builders write it that slsa-verifier knows.
struct WorkflowProvenance: Sendable {
    static let v0_2 = "https://slsa.dev/provenance/v0.2"
    static let v1 = "https://slsa.dev/provenance/v1"
    /// npm's first build type, whose material has no reference.
    static let firstNPMType = "https://github.com/npm/cli/gha@v1"

    /// Where a statement says what the workflow was.
    enum Layout: Sendable {
        /// `github_*` in the environment.
        case environment
        /// `GITHUB_*` in the internal parameters.
        case internalParameters
        /// `GITHUB_*`, and the reference in the address of the source: builders that others bring.
        case delegated
        /// `workflow` in the external parameters: npm, and GitHub's attestations.
        case npm, workflow
    }

    let layout: Layout
    let isVersion1: Bool
    let buildType: String
    let builderID: String
    let predicate: JSON
    let subjects: [Subject]

    /// Reads what `builder` signed. Whatever that builder does not write is refused.
    init(_ signed: SignedProvenance, builder: String) throws(SLSAVerifierError) {
        let json = try Self.json(signed)
        let type = json["predicateType"]?.stringValue ?? ""
        guard type == Self.v0_2 || type == Self.v1 else {
            throw SLSAVerifierError(
                .invalidDSSEPayload, "the predicate type is '\(type)', which is no known provenance")
        }
        isVersion1 = type == Self.v1
        let shape = isVersion1 ? StatementShape.provenance1 : .provenance02
        if let mismatch = shape.mismatch(json, at: "statement") {
            throw SLSAVerifierError(.invalidDSSEPayload, mismatch)
        }
        predicate = json["predicate"] ?? [:]
        let definition = isVersion1 ? predicate["buildDefinition"] : predicate
        buildType = definition?["buildType"]?.stringValue ?? ""
        let run = isVersion1 ? predicate["runDetails"] : predicate
        builderID = run?["builder"]?["id"]?.stringValue ?? ""
        guard let layouts = TrustedWorkflow.layouts(of: builder, predicateType: type) else {
            throw SLSAVerifierError(
                .invalidBuilderID, within: .invalidDSSEPayload, "\(builder) writes no statements of type \(type)")
        }
        guard let layout = layouts[buildType] else {
            throw SLSAVerifierError(
                .invalidBuildType, within: .invalidDSSEPayload, "'\(buildType)' is no build type of \(builder)")
        }
        self.layout = layout
        subjects = try Self.subjects(json)
    }

    /// The document that was signed.
    static func json(_ signed: SignedProvenance) throws(SLSAVerifierError) -> JSON {
        guard signed.payloadType == Statement.payloadType else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the payload type is '\(signed.payloadType)'")
        }
        do {
            return try JSON(parsing: signed.payload, limits: JSONLimits(byteCount: 64 << 20, depth: 128))
        } catch {
            throw SLSAVerifierError(.invalidDSSEPayload, "the payload is not JSON: \(error)")
        }
    }

    /// What a statement is about, whose shape has been checked.
    static func subjects(_ json: JSON) throws(SLSAVerifierError) -> [Subject] {
        let subjects = (json["subject"]?.arrayValue ?? []).map { subject in
            var digests: [String: String] = [:]
            for member in subject["digest"]?.objectValue?.members ?? [] {
                digests[member.key] = member.value.stringValue
            }
            return Subject(name: subject["name"]?.stringValue ?? "", digest: digests)
        }
        guard !subjects.isEmpty else { throw SLSAVerifierError(.invalidDSSEPayload, "the statement has no subjects") }
        return subjects
    }

    var definition: JSON { isVersion1 ? predicate["buildDefinition"] ?? [:] : predicate }

    /// What the build read, the source first.
    var dependencies: [JSON] { definition[isVersion1 ? "resolvedDependencies" : "materials"]?.arrayValue ?? [] }

    /// The variables of the run, which are in capitals unless the layout is the first.
    func parameters() throws(SLSAVerifierError) -> JSONObject {
        let found = isVersion1 ? definition["internalParameters"] : predicate["invocation"]?["environment"]
        guard let object = found?.objectValue else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the statement has no variables of the run")
        }
        return object
    }

    static func text(_ object: JSONObject, _ key: String) throws(SLSAVerifierError) -> String {
        guard let text = object[key]?.stringValue else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the statement has no text '\(key)'")
        }
        return text
    }

    private func key(_ name: String) -> String { layout == .environment ? name : name.uppercased() }

    // MARK: - Addresses

    /// The address of the source, with its reference.
    func source() throws(SLSAVerifierError) -> String {
        guard let first = dependencies.first else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the statement names no sources")
        }
        guard let uri = first["uri"]?.stringValue, !uri.isEmpty else {
            throw SLSAVerifierError(.malformedURI, "the source's address is empty")
        }
        return uri
    }

    /// The address of the repository whose workflow ran, with the reference that it ran for.
    func triggerSource() throws(SLSAVerifierError) -> String {
        guard isVersion1 else {
            guard let uri = predicate["invocation"]?["configSource"]?["uri"]?.stringValue, !uri.isEmpty else {
                throw SLSAVerifierError(.malformedURI, "the configuration's address is empty")
            }
            return uri
        }
        if layout == .npm || layout == .workflow {
            let workflow = definition["externalParameters"]?["workflow"]
            guard let repository = workflow?["repository"]?.stringValue, let ref = workflow?["ref"]?.stringValue else {
                throw SLSAVerifierError(.invalidFormat, "externalParameters.workflow has no repository or no ref")
            }
            return "git+\(repository)@\(ref)"
        }
        let parameters = try parameters()
        guard parameters["GITHUB_WORKFLOW_REF"] != nil else {
            throw SLSAVerifierError(.notPresent, "GITHUB_WORKFLOW_REF")
        }
        let reference = try Self.text(parameters, "GITHUB_WORKFLOW_REF")
        let parts = reference.split(separator: "@", omittingEmptySubsequences: false)
        let path = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, path.count >= 2 else {
            throw SLSAVerifierError(.invalidFormat, "GITHUB_WORKFLOW_REF is '\(reference)'")
        }
        guard !parts[1].isEmpty else { throw SLSAVerifierError(.malformedURI, "GITHUB_WORKFLOW_REF has no reference") }
        return "git+https://github.com/\(path[0])/\(path[1])@\(parts[1])"
    }

    /// The path of the workflow that was triggered.
    func triggerPath() throws(SLSAVerifierError) -> String {
        guard isVersion1 else { return predicate["invocation"]?["configSource"]?["entryPoint"]?.stringValue ?? "" }
        guard let path = definition["externalParameters"]?["workflow"]?["path"]?.stringValue else {
            throw SLSAVerifierError(.invalidDSSEPayload, "externalParameters.workflow has no path")
        }
        return path
    }

    // MARK: - Branch, tag, inputs

    /// `refs/heads/NAME`; empty where there is no branch.
    func branch() throws(SLSAVerifierError) -> String {
        if layout == .delegated {
            let ref = try sourceReference()
            if GitReference.kind(ref) == GitReference.Kind.branch.rawValue { return ref }
        }
        let parameters = try parameters()
        switch try Self.text(parameters, key("github_ref_type")) {
        case "branch": return try Self.text(parameters, key("github_ref"))
        case "tag": return try branchOfTag(parameters)
        case let other: throw SLSAVerifierError(.invalidDSSEPayload, "the reference is a '\(other)'")
        }
    }

    /// `refs/tags/NAME`; empty where there is no tag.
    func tag() throws(SLSAVerifierError) -> String {
        if layout == .delegated {
            let ref = try sourceReference()
            return GitReference.kind(ref) == GitReference.Kind.tag.rawValue ? ref : ""
        }
        let parameters = try parameters()
        switch try Self.text(parameters, key("github_ref_type")) {
        case "branch": return ""
        case "tag": return try Self.text(parameters, key("github_ref"))
        case let other: throw SLSAVerifierError(.invalidDSSEPayload, "the reference is a '\(other)'")
        }
    }

    /// The reference of a delegated builder's source, which others may have chosen.
    private func sourceReference() throws(SLSAVerifierError) -> String {
        let ref = try GitReference.split(source()).ref
        guard GitReference.Kind(rawValue: GitReference.kind(ref)) != nil else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the source's reference is '\(ref)', neither branch nor tag")
        }
        return ref
    }

    /// The branch of a tag, where the event that GitHub sent says so.
    private func branchOfTag(_ parameters: JSONObject) throws(SLSAVerifierError) -> String {
        let base = try Self.text(parameters, key("github_base_ref"))
        guard base.isEmpty else { return base }
        let event = try Self.text(parameters, key("github_event_name"))
        let payload = try payload(parameters)
        switch event {
        case "push":
            guard let base = payload["base_ref"] else {
                throw SLSAVerifierError(.invalidDSSEPayload, "the event has no base_ref")
            }
            return base.stringValue ?? ""
        case "release":
            guard let release = payload["release"]?.objectValue else {
                throw SLSAVerifierError(.invalidDSSEPayload, "the event has no release")
            }
            return "refs/heads/" + (try Self.text(release, "target_commitish"))
        default: return ""
        }
    }

    private func payload(_ parameters: JSONObject) throws(SLSAVerifierError) -> JSONObject {
        guard let payload = parameters[key("github_event_payload")]?.objectValue else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the statement does not have the event")
        }
        return payload
    }

    /// What somebody gave when starting the workflow by hand.
    func inputs() throws(SLSAVerifierError) -> JSONObject {
        let parameters = try parameters()
        let event = try Self.text(parameters, key("github_event_name"))
        guard event == "workflow_dispatch" else {
            throw SLSAVerifierError(
                .mismatchWorkflowInputs, "inputs exist for workflow_dispatch alone, and the event is '\(event)'")
        }
        guard let inputs = try payload(parameters)["inputs"]?.objectValue else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the event has no inputs")
        }
        return inputs
    }

    /// A variable of the run for comparisons, where the statement has it as text.
    func variable(_ name: String) -> String? {
        (try? parameters())?[key(name)]?.stringValue
    }

    // MARK: - Metadata

    private var metadata: JSON? { isVersion1 ? predicate["runDetails"]?["metadata"] : predicate["metadata"] }

    /// The name of the run; empty where the statement has none.
    var invocationID: String {
        for key in isVersion1 ? ["invocationId", "invocationID"] : ["buildInvocationId", "buildInvocationID"] {
            if let id = metadata?[key]?.stringValue { return id }
        }
        return ""
    }

    /// When the build started or ended, where the statement says so.
    var times: [String] {
        (isVersion1 ? ["startedOn", "finishedOn"] : ["buildStartedOn", "buildFinishedOn"]).compactMap {
            metadata?[$0]?.stringValue
        }
    }

    /// What the metadata of version 0.2 claims and no certificate can back.
    var unbackedClaims: [String] {
        guard !isVersion1 else { return [] }
        let completeness = metadata?["completeness"]
        return ["parameters", "environment", "materials"].filter { completeness?[$0]?.boolValue == true }
            + (metadata?["reproducible"]?.boolValue == true ? ["reproducible"] : [])
    }

    /// Whether version 0.2 has parameters, or a configuration, of which no certificate knows.
    var hasParameters: Bool { !isVersion1 && Self.isGiven(predicate["invocation"]?["parameters"]) }
    var hasBuildConfig: Bool { !isVersion1 && Self.isGiven(predicate["buildConfig"]) }

    private static func isGiven(_ value: JSON?) -> Bool {
        guard let value, !value.isNull else { return false }
        return value.objectValue?.isEmpty != true
    }
}
