internal import Bytes
package import Keys

/// Policies that are made of others, or of a key, and not of a file.
extension ArtifactPolicy {
    /// A policy by which the holder of `key` may sign, and nobody else. By itself it has no rule.
    package init(signedBy key: PublicKey) {
        self.init(name: "the key \(key.id.hex.prefix(16))", digest: .of(key.der))
        signers = [Signer(name: "key", kind: .key(key))]
    }

    /// This policy, and a statement of the type `predicate` that one of its signers has signed.
    package func requiring(predicate: String) -> ArtifactPolicy {
        var policy = self
        policy.required.append(RequiredPredicate(type: predicate))
        return policy
    }

    /// This policy for artifacts from `repository` alone; `nil` where it does not take those.
    package func restricted(toRepository repository: String) -> ArtifactPolicy? {
        var policy = self
        var sources = sources ?? Sources()
        guard sources.repositories.isEmpty || sources.repositories.contains(where: { $0.accepts(repository) }) else {
            return nil
        }
        sources.repositories = [.exactly(repository)]
        policy.sources = sources
        return policy
    }

    /// Whether a signer is known by an identity, so that a trusted root is needed.
    package var namesIdentities: Bool {
        signers.contains { if case .identity = $0.kind { true } else { false } }
    }
}
