internal import Bytes
internal import Keys
internal import Sigstore
internal import Workspace

extension ArtifactPolicy {
    /// The most bytes of a policy file.
    package static let greatestLength = 1 << 20

    /// Files that a policy names, such as keys; gives their bytes.
    package typealias FileReading = (_ path: String) throws -> [UInt8]

    /// Reads the policies of a YAML file, martlet's own and ClusterImagePolicies.
    ///
    /// - Parameters:
    ///   - file: its name, for messages.
    ///   - files: reads what the policy refers to.
    package static func policies(
        parsing bytes: [UInt8], file: String, files: FileReading
    ) throws(PolicyError) -> [ArtifactPolicy] {
        guard bytes.count <= greatestLength else {
            throw PolicyError("\(file) has \(bytes.count) bytes; the limit is \(greatestLength)")
        }
        let documents: [YAMLValue]
        do {
            documents = try YAMLValue.documents(parsing: bytes)
        } catch {
            throw PolicyFields.failure(file, error.line, error.message)
        }
        guard !documents.isEmpty else {
            throw PolicyError("\(file) holds no policy; write one, as docs/formats/policy.md shows")
        }
        let digest = Digest.of(bytes)
        var out: [ArtifactPolicy] = []
        for document in documents {
            let kind = document["kind"]?.text ?? ""
            let version = document["apiVersion"]?.text ?? ""
            if kind == "ClusterImagePolicy" || version.hasPrefix("policy.sigstore.dev/") {
                out.append(try ArtifactPolicy(clusterImagePolicy: document, file: file, digest: digest, files: files))
            } else {
                out.append(try ArtifactPolicy(document, file: file, digest: digest, files: files))
            }
        }
        return out
    }

    private static let keys = [
        "policy", "name", "mode", "images", "match", "signers", "builders", "sources", "buildTypes", "levels", "ages",
        "requires", "vulnerabilities", "licences", "reproducedBy", "summaries", "dependencies", "rules",
    ]

    init(_ document: YAMLValue, file: String, digest: Digest, files: FileReading) throws(PolicyError) {
        let fields = try PolicyFields(document, file: file, path: "", keys: Self.keys)
        guard try fields.text("policy") == "v1" else {
            throw fields.failure("policy", "says no version that is known", "begin the file with 'policy: v1'")
        }
        self.init(name: try fields.requiredText("name"), digest: digest)
        switch try fields.text("mode") ?? "enforce" {
        case "enforce": isEnforced = true
        case "warn": isEnforced = false
        default: throw fields.failure("mode", "is neither enforce nor warn")
        }
        images = try Self.globs(fields, "images")
        resources = try ResourceMatch.read(fields, "match")
        signers = try Self.signers(fields, files)
        try readBuilders(fields)
        try readSources(fields)
        try readBuildTypes(fields)
        if let levels = try fields.object("levels", keys: ["build", "source"]) {
            buildLevel = try levels.count("build", 0...3)
            sourceLevel = try levels.count("source", 0...4)
        }
        if let ages = try fields.object("ages", keys: ["provenance"]) { provenanceAge = try ages.span("provenance") }
        try readRequired(fields)
        try readVulnerabilities(fields)
        try readLicences(fields)
        reproducedBy = try fields.count("reproducedBy", 2...100)
        try readSummaries(fields)
        if let dependencies = try fields.object("dependencies", keys: ["level", "exempt"]) {
            guard let level = try dependencies.count("level", 0...3) else {
                throw dependencies.failure("level", "is missing")
            }
            self.dependencies = Dependencies(level: level, exempt: try dependencies.rules("exempt"))
        }
        rules = try Self.rules(fields)
        guard !isEmpty else {
            throw PolicyFields.failure(file, document.line, "the policy has no rule, so it would allow everything")
        }
        if buildLevel ?? 0 > 0, builders.isEmpty, summaries.isEmpty {
            throw fields.failure(
                "levels", "ask for a build level, but no builder is trusted for one", "list builders with their levels")
        }
        if reproducedBy != nil, builders.isEmpty, summaries.isEmpty {
            throw fields.failure(
                "reproducedBy", "needs builders", "list at least as many builders of different operators")
        }
    }

    static func globs(_ fields: PolicyFields, _ key: String) throws(PolicyError) -> [ImageGlob] {
        var out: [ImageGlob] = []
        for text in try fields.texts(key) {
            do {
                out.append(try ImageGlob(text))
            } catch {
                throw fields.failure(key, error.message)
            }
        }
        return out
    }

    private static func signers(_ fields: PolicyFields, _ files: FileReading) throws(PolicyError) -> [Signer] {
        var out: [Signer] = []
        guard let signers = try fields.object("signers", keys: nil) else { return [] }
        for member in signers.all {
            let entry = try PolicyFields(
                member.value, file: fields.file, path: signers.name(member.key),
                keys: ["issuer", "issuerPattern", "identity", "identityPattern", "claims", "key", "keyFile", "log"])
            var signer = Signer(name: member.key, kind: try signerKind(entry, files))
            // Who signs with a certificate of minutes is found out by the log alone.
            if case .identity = signer.kind { signer.needsLog = true }
            if entry.value("log") != nil { signer.needsLog = try entry.bool("log") }
            out.append(signer)
        }
        return out
    }

    private static func signerKind(_ entry: PolicyFields, _ files: FileReading) throws(PolicyError) -> Signer.Kind {
        if let text = try entry.text("key") { return .key(try key(Array(text.utf8), entry, "key")) }
        if let path = try entry.text("keyFile") {
            let bytes: [UInt8]
            do {
                bytes = try files(path)
            } catch {
                throw entry.failure("keyFile", "can't be read: \(error)")
            }
            return .key(try key(bytes, entry, "keyFile"))
        }
        guard let issuer = try entry.ruleOrPattern("issuer"), let identity = try entry.ruleOrPattern("identity") else {
            throw PolicyFields.failure(
                entry.file, entry.line, "\(entry.path) names nobody",
                "give issuer and identity (or identityPattern), or key, or keyFile")
        }
        var claims: [(name: String, TextRule)] = []
        if let fields = try entry.object("claims", keys: Certificate.Claim.allCases.map(\.name)) {
            for member in fields.all {
                claims.append(
                    (member.key, try fields.rule(try fields.text(member.value, fields.name(member.key)), member.key)))
            }
        }
        return .identity(issuer: issuer, name: identity, claims: claims)
    }

    static func key(_ pem: [UInt8], _ fields: PolicyFields, _ key: String) throws(PolicyError) -> PublicKey {
        do {
            return try PublicKey(pem: pem)
        } catch {
            throw fields.failure(key, "is no public key: \(error)")
        }
    }

    /// The name of a signer that the file describes.
    private func signer(_ fields: PolicyFields, _ key: String = "signer") throws(PolicyError) -> String {
        let name = try fields.requiredText(key)
        try check(signer: name, fields, key)
        return name
    }

    private func check(signer name: String, _ fields: PolicyFields, _ key: String) throws(PolicyError) {
        guard signers.contains(where: { $0.name.hasSameBytes(as: name) }) else {
            throw fields.failure(
                key, "names no signer of this policy: \(name)",
                signers.isEmpty
                    ? "describe it under signers" : "there are \(signers.map(\.name).joined(separator: ", "))")
        }
    }

    private func signerNames(_ fields: PolicyFields) throws(PolicyError) -> [String] {
        let names = try fields.texts("signers")
        for name in names { try check(signer: name, fields, "signers") }
        return names
    }

    private mutating func readBuilders(_ fields: PolicyFields) throws(PolicyError) {
        for entry in try fields.objects("builders", keys: ["signer", "id", "idPattern", "level", "operator"]) {
            guard let id = try entry.ruleOrPattern("id") else { throw entry.failure("id", "is missing") }
            guard let level = try entry.count("level", 0...3) else {
                throw entry.failure("level", "is missing", "say for which build level the builder is trusted, 0 to 3")
            }
            let signer = try signer(entry)
            builders.append(
                Builder(signer: signer, id: id, level: level, operatorName: try entry.text("operator") ?? signer))
        }
    }

    private mutating func readSources(_ fields: PolicyFields) throws(PolicyError) {
        let keys = ["repositories", "branches", "tags", "clean", "twoPersonReview"]
        guard let entry = try fields.object("sources", keys: keys) else { return }
        sources = Sources(
            repositories: try entry.rules("repositories"), branches: try entry.rules("branches"),
            tags: try entry.rules("tags"), mustBeClean: try entry.bool("clean"),
            needsTwoPersonReview: try entry.bool("twoPersonReview"))
    }

    private mutating func readBuildTypes(_ fields: PolicyFields) throws(PolicyError) {
        guard let types = try fields.object("buildTypes", keys: nil) else { return }
        for member in types.all {
            let entry = try PolicyFields(
                member.value, file: fields.file, path: types.name(member.key), keys: ["parameters", "anyParameters"])
            let isFree = try entry.bool("anyParameters")
            let parameters = try entry.object("parameters", keys: nil).map { fields throws(PolicyError) in
                try Self.parameters(fields)
            }
            guard !isFree || parameters == nil else {
                throw entry.failure("anyParameters", "stands beside parameters", "give one of them")
            }
            buildTypes.append(BuildType(uri: member.key, parameters: isFree ? nil : parameters ?? []))
        }
    }

    private static func parameters(_ fields: PolicyFields) throws(PolicyError) -> [Parameter] {
        var out: [Parameter] = []
        for member in fields.all {
            var parameter = Parameter(name: member.key)
            // A bare value is what it must be.
            guard case .mapping = member.value.content else {
                parameter.value = member.value.json
                out.append(parameter)
                continue
            }
            let entry = try PolicyFields(
                member.value, file: fields.file, path: fields.name(member.key),
                keys: ["type", "value", "oneOf", "pattern", "optional", "members"])
            if let word = try entry.text("type") {
                guard let kind = Parameter.Kind(rawValue: word) else {
                    let words = Parameter.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                    throw entry.failure("type", "is \(word.safeForTerminal)", "known are \(words)")
                }
                parameter.kind = kind
            }
            parameter.value = entry.value("value")?.json
            parameter.oneOf = entry.list("oneOf").map(\.json)
            if let text = try entry.text("pattern") { parameter.pattern = try entry.pattern(text, "pattern") }
            parameter.isOptional = try entry.bool("optional")
            if let members = try entry.object("members", keys: nil) { parameter.members = try Self.parameters(members) }
            out.append(parameter)
        }
        return out
    }

    private mutating func readRequired(_ fields: PolicyFields) throws(PolicyError) {
        for entry in try fields.objects("requires", keys: ["predicate", "signers", "maxAge", "rules"]) {
            required.append(
                RequiredPredicate(
                    type: PredicateType.uri(try entry.requiredText("predicate")), signers: try signerNames(entry),
                    greatestAge: try entry.span("maxAge"), rules: try Self.rules(entry)))
        }
    }

    static func rules(_ fields: PolicyFields) throws(PolicyError) -> [ExpressionRule] {
        var out: [ExpressionRule] = []
        for (index, entry) in try fields.objects("rules", keys: ["name", "expression", "message"]).enumerated() {
            do {
                out.append(
                    ExpressionRule(
                        name: try entry.text("name") ?? "rule \(index + 1)",
                        expression: try Expression(try entry.requiredText("expression")),
                        message: try entry.text("message")))
            } catch let error as ExpressionError {
                throw entry.failure("expression", "can't be read: \(error)")
            } catch let error as PolicyError {
                throw error
            } catch {
                throw entry.failure("expression", "can't be read")
            }
        }
        return out
    }

    private mutating func readVulnerabilities(_ fields: PolicyFields) throws(PolicyError) {
        guard let entry = try fields.object("vulnerabilities", keys: ["greatest", "signers", "maxAge", "except"]) else {
            return
        }
        var rule = Vulnerabilities(signers: try signerNames(entry), greatestAge: try entry.span("maxAge"))
        if let word = try entry.text("greatest") {
            guard let severity = VulnerabilitySeverity(word), Double(word) == nil else {
                throw entry.failure(
                    "greatest", "is \(word.safeForTerminal)", "write none, low, medium, high or critical")
            }
            rule.greatest = severity
        }
        for exception in try entry.objects("except", keys: ["id", "until", "reason"]) {
            var until: Timestamp?
            if let text = try exception.text("until") {
                guard let moment = Timestamp(text) ?? Timestamp(text + "T00:00:00Z") else {
                    throw exception.failure("until", "is no day", "write it as 2027-01-31")
                }
                until = moment
            }
            rule.exceptions.append(
                .init(id: try exception.requiredText("id"), until: until, reason: try exception.requiredText("reason")))
        }
        vulnerabilities = rule
    }

    private mutating func readLicences(_ fields: PolicyFields) throws(PolicyError) {
        guard let entry = try fields.object("licences", keys: ["allow", "deny", "unknown", "signers"]) else { return }
        var rule = Licences(
            allowed: Set(try entry.texts("allow")), denied: Set(try entry.texts("deny")),
            signers: try signerNames(entry))
        switch try entry.text("unknown") ?? "deny" {
        case "allow": rule.acceptsUnknown = true
        case "deny": break
        default: throw entry.failure("unknown", "is neither allow nor deny")
        }
        licences = rule
    }

    private mutating func readSummaries(_ fields: PolicyFields) throws(PolicyError) {
        for entry in try fields.objects("summaries", keys: ["signer", "verifier", "resource", "maxAge"]) {
            var resource: TextRule?
            if let text = try entry.text("resource") { resource = try entry.rule(text, "resource") }
            summaries.append(
                Summary(
                    signer: try signer(entry), verifier: try entry.requiredText("verifier"), resource: resource,
                    greatestAge: try entry.span("maxAge")))
        }
    }
}
