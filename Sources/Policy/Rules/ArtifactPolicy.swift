package import Bytes
package import Keys

/// What has to be true of an artifact: the one form that every kind of policy file is read into.
///
/// All rules must be met. `docs/formats/policy.md` describes the file.
package struct ArtifactPolicy: Sendable {
    /// A text that must be met.
    package enum TextRule: Sendable {
        case exactly(String)
        /// `*` stands for anything but `/`, `**` for anything.
        case glob(Glob)
        case pattern(RegularExpression)
    }

    /// Who may have signed, under a name.
    package struct Signer: Sendable {
        package enum Kind: Sendable {
            case identity(issuer: TextRule, name: TextRule, claims: [(name: String, TextRule)])
            case key(PublicKey)
        }

        package var name: String
        package var kind: Kind
        /// Whether its signatures count only where a transparency log has them.
        package var needsLog = false
    }

    /// A pair of signer and builder, and the highest level that it is trusted for (slsa.dev, "Verifying artifacts").
    package struct Builder: Sendable {
        package var signer: String
        package var id: TextRule
        package var level: Int
        /// Who runs it; builders of one operator don't confirm each other.
        package var operatorName: String
    }

    /// Where sources may come from.
    package struct Sources: Sendable {
        package var repositories: [TextRule] = []
        package var branches: [TextRule] = []
        package var tags: [TextRule] = []
        package var mustBeClean = false
        package var needsTwoPersonReview = false
    }

    /// What an external parameter must be.
    package struct Parameter: Sendable {
        package enum Kind: String, Sendable, CaseIterable {
            case any, string, number, bool, list, map
        }

        package var name: String
        package var kind = Kind.any
        package var value: JSON?
        package var oneOf: [JSON] = []
        package var pattern: RegularExpression?
        package var isOptional = false
        /// What the members of a map must be; `nil` where any will do.
        package var members: [Parameter]?
    }

    package struct BuildType: Sendable {
        package var uri: String
        /// `nil` where nothing is asked of them.
        package var parameters: [Parameter]?
    }

    /// An attestation that must be there.
    package struct RequiredPredicate: Sendable {
        package var type: String
        /// Names of signers; empty where each will do.
        package var signers: [String] = []
        package var greatestAge: Duration?
        package var rules: [ExpressionRule] = []
    }

    package struct ExpressionRule: Sendable {
        package var name: String
        package var expression: Expression
        package var message: String?
    }

    package struct Vulnerabilities: Sendable {
        package struct Exception: Sendable {
            package var id: String
            package var until: Timestamp?
            package var reason: String
        }

        /// The worst that is let through; `nil` lets none through.
        package var greatest: VulnerabilitySeverity?
        package var signers: [String] = []
        package var greatestAge: Duration?
        package var exceptions: [Exception] = []
    }

    package struct Licences: Sendable {
        /// Only these, where there are any.
        package var allowed: Set<String> = []
        package var denied: Set<String> = []
        package var acceptsUnknown = false
        package var signers: [String] = []
    }

    /// A verifier whose summaries take the place of provenance.
    package struct Summary: Sendable {
        package var signer: String
        package var verifier: String
        /// What the summary must call the artifact; `nil` where any name will do.
        package var resource: TextRule?
        package var greatestAge: Duration?
    }

    package struct Dependencies: Sendable {
        /// The build level that a summary of each must show.
        package var level: Int
        /// URIs of dependencies that need none.
        package var exempt: [TextRule] = []
    }

    package var name: String
    package var digest: Digest
    package var isEnforced = true
    /// Which images it is about; empty where all are.
    package var images: [ImageGlob] = []
    /// Which Kubernetes objects it is about; empty where all are.
    package var resources: [ResourceMatch] = []
    package var signers: [Signer] = []
    package var builders: [Builder] = []
    package var sources: Sources?
    package var buildTypes: [BuildType] = []
    package var buildLevel: Int?
    package var sourceLevel: Int?
    package var provenanceAge: Duration?
    package var required: [RequiredPredicate] = []
    package var vulnerabilities: Vulnerabilities?
    package var licences: Licences?
    package var reproducedBy: Int?
    package var summaries: [Summary] = []
    package var dependencies: Dependencies?
    package var rules: [ExpressionRule] = []
    /// One of these must vouch for the image, where there are any.
    package var authorities: [Authority] = []
    /// What the file asks for and martlet can't decide; each is a rule that is not met.
    package var unsupported: [String] = []

    package init(name: String, digest: Digest) {
        self.name = name
        self.digest = digest
    }

    /// Whether any rule is about provenance.
    var asksForProvenance: Bool {
        !builders.isEmpty || sources != nil || !buildTypes.isEmpty || buildLevel != nil || provenanceAge != nil
            || dependencies != nil || sourceLevel != nil
    }

    /// Whether there is a rule about what others have signed.
    package var asksForEvidence: Bool { !isEmpty }

    /// Whether there is a rule at all.
    var isEmpty: Bool {
        !asksForProvenance && required.isEmpty && vulnerabilities == nil && licences == nil && reproducedBy == nil
            && summaries.isEmpty && rules.isEmpty && authorities.isEmpty && unsupported.isEmpty
    }
}

extension ArtifactPolicy.TextRule {
    /// Whether `text` meets this.
    package func accepts(_ text: String) -> Bool {
        switch self {
        case .exactly(let expected): text.hasSameBytes(as: expected)
        case .glob(let glob): glob.matches(text)
        case .pattern(let pattern): pattern.matches(text)
        }
    }

    /// For people.
    package var text: String {
        switch self {
        case .exactly(let text): text
        case .glob(let glob): glob.text
        case .pattern(let pattern): "a match of \(pattern.pattern)"
        }
    }
}

extension ArtifactPolicy.Signer {
    /// Whether this is who signed.
    package func accepts(_ signer: Evidence.Signer) -> Bool {
        switch (kind, signer) {
        case (.key(let wanted), .key(let key)): return wanted == key
        case (.identity(let issuer, let name, let claims), .identity(let gotIssuer, let gotName, let gotClaims)):
            return issuer.accepts(gotIssuer) && name.accepts(gotName)
                && claims.allSatisfy { claim in gotClaims[claim.name].map(claim.1.accepts) ?? false }
        default: return false
        }
    }
}

/// A pattern in which `*` stands for anything but `/`, and `**` for anything; the whole text must match.
package struct Glob: Sendable {
    package let text: String
    private let expression: RegularExpression

    package init(_ text: String) throws(PolicyError) {
        self.text = text
        var pattern = "^"
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if scalar != "*" {
                pattern +=
                    scalar.isASCII && !RegularExpressionSet.word.contains(scalar.value) ? "\\\(scalar)" : "\(scalar)"
            } else if rest.first == "*" {
                rest.removeFirst()
                pattern += "(?s:.*)"
            } else {
                pattern += "[^/]*"
            }
        }
        expression = try RegularExpression(pattern + "$")
    }

    package func matches(_ text: String) -> Bool { expression.matches(text) }
}

/// How bad a vulnerability is (CVSS v3.1, section 5).
package enum VulnerabilitySeverity: Int, Sendable, Comparable, CaseIterable {
    case none, low, medium, high, critical

    package var name: String { "\(self)" }

    /// Reads a word or a score; `nil` for neither.
    package init?(_ text: String) {
        switch text.lowercased() {
        case "none", "negligible", "informational": self = .none
        case "low", "minor": self = .low
        case "medium", "moderate": self = .medium
        case "high", "important", "major": self = .high
        case "critical": self = .critical
        default:
            guard let score = Double(text), 0...10 ~= score else { return nil }
            self = score == 0 ? .none : score < 4 ? .low : score < 7 ? .medium : score < 9 ? .high : .critical
        }
    }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
