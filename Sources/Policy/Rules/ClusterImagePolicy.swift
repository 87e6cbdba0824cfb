internal import Bytes
internal import Keys
internal import Workspace

/// Reads a ClusterImagePolicy of sigstore's policy-controller as it is. What martlet can't decide becomes a rule that
/// is not met, so that such a policy admits nothing rather than too much.
extension ArtifactPolicy {
    init(clusterImagePolicy document: YAMLValue, file: String, digest: Digest, files: FileReading) throws(PolicyError) {
        let fields = try PolicyFields(
            document, file: file, path: "", keys: ["apiVersion", "kind", "metadata", "spec", "status"])
        let version = try fields.requiredText("apiVersion")
        guard ["policy.sigstore.dev/v1beta1", "policy.sigstore.dev/v1alpha1"].contains(version) else {
            throw fields.failure(
                "apiVersion", "is \(version.safeForTerminal)", "known are policy.sigstore.dev/v1beta1 and v1alpha1")
        }
        guard try fields.requiredText("kind") == "ClusterImagePolicy" else {
            throw fields.failure("kind", "is no ClusterImagePolicy", "give trust roots as trusted root files")
        }
        guard let spec = try fields.object("spec", keys: ["images", "authorities", "policy", "mode", "match"]) else {
            throw fields.failure("spec", "is missing")
        }
        self.init(name: try fields.object("metadata", keys: nil)?.text("name") ?? file, digest: digest)
        for image in try spec.objects("images", keys: ["glob"]) {
            do {
                images.append(try ImageGlob(try image.requiredText("glob")))
            } catch {
                throw image.failure("glob", error.message)
            }
        }
        guard !images.isEmpty else {
            throw spec.failure("images", "is missing", "name the images that the policy is about")
        }
        switch try spec.text("mode") ?? "enforce" {
        case "enforce", "": isEnforced = true
        case "warn": isEnforced = false
        default: throw spec.failure("mode", "is neither enforce nor warn")
        }
        resources = try ResourceMatch.read(spec, "match")
        let keys = [
            "name", "key", "keyless", "static", "source", "ctlog", "attestations", "rfc3161timestamp",
            "signatureFormat",
        ]
        for (index, entry) in try spec.objects("authorities", keys: keys).enumerated() {
            authorities.append(try Authority(entry, index, files))
        }
        guard !authorities.isEmpty else {
            throw spec.failure("authorities", "is missing", "say who vouches for the images")
        }
        if let policy = try spec.object("policy", keys: nil) { unsupported.append(Self.unsupported(policy)) }
    }

    /// Why a policy in another language is not decided.
    static func unsupported(_ policy: PolicyFields) -> String {
        let type = policy.value("type")?.text ?? "unknown"
        return "\(policy.path) at line \(policy.line) is in \(type.safeForTerminal), which martlet does not evaluate"
    }
}

extension Authority {
    fileprivate init(_ entry: PolicyFields, _ index: Int, _ files: ArtifactPolicy.FileReading) throws(PolicyError) {
        self.init(name: try entry.text("name") ?? "authority-\(index)", kind: .unsupported("it names nobody"))
        let ways = ["key", "keyless", "static"].filter { entry.value($0) != nil }
        guard ways.count == 1 else {
            throw PolicyFields.failure(
                entry.file, entry.line,
                "\(entry.path) has \(ways.isEmpty ? "none" : "more than one") of key, keyless and static")
        }
        needsLog = entry.value("ctlog") != nil
        needsTimestamp = entry.value("rfc3161timestamp") != nil
        if let key = try entry.object("key", keys: ["secretRef", "data", "kms", "hashAlgorithm"]) {
            kind = try Self.key(key, name, files)
        } else if let keyless = try entry.object(
            "keyless",
            keys: ["url", "identities", "ca-cert", "trustRootRef", "insecureIgnoreSCT"])
        {
            kind = try Self.keyless(keyless, name)
            // Without a timestamp only the log can say when a short-lived certificate was used.
            needsLog = needsLog || !needsTimestamp
        } else if let fixed = try entry.object("static", keys: ["action", "message"]) {
            switch try fixed.text("action") {
            case "pass": kind = .fixed(isPassed: true, message: nil)
            case "fail": kind = .fixed(isPassed: false, message: try fixed.text("message"))
            default: throw fixed.failure("action", "is neither pass nor fail")
            }
        }
        for source in try entry.objects("source", keys: ["oci", "signaturePullSecrets", "tagPrefix"]) {
            if let repository = try source.text("oci") { sources.append(repository) }
        }
        for item in ["ctlog", "rfc3161timestamp"] {
            if try entry.object(item, keys: ["url", "trustRootRef"])?.text("trustRootRef") != nil {
                kind = .unsupported(
                    "\(item).trustRootRef names a TrustRoot of the cluster; give its trusted root to the verifier")
            }
        }
        if let format = try entry.text("signatureFormat"), !["legacy", "bundle", "simplesigning"].contains(format) {
            kind = .unsupported("the signature format \(format.safeForTerminal) is not known")
        }
        for attestation in try entry.objects("attestations", keys: ["name", "predicateType", "policy"]) {
            let type = PredicateType.uri(try attestation.requiredText("predicateType"))
            attestations.append(ArtifactPolicy.RequiredPredicate(type: type))
            if let policy = try attestation.object("policy", keys: nil) {
                kind = .unsupported(ArtifactPolicy.unsupported(policy))
            }
        }
    }

    private static func key(
        _ fields: PolicyFields, _ name: String, _ files: ArtifactPolicy.FileReading
    ) throws(PolicyError) -> Kind {
        if let algorithm = try fields.text("hashAlgorithm"), !["sha256", "sha384", "sha512"].contains(algorithm) {
            return .unsupported("the hash algorithm \(algorithm.safeForTerminal) is not taken")
        }
        if let data = try fields.text("data") {
            let key = try ArtifactPolicy.key(Array(data.utf8), fields, "data")
            return .signers([ArtifactPolicy.Signer(name: name, kind: .key(key))])
        }
        if let kms = try fields.text("kms") {
            return .unsupported("the key is in \(kms.safeForTerminal); give its public half as data")
        }
        return .unsupported("the key is in a secret of the cluster; give its public half as data")
    }

    private static func keyless(_ fields: PolicyFields, _ name: String) throws(PolicyError) -> Kind {
        if fields.value("ca-cert") != nil || fields.value("trustRootRef") != nil {
            return .unsupported("the authority has a root of its own; give it to the verifier as a trusted root")
        }
        if try fields.bool("insecureIgnoreSCT") {
            return .unsupported(
                "insecureIgnoreSCT asks to pass over a check; say so to the verifier with --certificate-logs 0")
        }
        var signers: [ArtifactPolicy.Signer] = []
        let keys = ["issuer", "subject", "issuerRegExp", "subjectRegExp"]
        for identity in try fields.objects("identities", keys: keys) {
            let issuer = try rule(identity, "issuer")
            let subject = try rule(identity, "subject")
            guard let issuer, let subject else {
                throw PolicyFields.failure(
                    identity.file, identity.line, "\(identity.path) lacks an issuer or a subject",
                    "give issuer or issuerRegExp, and subject or subjectRegExp")
            }
            signers.append(
                ArtifactPolicy.Signer(name: name, kind: .identity(issuer: issuer, name: subject, claims: [])))
        }
        guard !signers.isEmpty else {
            return .unsupported("it takes any identity; name identities")
        }
        return .signers(signers)
    }

    private static func rule(_ fields: PolicyFields, _ key: String) throws(PolicyError) -> ArtifactPolicy.TextRule? {
        if let text = try fields.text(key) { return .exactly(text) }
        let patternKey = key + "RegExp"
        return try fields.text(patternKey).map { text throws(PolicyError) in
            .pattern(try fields.pattern(text, patternKey))
        }
    }
}
