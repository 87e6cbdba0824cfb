package import Attest
package import Bytes
package import Keys
package import Sigstore

/// What a verified bundle says, and who says it. Policies look at nothing else.
package struct Evidence: Sendable {
    /// Who signed.
    package enum Signer: Sendable {
        /// By a certificate; claims by their names in Fulcio's documentation.
        case identity(issuer: String, name: String, claims: [String: String])
        case key(PublicKey)

        /// For people.
        package var text: String {
            switch self {
            case .identity(let issuer, let name, _): "\(name) by \(issuer)"
            case .key(let key): "the key \(key.id.hex.prefix(16))"
            }
        }
    }

    /// What the signature is over.
    package enum Content: Sendable {
        case provenance(Statement, ProvenanceView)
        case summary(Statement, VerificationSummary)
        case statement(Statement)
        /// A statement whose predicate is not what its type says.
        case malformed(Statement, reason: String)
        /// The artifact itself.
        case artifact
    }

    /// The file or address that the bundle came from.
    package let name: String
    package let signer: Signer
    package let content: Content
    /// What it is about, as `sha256:HEX`.
    package let digests: Set<String>
    /// When the signature existed, by everyone who was asked.
    package let times: [VerifiedBundle.Time]
    package let isLogged: Bool
    /// The digest of the signed payload; `nil` where the signature is over the artifact.
    package let payload: Digest?

    /// Takes over what a verified bundle says.
    ///
    /// - Parameter artifact: what a signature without a statement was verified for.
    package init(_ bundle: VerifiedBundle, name: String, artifact: [MessageDigest] = []) {
        let signer: Signer
        switch bundle.signer {
        case .key(let key): signer = .key(key)
        case .certificate(let certificate, let issuer, let name):
            var claims: [String: String] = [:]
            for (claim, text) in (try? certificate.claims()) ?? [] { claims[claim.name] = text }
            signer = .identity(issuer: issuer, name: name.text, claims: claims)
        }
        self.init(
            name: name, signer: signer, statement: bundle.statement, artifact: artifact.map(\.description),
            times: bundle.times, isLogged: !bundle.entries.isEmpty,
            payload: bundle.envelope.map { Digest.of($0.payload) })
    }

    /// For tests of what stands above verification; nothing else may make evidence up.
    init(
        name: String, signer: Signer, statement: Statement?, artifact: [String] = [],
        times: [VerifiedBundle.Time] = [], isLogged: Bool, payload: Digest? = nil
    ) {
        self.name = name
        self.signer = signer
        self.times = times
        self.isLogged = isLogged
        self.payload = payload
        guard let statement else {
            content = .artifact
            digests = Set(artifact)
            return
        }
        digests = Set(statement.subjects.flatMap { subject in subject.digest.map { "\($0.key):\($0.value)" } })
        content = Self.content(of: statement)
    }

    private static func content(of statement: Statement) -> Content {
        do {
            if statement.predicateType.hasSameBytes(as: VerificationSummary.predicateType) {
                return .summary(statement, try VerificationSummary(statement.predicate))
            }
            if ProvenanceView.Format.allCases.contains(where: { $0.rawValue.hasSameBytes(as: statement.predicateType) })
            {
                return .provenance(statement, try ProvenanceView(statement))
            }
            return .statement(statement)
        } catch {
            return .malformed(statement, reason: error.message)
        }
    }

    /// The statement, where there is one.
    package var statement: Statement? {
        switch content {
        case .provenance(let statement, _), .summary(let statement, _), .statement(let statement),
            .malformed(let statement, _):
            statement
        case .artifact: nil
        }
    }

    package var provenance: ProvenanceView? { if case .provenance(_, let view) = content { view } else { nil } }
    package var summary: VerificationSummary? { if case .summary(_, let summary) = content { summary } else { nil } }

    /// The repository that its sources are from, where it says so.
    package var repository: String? {
        guard let statement, let provenance else { return nil }
        return SourceClaim(statement, provenance)?.repository
    }

    /// Whether this is about an artifact with one of these digests.
    package func isAbout(_ artifact: PolicySubject) -> Bool { !digests.isDisjoint(with: artifact.digests) }
}

/// What a policy decides about: an artifact by its digests.
package struct PolicySubject: Hashable, Sendable {
    /// A file name or image reference, for people.
    package var name: String
    /// As `sha256:HEX`.
    package var digests: [String]

    package init(name: String, digests: [String]) {
        self.name = name
        self.digests = digests
    }

    package init(name: String, digest: Digest) { self.init(name: name, digests: ["\(digest)"]) }
}

/// Evidence by what it is about.
package struct EvidencePool: Sendable {
    private var byDigest: [String: [Int]] = [:]
    package private(set) var all: [Evidence] = []

    package init(_ evidence: [Evidence] = []) { for item in evidence { add(item) } }

    package mutating func add(_ evidence: Evidence) {
        for digest in evidence.digests { byDigest[digest, default: []].append(all.count) }
        all.append(evidence)
    }

    /// Everything about an artifact, in the order in which it was added.
    package func evidence(about subject: PolicySubject) -> [Evidence] {
        let places =
            subject.digests.count == 1
            ? byDigest[subject.digests[0]] ?? [] : Set(subject.digests.flatMap { byDigest[$0] ?? [] }).sorted()
        return places.map { all[$0] }
    }
}
