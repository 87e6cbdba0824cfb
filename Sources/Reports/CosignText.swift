internal import Attest
package import Bytes
internal import Keys
package import Policy
internal import Sigstore

/// Verdicts on images in cosign's words, for scripts and people that know those.
package enum CosignText {
    /// What was checked, as cosign says it.
    package static func checks(_ outcome: ImageVerification.Outcome, shown: String) -> [String] {
        var out = [
            "", "Verification for \(shown.safeForTerminal) --",
            "The following checks were performed on each of these signatures:",
            "  - The cosign claims were validated",
        ]
        let bundles = outcome.verdict.verified
        if bundles.allSatisfy({ !$0.entries.isEmpty }) {
            out.append("  - Existence of the claims in the transparency log was verified offline")
        }
        let isByKey = bundles.allSatisfy { bundle in if case .key = bundle.signer { true } else { false } }
        out.append(
            isByKey
                ? "  - The signatures were verified against the specified public key"
                : "  - The code-signing certificate was verified using trusted certificate authority certificates")
        return out
    }

    /// What the signatures say, as cosign prints it.
    package static func payloads(_ outcome: ImageVerification.Outcome, name: String) -> JSON {
        .array(
            outcome.verdict.verified.map { bundle in
                var optional = JSONObject()
                if case .certificate(_, let issuer, let subject) = bundle.signer {
                    optional["Issuer"] = .string(issuer)
                    optional["Subject"] = .string(subject.text)
                }
                return [
                    "critical": [
                        "identity": ["docker-reference": .string(name)],
                        "image": ["docker-manifest-digest": .string("\(outcome.digest)")],
                        "type": .string(bundle.statement?.predicateType ?? "cosign container image signature"),
                    ], "optional": .object(optional),
                ]
            })
    }
}
