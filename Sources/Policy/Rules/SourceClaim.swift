internal import Attest
internal import Bytes

/// Where provenance says that the sources came from, whichever schema says it.
struct SourceClaim: Hashable, Sendable {
    /// The repository's address as `https://host/path`, without `git+` and `.git`.
    var repository: String
    /// Such as `refs/heads/main`.
    var ref: String?
    /// The commit in hexadecimal.
    var commit: String?
    /// The field that says so.
    var field: String

    /// Reads the claim; `nil` where there is none.
    init?(_ statement: Statement, _ view: ProvenanceView) {
        let predicate = statement.predicate
        var found: (uri: String, ref: String?, digest: JSON?, field: String)?
        switch view.format {
        case .v0_1:
            let index = predicate["recipe"]?["definedInMaterial"]?.intValue ?? 0
            if let material = predicate["materials"]?[index], let uri = material["uri"]?.stringValue {
                found = (uri, nil, material["digest"], "materials[\(index)].uri")
            }
        case .v0_2:
            if let source = predicate["invocation"]?["configSource"], let uri = source["uri"]?.stringValue {
                found = (uri, nil, source["digest"], "invocation.configSource.uri")
            }
            // Leeway names its build type there, and the sources among the materials.
            if found.map({ !Self.isAddress($0.uri) }) ?? true, let git = view.materials.first(where: \.isGit) {
                found = (git.uri, nil, .texts(git.digest), "materials")
            }
        case .v1: found = Self.version1(predicate, view)
        }
        guard let found else { return nil }
        field = found.field
        let (repository, suffix) = Self.split(found.uri)
        self.repository = repository
        ref = found.ref ?? suffix.flatMap { $0.hasPrefix("refs/") ? $0 : nil }
        let digest = found.digest
        commit = digest?["gitCommit"]?.stringValue ?? digest?["sha1"]?.stringValue
        if let suffix, commit == nil, suffix.utf8.count == 40, Hex.decode(suffix) != nil { commit = suffix }
    }

    private static func version1(
        _ predicate: JSON, _ view: ProvenanceView
    ) -> (uri: String, ref: String?, digest: JSON?, field: String)? {
        if view.isMartletBuild, let source = view.materials(.source).first {
            return (
                source.uri, source.annotations["ref"]?.stringValue, .texts(source.digest),
                "resolvedDependencies[source]"
            )
        }
        let external = predicate["buildDefinition"]?["externalParameters"]
        func commit(of uri: String) -> JSON? {
            view.materials.first { split($0.uri).repository == split(uri).repository && !$0.digest.isEmpty }
                .map { .texts($0.digest) }
        }
        if let workflow = external?["workflow"], let uri = workflow["repository"]?.stringValue {
            return (uri, workflow["ref"]?.stringValue, commit(of: uri), "externalParameters.workflow.repository")
        }
        for key in ["source", "buildConfigSource", "sourceToBuild"] {
            guard let source = external?[key] else { continue }
            if let uri = source.stringValue { return (uri, nil, commit(of: uri), "externalParameters.\(key)") }
            if let uri = source["uri"]?.stringValue {
                return (uri, nil, source["digest"], "externalParameters.\(key).uri")
            }
            if let uri = source["repository"]?.stringValue {
                let ref = source["ref"]?.stringValue.flatMap { $0.hasPrefix("refs/") ? $0 : nil }
                return (uri, ref, commit(of: uri), "externalParameters.\(key).repository")
            }
        }
        guard let git = view.materials.first(where: \.isGit) else { return nil }
        return (git.uri, nil, .texts(git.digest), "resolvedDependencies")
    }

    private static func isAddress(_ text: String) -> Bool { text.contains("://") || text.hasPrefix("git@") }

    /// The address in one spelling, and what follows its `@`.
    static func split(_ text: String) -> (repository: String, suffix: String?) {
        var text = text[...]
        for prefix in ["git+", "git:", "scm:"] where text.hasPrefix(prefix) && !text.hasPrefix("git://") {
            text = text.dropFirst(prefix.count)
        }
        if let mark = text.firstIndex(of: "#") { text = text[..<mark] }
        if text.hasPrefix("git@"), let colon = text.firstIndex(of: ":") {
            text = "https://\(text.dropFirst(4)[..<colon])/\(text[text.index(after: colon)...])"
        }
        for prefix in ["ssh://git@", "git://", "http://", "ssh://"] where text.hasPrefix(prefix) {
            text = "https://" + text.dropFirst(prefix.count)
        }
        if !text.contains("://") { text = "https://" + text }
        var suffix: String?
        if let mark = text.firstRange(of: "@refs/") {
            suffix = String(text[text.index(after: mark.lowerBound)...])
            text = text[..<mark.lowerBound]
        } else if let at = text.lastIndex(of: "@"), let slash = text.lastIndex(of: "/"), at > slash {
            suffix = String(text[text.index(after: at)...])
            text = text[..<at]
        }
        while text.hasSuffix("/") { text = text.dropLast() }
        if text.hasSuffix(".git") { text = text.dropLast(4) }
        return (String(text), suffix)
    }

    /// A rule about repositories met by any spelling of an address.
    static func isAccepted(_ repository: String, by rules: [ArtifactPolicy.TextRule]) -> Bool {
        rules.contains { rule in
            if case .exactly(let wanted) = rule { return split(wanted).repository.hasSameBytes(as: repository) }
            return rule.accepts(repository)
        }
    }
}
