internal import Bytes
internal import SwiftASN1
internal import X509

/// What Fulcio writes into a certificate about who asked for it (fulcio, docs/oid-info.md).
extension Certificate {
    /// A claim of the token that the certificate was issued for: 1.3.6.1.4.1.57264.1.`number`.
    package enum Claim: UInt, CaseIterable, Sendable {
        case workflowTrigger = 2, workflowSHA, workflowName, workflowRepository, workflowRef
        case issuer = 8
        case buildSignerURI, buildSignerDigest, runnerEnvironment, sourceRepositoryURI, sourceRepositoryDigest
        case sourceRepositoryRef, sourceRepositoryIdentifier, sourceRepositoryOwnerURI
        case sourceRepositoryOwnerIdentifier, buildConfigURI, buildConfigDigest, buildTrigger, runInvocationURI
        case sourceRepositoryVisibility, deploymentEnvironment, tokenSubject

        /// The name in Fulcio's documentation, in one word.
        package var name: String { "\(self)" }
    }

    /// The text of a claim; `nil` where it is absent.
    ///
    /// Up to number 6 an extension holds the bare text, from 8 on a DER UTF8String. The issuer is taken from 8, and
    /// from the older 1 where that is absent.
    package func claim(_ claim: Claim) throws(SigstoreError) -> String? {
        if let text = try extensionText(claim.rawValue) { return text }
        return claim == .issuer ? try extensionText(1) : nil
    }

    /// All claims that are there, in the order of their numbers.
    package func claims() throws(SigstoreError) -> [(claim: Claim, text: String)] {
        var out: [(claim: Claim, text: String)] = []
        for claim in Claim.allCases {
            if let text = try self.claim(claim) { out.append((claim, text)) }
        }
        return out
    }

    /// The text of the extension with this object identifier, read as Fulcio's are; `nil` where it is absent.
    package func extensionText(oid: String) throws(SigstoreError) -> String? {
        guard let identifier = try? ASN1ObjectIdentifier(dotRepresentation: oid[...]) else {
            throw SigstoreError(.malformed, "\(oid.safeForTerminal) is no object identifier")
        }
        guard let value = extensionValue(identifier) else { return nil }
        if oid.hasPrefix("1.3.6.1.4.1.57264.1."), let number = UInt(oid.dropFirst(20)), number < 7 {
            return try Self.text(value, oid)
        }
        guard let text = try? ASN1UTF8String(derEncoded: value) else {
            throw SigstoreError(.malformed, "the extension \(oid) is no UTF8String in DER")
        }
        return try Self.text(text.bytes, oid)
    }

    private func extensionText(_ number: UInt) throws(SigstoreError) -> String? {
        try extensionText(oid: "1.3.6.1.4.1.57264.1.\(number)")
    }

    private static func text(_ bytes: ArraySlice<UInt8>, _ oid: String) throws(SigstoreError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SigstoreError(.malformed, "the extension \(oid) is not UTF-8")
        }
        return text
    }

    /// Who the certificate is for.
    package enum SubjectAlternativeName: Hashable, Sendable, CustomStringConvertible {
        case email(String)
        case uri(String)
        /// A user name as Fulcio writes it, otherName 1.3.6.1.4.1.57264.1.7.
        case otherName(String)

        package var text: String {
            switch self {
            case .email(let text), .uri(let text), .otherName(let text): text
            }
        }

        package var description: String { text }
    }

    /// The one name of a signer. Refused: none or several, a name of another type, an extension that is not critical.
    package func signerName() throws(SigstoreError) -> SubjectAlternativeName {
        guard let found = parsed.extensions[oid: .X509ExtensionID.subjectAlternativeName],
            let names = try? SubjectAlternativeNames(found), let name = names.first
        else { throw SigstoreError(.malformed, "the certificate names nobody: it has no subject alternative name") }
        guard found.critical else {
            throw SigstoreError(.malformed, "the certificate's subject alternative name is not marked critical")
        }
        guard names.count == 1 else {
            throw SigstoreError(
                .malformed, "the certificate has \(names.count) subject alternative names; one is allowed")
        }
        switch name {
        case .rfc822Name(let text): return .email(text)
        case .uniformResourceIdentifier(let text): return .uri(text)
        case .otherName(let other):
            guard other.typeID == [1, 3, 6, 1, 4, 1, 57264, 1, 7], let value = other.value,
                let text = try? ASN1UTF8String(asn1Any: value)
            else { break }
            return .otherName(String(text))
        default: break
        }
        throw SigstoreError(.unsupported, "the certificate's subject alternative name is of a type that no signer has")
    }

    /// Checks what a certificate must be for its key to sign artifacts: no authority, for digital signatures, for code.
    func checkCodeSigning() throws(SigstoreError) {
        guard !isAuthority else { throw SigstoreError(.malformed, "the certificate is that of an authority") }
        let usage = try? parsed.extensions.keyUsage
        guard usage?.digitalSignature == true else {
            throw SigstoreError(.malformed, "the certificate's key is not for digital signatures")
        }
        let purposes = try? parsed.extensions.extendedKeyUsage
        guard purposes?.contains(.codeSigning) == true else {
            throw SigstoreError(.malformed, "the certificate's key is not for code signing")
        }
    }

    /// Checks what a certificate must be for its key to sign timestamps: for that alone, and critically so (RFC 3161
    /// section 2.3).
    package func checkTimestamping() throws(SigstoreError) {
        guard let found = parsed.extensions[oid: .X509ExtensionID.extendedKeyUsage],
            let purposes = try? ExtendedKeyUsage(found), purposes.elementsEqual([.timeStamping])
        else { throw SigstoreError(.malformed, "the certificate's key is not for timestamps alone") }
        guard found.critical else {
            throw SigstoreError(.malformed, "the certificate's purpose, timestamps, is not marked critical")
        }
    }
}
