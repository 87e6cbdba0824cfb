package import Attest
package import Bytes

/// What a token says of one package's build: taken from the provenance that it is to sign, so that a certificate can't
/// claim another commit than what is under it; for other statements, from the provenance of the same artifact.
///
/// The names are those of the identity issuer (docs/formats/identity.md); each becomes an extension of the certificate.
package struct BuildClaims: Sendable {
    package let json: JSONObject

    /// - Parameters:
    ///   - provenance: counts where it is about all subjects of `statement`.
    ///   - builder: the builder's URI, whom the certificate names.
    package init(_ statement: Statement, beside provenance: Statement? = nil, builder: String) throws {
        var source = statement
        if statement.predicateType != Provenance.predicateType, let provenance,
            Set(statement.subjects.map(\.digest)).isSubset(of: provenance.subjects.map(\.digest))
        {
            source = provenance
        }
        json = try Self.claims(source, builder)
    }

    private static func claims(_ statement: Statement, _ builder: String) throws -> JSONObject {
        var claims: JSONObject = ["build_signer_uri": .string(builder)]
        guard statement.predicateType == Provenance.predicateType else { return claims }
        let provenance = try Provenance(statement.predicate)
        if let digest = provenance.builder.dependencies.first(where: { $0.name == "martlet" })?.digest["sha256"] {
            claims["build_signer_digest"] = .string("sha256:\(digest)")
        }
        if let invocation = provenance.metadata.invocationID {
            let base = builder.hasSuffix("/") ? String(builder.dropLast()) : builder
            claims["run_invocation_uri"] = .string(
                invocation.hasPrefix(base + "/") ? invocation : "\(base)/builds/\(invocation)")
        }
        // A commit that the inputs differ from is not what was built.
        guard let source = provenance.resolvedDependencies.first(where: { $0.annotations["role"] == "source" }),
            source.annotations["clean"] == true, let commit = source.digest["gitCommit"]
        else { return claims }
        claims["source_repository_digest"] = .string(commit)
        let ref = source.annotations["ref"]?.stringValue
        claims["source_repository_ref"] = ref.map { .string($0) }
        guard let uri = source.uri else { return claims }
        let repository = uri.hasPrefix("git+") ? String(uri.dropFirst(4)) : uri
        claims["source_repository_uri"] = .string(repository)
        guard let package = provenance.externalParameters["package"]?.stringValue,
            let component = package.split(separator: ":").first
        else { return claims }
        let folders = [source.annotations["directory"]?.stringValue ?? "", component == "//" ? "" : String(component)]
        let path = (folders.filter { !$0.isEmpty } + ["BUILD.yaml"]).joined(separator: "/")
        claims["build_config_uri"] = .string("\(repository)/\(path)@\(ref ?? commit)")
        claims["build_config_digest"] = .string(commit)
        return claims
    }
}
