internal import Attest
internal import Bytes
internal import Host
package import Keys
package import SystemPackage

/// slsa-verifier's `verify-vsa`, in its order and with its errors.
package struct SLSAVerifierSummary: Sendable {
    package var subjectDigests: [String]
    package var verifierID: String
    package var resourceURI: String
    package var verifiedLevels: [String]

    package init(subjectDigests: [String], verifierID: String, resourceURI: String, verifiedLevels: [String]) {
        self.subjectDigests = subjectDigests
        self.verifierID = verifierID
        self.resourceURI = resourceURI
        self.verifiedLevels = verifiedLevels
    }

    /// Verifies the summaries of a file with the verifier's key; one that passes is enough. Gives its bytes.
    ///
    /// - Parameter keyID: The key's id. Without one it is the key's fingerprint; a signature may leave its own out.
    package func verify(_ path: FilePath, key: PublicKey, keyID: String? = nil) throws -> [UInt8] {
        try verify(Files.read(path, limit: 64 << 20), key: key, keyID: keyID)
    }

    package func verify(_ bytes: [UInt8], key: PublicKey, keyID: String? = nil) throws(SLSAVerifierError) -> [UInt8] {
        var failure: SLSAVerifierError?
        for envelope in try Self.envelopes(bytes) {
            do throws(SLSAVerifierError) {
                try Self.checkSignature(of: envelope, key, keyID)
                try verify(envelope.payload)
                return envelope.payload
            } catch {
                failure = failure ?? error
            }
        }
        throw failure ?? SLSAVerifierError(.invalidDSSEPayload, "the file is empty")
    }

    /// Why a summary would be refused, were it signed; `nil` where nothing is wrong with it.
    package func refusal(of payload: [UInt8]) -> SLSAVerifierError? {
        do throws(SLSAVerifierError) {
            try verify(payload)
            return nil
        } catch {
            return error
        }
    }

    // MARK: - Envelope

    /// The envelopes of a file: one, that of a Sigstore bundle, or one a line.
    private static func envelopes(_ bytes: [UInt8]) throws(SLSAVerifierError) -> [Envelope] {
        let limits = JSONLimits(byteCount: 64 << 20, depth: 64)
        do {
            if let json = try? JSON(parsing: bytes, limits: limits) { return [try envelope(json)] }
            var out: [Envelope] = []
            for line in bytes.split(separator: 0x0A).prefix(10_000) where line.contains(where: { $0 > 0x20 }) {
                out.append(try envelope(JSON(parsing: Array(line), limits: limits)))
            }
            return out
        } catch let error as SLSAVerifierError {
            throw error
        } catch {
            throw SLSAVerifierError(.invalidDSSEPayload, "\(error)")
        }
    }

    private static func envelope(_ json: JSON) throws -> Envelope {
        let envelope = try Envelope(json["dsseEnvelope"] ?? json, at: "envelope")
        guard envelope.payloadType == Statement.payloadType else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the payload type is '\(envelope.payloadType)'")
        }
        return envelope
    }

    /// One signature by the key is enough. One that names another key is passed over.
    private static func checkSignature(
        of envelope: Envelope, _ key: PublicKey, _ keyID: String?
    ) throws(SLSAVerifierError) {
        let given = keyID.flatMap { $0.isEmpty ? nil : $0 }
        let id = given ?? key.sshFingerprint ?? ""
        var reasons: [String] = []
        for signature in envelope.signatures.prefix(100) {
            if let named = signature.keyID, !named.isEmpty, !id.isEmpty, !named.hasSameBytes(as: id) {
                reasons.append("it is by the key '\(named)', not '\(id)'\(given == nil ? "; see --public-key-id" : "")")
                continue
            }
            do {
                try key.verify(signature.signature, of: .bytes(envelope.signedBytes))
                return
            } catch {
                reasons.append(error.message)
            }
        }
        throw SLSAVerifierError(
            .noValidSignature, reasons.isEmpty ? "the envelope has no signature" : reasons.joined(separator: "; "))
    }

    // MARK: - Summary

    /// What the members of a summary may be, where they are there.
    private static let shape: [(path: [String], isValid: @Sendable (JSON) -> Bool)] = [
        (["verifier"], { $0.objectValue != nil }), (["verifier", "id"], { $0.stringValue != nil }),
        (["timeVerified"], { $0.stringValue.flatMap { Timestamp($0) } != nil }),
        (["resourceUri"], { $0.stringValue != nil }), (["policy"], { $0.objectValue != nil }),
        (["inputAttestations"], { $0.arrayValue?.allSatisfy { $0.objectValue != nil } == true }),
        (["verificationResult"], { $0.stringValue != nil }),
        (["verifiedLevels"], { $0.arrayValue?.allSatisfy { $0.stringValue != nil } == true }),
        (["dependencyLevels"], { $0.objectValue?.allSatisfy { $0.value.intValue != nil } == true }),
        (["slsaVersion"], { $0.stringValue != nil }),
    ]

    /// Checks a summary that the verifier signed.
    func verify(_ payload: [UInt8]) throws(SLSAVerifierError) {
        let statement: Statement
        do {
            statement = try Statement(parsing: payload)
        } catch {
            throw SLSAVerifierError(.invalidDSSEPayload, error.message)
        }
        guard statement.predicateType == VerificationSummary.predicateType else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the predicate type is '\(statement.predicateType)'")
        }
        let predicate = statement.predicate
        for (path, isValid) in Self.shape {
            guard let value = path.reduce(Optional(predicate), { $0?[$1] }), !value.isNull else { continue }
            guard isValid(value) else {
                throw SLSAVerifierError(.invalidDSSEPayload, "\(path.joined(separator: ".")) can't be read")
            }
        }
        try checkSubjects(statement.subjects)
        try Self.checkEqual(
            "verifier.id", predicate["verifier"]?["id"], verifierID, or: .mismatchVerifierID)
        try Self.checkEqual("resourceUri", predicate["resourceUri"], resourceURI, or: .mismatchResourceURI)
        let result = predicate["verificationResult"]?.stringValue ?? ""
        guard result == "PASSED" else {
            throw SLSAVerifierError(.invalidVerificationResult, "the result is '\(result)'")
        }
        try checkLevels((predicate["verifiedLevels"]?.arrayValue ?? []).compactMap(\.stringValue))
    }

    private func checkSubjects(_ subjects: [Subject]) throws(SLSAVerifierError) {
        guard !subjectDigests.isEmpty else {
            throw SLSAVerifierError(.emptyRequiredField, "give --subject-digest ALGORITHM:VALUE")
        }
        guard subjects.contains(where: { !$0.digest.isEmpty }) else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the summary has no subject with a digest")
        }
        for digest in subjectDigests {
            guard let colon = digest.firstIndex(of: ":") else {
                throw SLSAVerifierError(.invalidDSSEPayload, "'\(digest)' is not ALGORITHM:VALUE")
            }
            let algorithm = String(digest[..<colon])
            let value = String(digest[digest.index(after: colon)...])
            guard subjects.contains(where: { $0.digest[algorithm]?.hasSameBytes(as: value) == true }) else {
                throw SLSAVerifierError(.missingSubjectDigest, "\(digest) is no subject of the summary")
            }
        }
    }

    private static func checkEqual(
        _ name: String, _ value: JSON?, _ wanted: String, or identity: SLSAVerifierError.Identity
    ) throws(SLSAVerifierError) {
        let got = value?.stringValue ?? ""
        guard !got.isEmpty else { throw SLSAVerifierError(.emptyRequiredField, name) }
        guard got.hasSameBytes(as: wanted) else {
            throw SLSAVerifierError(identity, "expected '\(wanted)', got '\(got)'")
        }
    }

    /// Levels of SLSA are met by higher ones of the same track; other words are met by themselves.
    private func checkLevels(_ verified: [String]) throws(SLSAVerifierError) {
        let wanted = try Self.tracks(verifiedLevels)
        let got = try Self.tracks(verified)
        for (track, level) in wanted.sorted(by: { $0.key < $1.key }) {
            guard let reached = got[track], reached >= level else {
                throw SLSAVerifierError(
                    .mismatchVerifiedLevels,
                    "expected level \(level) of \(track), got \(got[track].map { "\($0)" } ?? "none")")
            }
        }
        for word in verifiedLevels where !Self.isOfTrack(word) && !verified.contains(word) {
            throw SLSAVerifierError(.mismatchVerifiedLevels, "'\(word)' is not among the verified levels")
        }
    }

    /// Whether a word is about a level of SLSA's: it begins so, and is none of the words without a level.
    private static func isOfTrack(_ word: String) -> Bool {
        word.hasPrefix("SLSA_") && ![VerifiedLevel.reproduced, .twoPartyReviewed].contains(.property(word))
    }

    /// The highest level of each track, from words of the form `SLSA_TRACK_LEVEL_N`.
    private static func tracks(_ levels: [String]) throws(SLSAVerifierError) -> [String: Int] {
        var out: [String: Int] = [:]
        for text in levels where isOfTrack(text) {
            let parts = text.split(separator: "_", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 4, parts[2] == "LEVEL", let level = Int(parts[3]) else {
                throw SLSAVerifierError(.invalidSLSALevel, "'\(text)'")
            }
            out[parts[1]] = max(out[parts[1]] ?? level, level)
        }
        return out
    }
}
