internal import Bytes

/// Who a build is, for a token: which builder runs what, of which commit. The builder fills it from its graph.
package struct BuildIdentity: Hashable, Sendable {
    /// The builder's URI, for instance `https://ci.example/builders/main`.
    package var buildSignerURI: String
    package var runnerEnvironment: String
    /// Further claims by the names of their certificates' fields, `source_repository_uri` and so on.
    package var claims: [String: String]

    /// The names that `claims` may have.
    package static let names = [
        "build_signer_digest", "source_repository_uri", "source_repository_digest", "source_repository_ref",
        "source_repository_identifier", "source_repository_owner_uri", "source_repository_owner_identifier",
        "build_config_uri", "build_config_digest", "build_trigger", "run_invocation_uri",
        "source_repository_visibility", "deployment_environment",
    ]

    package init(buildSignerURI: String, runnerEnvironment: String = "self-hosted", claims: [String: String] = [:]) {
        self.buildSignerURI = buildSignerURI
        self.runnerEnvironment = runnerEnvironment
        self.claims = claims
    }

    /// Reads the JSON of the parameter `build` in a request for a token: the claims by their names.
    package init(_ text: String) throws(AuthorityError) {
        guard
            let members = try? JSON(parsing: text, limits: JSONLimits(byteCount: 16 << 10, depth: 2)).objectValue,
            let signer = members["build_signer_uri"]?.stringValue
        else { throw AuthorityError(.malformed, "build should be a JSON object with a build_signer_uri") }
        self.init(buildSignerURI: signer)
        for member in members where member.key != "build_signer_uri" {
            guard let text = member.value.stringValue, text.utf8.count <= 2048 else {
                throw AuthorityError(.malformed, "build.\(member.key.safeForTerminal) should be a short text")
            }
            if member.key == "runner_environment" {
                runnerEnvironment = text
            } else if Self.names.contains(member.key) {
                claims[member.key] = text
            } else {
                throw AuthorityError(.malformed, "build.\(member.key.safeForTerminal) is not known")
            }
        }
    }

    /// The claims of a token.
    var tokenClaims: JSONObject {
        var object: JSONObject = [
            "sub": .string(buildSignerURI), "build_signer_uri": .string(buildSignerURI),
            "runner_environment": .string(runnerEnvironment),
        ]
        for name in Self.names { object[name] = claims[name].map { .string($0) } }
        return object
    }
}
