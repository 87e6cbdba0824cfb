internal import Attest
internal import Bytes
internal import Sigstore
internal import Workspace

/// The provenance that an image carries of the packages in it: what was said of them and of all that they were built
/// from, signed where what is built is signed.
struct ProvenanceInside {
    let package: Package
    /// The packages in the image.
    let dependencies: [(key: Digest, name: PackageName)]
    let statements: RecordedStatements
    let options: BuildOptions

    /// A bundle as JSON lines.
    func bytes() async throws -> [UInt8] {
        let all = try statements.all(of: dependencies, .slsa)
        guard !all.isEmpty else {
            throw BuildError(
                .configuration, "config.provenance asks for the provenance of dependencies, and there are none",
                package: package.name, location: package.location)
        }
        if let given = options.provenanceInside[package.name],
            let bundle = try? ProvenanceBundle(parsing: given),
            Self.claims(bundle.entries.map(\.envelope.payload)) == Self.claims(all.map(\.statement))
        {
            return given
        }
        var bundle = ProvenanceBundle()
        for said in all {
            let signed = try await said.bundle(options.signatures)
            let unsigned = Envelope(payloadType: Statement.payloadType, payload: said.statement)
            try bundle.append(line: signed?.envelopeLine ?? unsigned.line)
        }
        return bundle.bytes()
    }

    /// What statements say of artifacts and inputs, without the moment, the machine and the signature of their build:
    /// whoever builds the same again can say as much. `nil` where one is no provenance.
    private static func claims(_ statements: [[UInt8]]) -> Set<Digest>? {
        var claims: Set<Digest> = []
        for bytes in statements {
            guard let statement = try? Statement(parsing: bytes), statement.predicateType == Provenance.predicateType,
                let provenance = try? Provenance(statement.predicate)
            else { return nil }
            // Of the sources the digest of all inputs: where a repository was cloned from is of that machine.
            let inputs = provenance.resolvedDependencies.filter {
                $0.annotations["role"]?.stringValue == MartletBuild.Role.inputs.rawValue
            }.map { JSON.string($0.digest["sha256"] ?? "") }
            let subjects = statement.subjects.map { subject -> JSON in
                .array(
                    [.string(subject.name)]
                        + subject.digest.sorted { $0.key < $1.key }.map { .string("\($0.key):\($0.value)") })
            }
            let claim: JSON = [
                "subjects": .array(subjects), "parameters": .object(provenance.externalParameters),
                "inputs": .array(inputs),
            ]
            claims.insert(.of(claim.canonical()))
        }
        return claims
    }
}
