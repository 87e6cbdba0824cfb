internal import Attest
package import Bytes
internal import Host
internal import Sigstore
package import SystemPackage
internal import Workspace

/// Cases that say what a policy should decide, in a file beside it.
package struct PolicyTest: Sendable {
    /// What the names of such files end in.
    package static let suffix = ".test.yaml"

    package struct Result: Sendable {
        package var file: String
        package var name: String
        package var expected: String
        package var got: String
        /// Rules that were expected not to be met, and were, or the other way round; a problem with the case itself.
        package var problem: String?

        package var isPassed: Bool { problem == nil && expected == got }

        package var json: JSON {
            var object: JSONObject = [
                "file": .string(file), "name": .string(name), "passed": .bool(isPassed), "expected": .string(expected),
                "got": .string(got),
            ]
            if let problem { object["problem"] = .string(problem) }
            return .object(object)
        }
    }

    /// Runs the cases of every test file in a directory and below it.
    package static func run(in directory: FilePath) throws -> [Result] {
        var out: [Result] = []
        let files = try DirectoryWalk(directory).entries().filter { $0.kind == .regular && $0.path.hasSuffix(suffix) }
            .map(\.path).sorted(by: Files.isOrderedByBytes)
        guard !files.isEmpty else {
            throw PolicyError("no file in \(directory) ends in \(suffix); write one, as docs/formats/policy.md shows")
        }
        for file in files { out += try run(file: directory.pushing(FilePath(file))) }
        return out
    }

    /// Runs the cases of a file.
    package static func run(file path: FilePath) throws -> [Result] {
        let folder = path.removingLastComponent()
        let bytes = try Files.read(path, limit: 4 << 20)
        let documents: [YAMLValue]
        do {
            documents = try YAMLValue.documents(parsing: bytes)
        } catch {
            throw PolicyFields.failure(path.string, error.line, error.message)
        }
        var out: [Result] = []
        for document in documents {
            let top = try PolicyFields(document, file: path.string, path: "", keys: ["tests"])
            let keys = [
                "name", "policy", "artifact", "digest", "bundles", "trustedRoot", "at", "assume", "expect", "unmet",
            ]
            for fields in try top.objects("tests", keys: keys) { out.append(try run(fields, folder)) }
        }
        return out
    }

    private static func run(_ fields: PolicyFields, _ folder: FilePath) throws -> Result {
        func place(_ name: String) -> FilePath { folder.pushing(FilePath(name)) }
        let expected = try fields.requiredText("expect")
        guard Decision.Verdict(rawValue: expected) != nil else {
            throw fields.failure("expect", "is \(expected.safeForTerminal)", "write allowed, warned or denied")
        }
        var result = Result(
            file: fields.file, name: try fields.text("name") ?? fields.path, expected: expected, got: "nothing")
        let policyPath = place(try fields.requiredText("policy"))
        let policies = try ArtifactPolicy.read(policyPath)
        var root: TrustedRoot?
        if let file = try fields.text("trustedRoot") {
            root = try TrustedRoot(parsing: Files.read(place(file), limit: 8 << 20))
        }
        let moment = try fields.text("at") ?? ""
        guard let now = Timestamp(moment) else {
            throw fields.failure("at", "is no moment", "write the time of the decision, such as 2026-11-01T00:00:00Z")
        }
        var collector = EvidenceCollector(policies, trustedRoot: root)
        let bundles = try fields.texts("bundles").map(place)
        let subject: PolicySubject
        if let artifact = try fields.text("artifact") {
            subject = try collector.add(artifact: place(artifact), bundles: bundles)
        } else {
            let digest = try fields.requiredText("digest")
            guard let parsed = MessageDigest(description: digest) else {
                throw fields.failure("digest", "is no digest such as sha256:HEX")
            }
            subject = PolicySubject(name: digest, digests: [digest])
            for bundle in bundles { try collector.add(file: bundle, artifact: DigestArtifact(parsed)) }
        }
        var pool = collector.pool
        for entry in try fields.objects(
            "assume", keys: ["statement", "signer", "issuer", "identity", "claims", "logged"])
        {
            pool.add(try assumed(entry, policies, folder))
        }
        let decisions = policies.map { PolicyEvaluation.decide($0, about: subject, with: pool, at: now) }
        let order: [Decision.Verdict] = [.denied, .warned, .allowed]
        result.got = order.first { verdict in decisions.contains { $0.verdict == verdict } }?.rawValue ?? "nothing"
        let unmet = Set(decisions.flatMap(\.failures).map(\.code.rawValue))
        if fields.value("unmet") != nil {
            let wanted = Set(try fields.texts("unmet"))
            if wanted != unmet {
                result.problem =
                    "not met: \(unmet.sorted().joined(separator: ", ")); expected: \(wanted.sorted().joined(separator: ", "))"
            }
        }
        if result.problem == nil, result.got != expected, !unmet.isEmpty {
            result.problem = "not met: \(unmet.sorted().joined(separator: ", "))"
        }
        return result
    }

    /// Evidence as if somebody had signed a statement, for cases of which no signed bundle exists.
    private static func assumed(
        _ fields: PolicyFields, _ policies: [ArtifactPolicy], _ folder: FilePath
    ) throws -> Evidence {
        let name = try fields.requiredText("statement")
        let statement = try Statement(parsing: Files.read(folder.pushing(FilePath(name)), limit: 64 << 20))
        let signer: Evidence.Signer
        if let wanted = try fields.text("signer") {
            guard case .key(let key)? = policies.flatMap(\.signers).first(where: { $0.name == wanted })?.kind else {
                throw fields.failure("signer", "is no key of the policy", "for others give issuer and identity")
            }
            signer = .key(key)
        } else {
            var claims: [String: String] = [:]
            if let object = try fields.object("claims", keys: nil) {
                for member in object.all { claims[member.key] = try object.text(member.value, object.name(member.key)) }
            }
            signer = .identity(
                issuer: try fields.requiredText("issuer"), name: try fields.requiredText("identity"), claims: claims)
        }
        let isLogged = fields.value("logged") == nil ? true : try fields.bool("logged")
        return Evidence(name: name, signer: signer, statement: statement, isLogged: isLogged)
    }
}

extension ArtifactPolicy {
    /// Reads the policies of a file; keys that it names are beside it.
    package static func read(_ path: FilePath) throws -> [ArtifactPolicy] {
        let bytes = try Files.read(path, limit: greatestLength + 1)
        return try policies(parsing: bytes, file: path.string) { name in
            try Files.read(path.removingLastComponent().pushing(FilePath(name)), limit: 64 << 10)
        }
    }
}
