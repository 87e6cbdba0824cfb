internal import Attest
internal import Build
internal import Bytes
internal import Git

/// What a statement must say before the service signs it. The worker that wrote it is this program too, but it has read
/// a stranger's workspace, and the service has not.
struct BuildTestimony: Sendable {
    let request: BuildRequest
    let requester: String
    let builder: String
    let invocation: String

    /// Reads a statement, and throws where it is not about this build.
    func check(_ bytes: [UInt8]) throws(AttestError) -> Statement {
        let statement = try Statement(parsing: bytes)
        func require(_ holds: Bool, _ what: String) throws(AttestError) {
            guard holds else { throw AttestError(.malformed, "the statement \(what)") }
        }
        try require(!statement.subjects.isEmpty, "is about nothing")
        try require(statement.predicateType == Provenance.predicateType, "is no provenance")
        let provenance = try Provenance(statement.predicate)
        try require(provenance.builder.id.hasSameBytes(as: builder), "names another builder")
        try require(provenance.buildType == MartletBuild.buildType, "is of another build type")
        try require(
            provenance.externalParameters["request"]?.canonical() == request.json.canonical(), "is of another request")
        try require(provenance.internalParameters["requestedBy"]?.stringValue == requester, "names another client")
        try require(provenance.metadata.invocationID == invocation, "is of another run")
        let sources = provenance.resolvedDependencies.filter { $0.annotations["role"] == "source" }
        guard let source = sources.first, sources.count == 1 else {
            throw AttestError(.malformed, "the statement names \(sources.count) sources")
        }
        try require(source.digest == ["gitCommit": request.commit.hex], "is of another commit")
        try require(source.annotations["clean"] == true, "is of inputs that the commit does not have")
        var uri: String?
        var ref: String?
        if case .repository(let address, let name) = request.source { (uri, ref) = ("git+" + address, name) }
        try require(source.uri == uri, "names another repository")
        try require(source.annotations["ref"]?.stringValue == ref, "names another branch")
        let walls = provenance.byproducts.first { $0.name == "sandbox" }
        try require(walls?.annotations["level"] == "full", "is of steps that were not kept apart")
        return statement
    }
}
