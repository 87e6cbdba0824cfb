package import Sigstore

/// Whom a certificate is for: what a token says, in the words of certificates.
package struct CertifiedIdentity: Hashable, Sendable {
    /// A claim under 1.3.6.1.4.1.57264.1.
    package struct Claim: Hashable, Sendable {
        package let number: UInt
        package let text: String

        package init(_ number: UInt, _ text: String) {
            self.number = number
            self.text = text
        }
    }

    package var name: Certificate.SubjectAlternativeName
    /// In the order of their numbers.
    package var claims: [Claim]
    /// What a proof of possession is a signature over.
    package var challenge: String

    package init(name: Certificate.SubjectAlternativeName, claims: [Claim], challenge: String) {
        self.name = name
        self.claims = claims.sorted { $0.number < $1.number }
        self.challenge = challenge
    }

    package subscript(number: UInt) -> String? { claims.first { $0.number == number }?.text }
}
