internal import Attest
internal import Bytes
internal import Keys

/// Checks of the signature, of what it is about, and that log entries say the same.
extension VerificationRun {
    mutating func checkSignature() {
        guard let key else {
            report.skip(.signature, "signature", "there is no key to check it with")
            return
        }
        do {
            switch bundle.content {
            case .message(let claimed, let signature): try checkMessage(signature, claimed, key)
            case .envelope(let envelope): try checkEnvelope(envelope, key)
            }
        } catch {
            report.fail(.artifact, "artifact", "\(error)")
        }
    }

    private mutating func checkMessage(_ signature: [UInt8], _ claimed: MessageDigest?, _ key: PublicKey) throws {
        guard let artifact else {
            report.fail(
                .artifact, "artifact", "the signature is over a file, and none was given",
                remedy: "give the file, or its digest as sha256:HEX")
            return
        }
        if let claimed {
            // Of another algorithm than the digest at hand there is nothing to compare.
            if let own = try artifact.digest(claimed.algorithm) {
                guard own == claimed else {
                    report.fail(
                        .artifact, "artifact", "the bundle is for another file", expected: "\(claimed)", got: "\(own)",
                        remedy: "give the file that the bundle was made for")
                    return
                }
                report.pass(.artifact, "artifact", "\(own)")
            }
        }
        var failure = KeyError(.unsupported, "there is no way to check a signature by \(key.algorithm) here")
        for scheme in Self.schemes(of: key, preferring: claimed?.algorithm ?? loggedHash) {
            guard let message = try Self.message(artifact, scheme.hash) else {
                if failure.code != .invalidSignature {
                    failure = KeyError(
                        .unsupported,
                        "a signature by \(key.algorithm) can't be checked with the digest alone; give the file")
                }
                continue
            }
            do {
                try key.verify(signature, of: message, hash: scheme.hash, padding: scheme.padding)
                report.pass(.signature, "signature", "\(key.algorithm)")
                return
            } catch {
                failure = error
            }
        }
        report.fail(
            .signature, "signature", failure.message,
            remedy: "the file was changed after it was signed, or somebody else signed it; do not use it")
    }

    private static func message(_ artifact: any Artifact, _ hash: HashAlgorithm?) throws -> SignedMessage? {
        guard let hash else { return try artifact.bytes().map { .bytes($0) } }
        return try artifact.digest(hash).map { .digest($0) }
    }

    private mutating func checkEnvelope(_ envelope: Envelope, _ key: PublicKey) throws {
        let signed = SignedMessage.bytes(envelope.signedBytes)
        var failure = KeyError(.unsupported, "there is no way to check a signature by \(key.algorithm) here")
        var isValid = false
        for scheme in Self.schemes(of: key, preferring: loggedHash) {
            do {
                try key.verify(bundle.signature, of: signed, hash: scheme.hash, padding: scheme.padding)
                isValid = true
                break
            } catch {
                failure = error
            }
        }
        if isValid {
            report.pass(.signature, "signature", "\(key.algorithm), over \(envelope.payloadType.safeForTerminal)")
        } else {
            report.fail(
                .signature, "signature", failure.message,
                remedy: "the statement was changed after it was signed, or somebody else signed it; do not believe it")
        }
        guard envelope.payloadType.hasSameBytes(as: Statement.payloadType) else {
            if artifact != nil {
                report.fail(
                    .artifact, "artifact", "the envelope holds no statement about any artifact",
                    expected: Statement.payloadType, got: envelope.payloadType.safeForTerminal)
            }
            return
        }
        do {
            let statement = try Statement(parsing: envelope.payload)
            try checkSubjects(statement)
            self.statement = statement
        } catch let error as AttestError {
            report.fail(.artifact, "statement", error.message)
        }
    }

    /// Limits of other verifiers, which keep a statement from costing more than it says.
    private static let greatestSubjectCount = 1024
    private static let greatestDigestCount = 32

    private mutating func checkSubjects(_ statement: Statement) throws {
        guard statement.subjects.count <= Self.greatestSubjectCount,
            statement.subjects.allSatisfy({ $0.digest.count <= Self.greatestDigestCount })
        else {
            report.fail(
                .artifact, "statement",
                "it has more than \(Self.greatestSubjectCount) subjects, or one with more than \(Self.greatestDigestCount) digests"
            )
            return
        }
        guard let artifact else {
            report.skip(
                .artifact, "artifact", "none was given; the statement is about \(statement.subjects.count) subjects")
            return
        }
        var own: [HashAlgorithm: String] = [:]
        for algorithm in HashAlgorithm.allCases
        where statement.subjects.contains(where: { $0.digest[algorithm.rawValue] != nil }) {
            if let digest = try artifact.digest(algorithm) { own[algorithm] = digest.hex }
        }
        for subject in statement.subjects {
            let shared = own.filter { subject.digest[$0.key.rawValue] != nil }
            guard !shared.isEmpty else { continue }
            // A subject with one right and one wrong digest is about no file that exists.
            if shared.allSatisfy({ subject.digest[$0.key.rawValue]?.hasSameBytes(as: $0.value) == true }) {
                report.pass(
                    .artifact, "artifact",
                    subject.name.isEmpty ? "a subject of the statement" : subject.name.safeForTerminal)
                return
            }
        }
        let listed = statement.subjects.prefix(3).compactMap { $0.digest["sha256"] ?? $0.digest.values.first }
        report.fail(
            .artifact, "artifact", "the statement is about something else",
            expected: listed.isEmpty ? "a subject with a digest" : listed.joined(separator: ", ").safeForTerminal,
            got: try own[.sha256] ?? artifact.digest(.sha256)?.hex,
            remedy: "give the artifact that the statement was made for")
    }

    /// The hash function that a log entry recorded with the signature.
    private var loggedHash: HashAlgorithm? {
        for logged in loggedEntries {
            if case .artifact(let digest, _)? = logged.body?.content { return digest.algorithm }
        }
        return nil
    }

    /// In which ways a key may have signed: the likeliest first. Older signers used SHA-256 with every curve.
    private static func schemes(
        of key: PublicKey, preferring hash: HashAlgorithm?
    ) -> [(hash: HashAlgorithm?, padding: RSAPadding)] {
        switch key.algorithm {
        case .ed25519, .mlDSA65, .mlDSA87: return [(nil, .pkcs1v15)]
        case .ecdsaP256, .ecdsaP384, .ecdsaP521, .rsa:
            var hashes = [hash, key.algorithm.defaultHash].compactMap(\.self)
            hashes += HashAlgorithm.allCases.filter { !hashes.contains($0) }
            var seen: Set<HashAlgorithm> = []
            hashes = hashes.filter { seen.insert($0).inserted }
            guard case .rsa = key.algorithm else { return hashes.map { ($0, .pkcs1v15) } }
            return hashes.flatMap { [($0, .pkcs1v15), ($0, .pss)] }
        }
    }

    /// Checks that what each log recorded is this signature, by this key, over this: else a valid entry of something
    /// else could be put beside it (CVE-2022-36056).
    mutating func checkEntryMatches() {
        for logged in loggedEntries {
            guard let body = logged.body else { continue }
            let title = title(logged.number, "entry's content")
            do {
                try check(body)
                report.pass(.entryMatch, title, "\(body.kindVersion)")
            } catch let error as EntryMismatch {
                report.fail(
                    .entryMatch, title, error.reason, expected: error.expected, got: error.got,
                    remedy: "the log entry belongs to another signature; do not use the bundle")
            } catch {
                report.fail(.entryMatch, title, "\(error)")
            }
        }
    }

    private struct EntryMismatch: Error {
        let reason: String
        var expected: String?
        var got: String?
    }

    private func check(_ body: LogEntryBody) throws {
        switch (body.content, bundle.content) {
        case (.artifact(let digest, let signature), .message):
            try checkSame([signature])
            guard let own = try artifact?.digest(digest.algorithm) else {
                throw EntryMismatch(reason: "the log recorded a \(digest.algorithm.rawValue) digest; give the file")
            }
            guard own == digest else {
                throw EntryMismatch(reason: "the log recorded another file", expected: digest.hex, got: own.hex)
            }
        case (.artifact(let digest, let signature), .envelope(let envelope)):
            try checkSame([signature])
            let own = digest.algorithm.digest(of: envelope.signedBytes)
            guard own == digest else {
                throw EntryMismatch(reason: "the log recorded another envelope", expected: digest.hex, got: own.hex)
            }
        case (.envelope(let digest, let signatures), .envelope(let envelope)):
            try checkSame(signatures)
            try check(digest, isOf: envelope)
        case (.payload(let digest, let verifier), .envelope(let envelope)):
            guard policy.acceptsEntriesWithoutSignature else {
                throw EntryMismatch(
                    reason:
                        "an intoto 0.0.1 entry does not record the signature, and is accepted only when the policy says so"
                )
            }
            guard isOwn(verifier) else { throw EntryMismatch(reason: "the log recorded another key") }
            try check(digest, isOf: envelope)
        case (.envelope, .message), (.payload, .message):
            throw EntryMismatch(reason: "the log recorded an envelope, and the bundle is over a file")
        }
    }

    private func check(_ digest: MessageDigest, isOf envelope: Envelope) throws {
        let own = digest.algorithm.digest(of: envelope.payload)
        guard own == digest else {
            throw EntryMismatch(reason: "the log recorded another payload", expected: digest.hex, got: own.hex)
        }
    }

    private func checkSame(_ signatures: [LogEntryBody.Signature]) throws {
        guard signatures.count == 1, let recorded = signatures.first else {
            throw EntryMismatch(reason: "the log recorded \(signatures.count) signatures; one is needed")
        }
        guard recorded.signature == bundle.signature else {
            throw EntryMismatch(
                reason: "the log recorded another signature", expected: Base64.encode(recorded.signature),
                got: Base64.encode(bundle.signature))
        }
        guard isOwn(recorded.verifier) else {
            throw EntryMismatch(reason: "the log recorded the signature with another key or certificate")
        }
    }

    private func isOwn(_ verifier: LogEntryBody.Verifier) -> Bool {
        switch verifier {
        case .certificate(let der): certificate?.der == der
        // A log may know a certificate's key alone only when the bundle has no certificate either.
        case .publicKey(let der): certificate == nil && key?.der == der
        }
    }
}
