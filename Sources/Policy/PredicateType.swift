/// Predicate types by the short names that cosign gave them.
package enum PredicateType {
    private static let known: [(name: String, uri: String)] = [
        ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
        ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
        ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
        ("spdx", "https://spdx.dev/Document"),
        ("spdxjson", "https://spdx.dev/Document"),
        ("cyclonedx", "https://cyclonedx.org/bom"),
        ("vsa", "https://slsa.dev/verification_summary/v1"),
        ("link", "https://in-toto.io/Link/v1"),
        ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
        ("openvex", "https://openvex.dev/ns"),
        ("custom", "https://cosign.sigstore.dev/attestation/v1"),
    ]

    /// The short names, in the order in which help shows them.
    package static let shortNames = known.map(\.name)

    /// The URI for a short name; what is none is a URI already.
    package static func uri(_ text: String) -> String { known.first { $0.name == text }?.uri ?? text }
}
