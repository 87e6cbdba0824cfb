/// One parser under test: what libFuzzer's bytes are given to, and what must hold for each input.
struct FuzzTarget: Sendable {
    /// The name on the command line and of the folder of seeds.
    let name: String
    /// Gives one input to the parser. A refusal is fine; a trap is a finding, and so is a broken promise.
    let run: @Sendable ([UInt8]) -> Void

    /// Every target, by name.
    static let all: [FuzzTarget] = [
        json, base64, tar, gzip, zstd, statIndex, tree, actionRecord, envelope, statement, bundle, yaml, buildFile,
        workspaceFile, glob, template, packageName, gitTree, protobuf, tufMetadata,
        identityToken, signingConfig, serviceAnswer, address, attestation, trustedRoot,
        certificate, timestamp, entryBody, note, proof, statTree, snapshot,
        logRecord, logPolicy, witnessRequest, logProof, tiles,
        manifest, reference, authChallenge, layer, layerTable, pathIndex,
        certificateRequest, timestampRequest, webToken, oauthForm, certificateLogEntry, issuerSettings,
        lockFile, bill, packageURL, advisory, advisoryFiles, submission,
        privateKey, encryptedKey, publicKey, signature, keyReference,
        archive, xz, debianPackage, debianControl, openPGP, imageLock, sharedLibrary,
        expression, regularExpression, policy, admission, verificationSummary, slsaVerifier,
        distribution, cacheEntry, filePack, leewayAttestation, buildRequest,
    ]

    /// Ends the process when a promise of the parser is broken, so that libFuzzer keeps the input.
    static func require(_ holds: Bool, _ promise: @autoclosure () -> String) {
        if !holds { fatalError("broken promise: \(promise())") }
    }
}
