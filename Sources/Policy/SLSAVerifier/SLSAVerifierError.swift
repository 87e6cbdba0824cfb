/// Why slsa-verifier would refuse, by the names that its scripts and tests know.
package struct SLSAVerifierError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The identities of slsa-verifier.
    package enum Identity: String, Sendable, CaseIterable {
        case invalidDSSEPayload = "ErrorInvalidDssePayload"
        case mismatchBranch = "ErrorMismatchBranch"
        case mismatchPackageVersion = "ErrorMismatchPackageVersion"
        case mismatchPackageName = "ErrorMismatchPackageName"
        case mismatchBuilderID = "ErrorMismatchBuilderID"
        case invalidBuilderID = "ErrorInvalidBuilderID"
        case invalidBuildType = "ErrorInvalidBuildType"
        case mismatchSource = "ErrorMismatchSource"
        case mismatchWorkflowInputs = "ErrorMismatchWorkflowInputs"
        case malformedURI = "ErrorMalformedURI"
        case mismatchCertificate = "ErrorMismatchCertificate"
        case invalidCertificate = "ErrorInvalidCertificate"
        case mismatchTag = "ErrorMismatchTag"
        case invalidRecipe = "ErrorInvalidRecipe"
        case mismatchVersionedTag = "ErrorMismatchVersionedTag"
        case invalidSemver = "ErrorInvalidSemver"
        case rekorSearch = "ErrorRekorSearch"
        case mismatchHash = "ErrorMismatchHash"
        case nonVerifiableClaim = "ErrorNonVerifiableClaim"
        case mismatchIntoto = "ErrorMismatchIntoto"
        case invalidRef = "ErrorInvalidRef"
        case untrustedReusableWorkflow = "ErrorUntrustedReusableWorkflow"
        case noValidRekorEntries = "ErrorNoValidRekorEntries"
        case verifierNotSupported = "ErrorVerifierNotSupported"
        case invalidOIDCIssuer = "ErrorInvalidOIDCIssuer"
        case notSupported = "ErrorNotSupported"
        case invalidFormat = "ErrorInvalidFormat"
        case invalidPEM = "ErrorInvalidPEM"
        case invalidSignature = "ErrorInvalidSignature"
        case noValidSignature = "ErrorNoValidSignature"
        case mutableImage = "ErrorMutableImage"
        case imageHash = "ErrorImageHash"
        case invalidEncoding = "ErrorInvalidEncoding"
        case `internal` = "ErrorInternal"
        case invalidRekorEntry = "ErrorInvalidRekorEntry"
        case rekorPublicKey = "ErrorRekorPubKey"
        case invalidPackageName = "ErrorInvalidPackageName"
        case invalidSubject = "ErrorInvalidSubject"
        case invalidHash = "ErrorInvalidHash"
        case notPresent = "ErrorNotPresent"
        case invalidPublicKey = "ErrorInvalidPublicKey"
        case invalidVerificationResult = "ErrorInvalidVerificationResult"
        case mismatchVerifiedLevels = "ErrorMismatchVerifiedLevels"
        case missingSubjectDigest = "ErrorMissingSubjectDigest"
        case emptyRequiredField = "ErrorEmptyRequiredField"
        case mismatchResourceURI = "ErrorMismatchResourceURI"
        case mismatchVerifierID = "ErrorMismatchVerifierID"
        case invalidSLSALevel = "ErrorInvalidSLSALevel"

        // Of its reader of Sigstore bundles.
        case mismatchSignature = "ErrorMismatchSignature"
        case missingCertificateInBundle = "ErrorMissingCertInBundle"
        case unexpectedBundleContent = "ErrorUnexpectedBundleContent"
        // Of its reader of npm's attestations.
        case invalidAttestations = "ErrorInvalidAttestations"
        case missingRegistryKey = "ErrorMissingNpmjsKeyIDKeyUsage"
    }

    package let identity: Identity
    /// What the failed check was part of, where slsa-verifier's error is of both kinds.
    package let outer: Identity?
    package let message: String
    /// Nothing was found wrong, and something could not be looked at.
    package let isUndecided: Bool

    package init(_ identity: Identity, within outer: Identity? = nil, _ message: String, isUndecided: Bool = false) {
        self.identity = identity
        self.outer = outer
        self.message = message
        self.isUndecided = isUndecided
    }

    package var description: String {
        "\(outer.map { "\($0.rawValue): " } ?? "")\(identity.rawValue): \(message)"
    }
}
