/// Why slsa-verifier would refuse, by the names that its scripts and tests know.
package struct SLSAVerifierError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The identities of slsa-verifier that can be decided offline.
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
        case mismatchVersionedTag = "ErrorMismatchVersionedTag"
        case invalidSemver = "ErrorInvalidSemver"
        case mismatchHash = "ErrorMismatchHash"
        case nonVerifiableClaim = "ErrorNonVerifiableClaim"
        case invalidRef = "ErrorInvalidRef"
        case untrustedReusableWorkflow = "ErrorUntrustedReusableWorkflow"
        case noValidRekorEntries = "ErrorNoValidRekorEntries"
        case invalidOIDCIssuer = "ErrorInvalidOIDCIssuer"
        case notSupported = "ErrorNotSupported"
        case invalidFormat = "ErrorInvalidFormat"
        case invalidSignature = "ErrorInvalidSignature"
        case noValidSignature = "ErrorNoValidSignature"
        case mutableImage = "ErrorMutableImage"
        case invalidRekorEntry = "ErrorInvalidRekorEntry"
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
    }

    package let identity: Identity
    package let message: String

    package init(_ identity: Identity, _ message: String) {
        self.identity = identity
        self.message = message
    }

    package var description: String { "\(identity.rawValue): \(message)" }
}
