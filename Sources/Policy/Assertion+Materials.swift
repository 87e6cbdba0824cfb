internal import Attest
internal import Bytes

extension Assertion {
    /// The sources were those of a commit. Packages, tools, downloads and images are no sources; they must be pinned
    /// by a digest, and packages must have a statement here, else nobody knows what they were built from.
    static func gitOnly(_ view: ProvenanceView, _ index: SubjectIndex) -> [String] {
        guard view.isMartletBuild else { return gitMaterials(view) }
        let problems = clean(view)
        guard problems.isEmpty else { return problems }
        for material in view.materials {
            switch material.role {
            case .source, .inputs, .changed: continue
            case .package, .tool, .fetched, .image, .locked, .keyring, .release, .index, .debian:
                if !material.isPinned { return ["contains material without a digest, e.g. \(material.title)"] }
            case nil: return ["contains material of an unknown kind, e.g. \(material.title)"]
            }
        }
        return view.materials(.package).filter { !index.hasStatement(of: $0.name ?? "") }
            .map { "depends on \($0.title), which has no statement in the bundle" }
    }

    /// Leeway's rule: every material is a git repository. None at all is no proof.
    private static func gitMaterials(_ view: ProvenanceView) -> [String] {
        guard !view.materials.isEmpty else { return ["lists no material"] }
        if let other = view.materials.first(where: { !$0.isGit }) {
            return ["contains non-Git material, e.g. \(other.title)"]
        }
        return view.materials.filter { !$0.isPinned }.map { "contains Git material without a commit, \($0.title)" }
    }

    /// No input differed from the commit.
    static func clean(_ view: ProvenanceView) -> [String] {
        guard view.isMartletBuild else {
            if let file = view.materials.first(where: { $0.uri.hasPrefix("file:") }) {
                return ["contains non-Git material, e.g. \(file.title)"]
            }
            return view.materials.contains { $0.isGit && $0.isPinned } ? [] : ["names no Git commit"]
        }
        if let changed = view.materials(.changed).first {
            let reason = changed.annotations["reason"]?.stringValue.map { " (\($0))" } ?? ""
            return ["contains non-Git material, e.g. \(changed.title)\(reason)"]
        }
        let sources = view.materials(.source)
        guard !sources.isEmpty, sources.allSatisfy({ $0.digest["gitCommit"]?.isEmpty == false }) else {
            return ["names no Git commit"]
        }
        if let other = sources.first(where: { !$0.uri.isEmpty && !$0.isGit }) {
            return ["contains non-Git material, e.g. \(other.title)"]
        }
        let isClean = sources.allSatisfy { $0.annotations["clean"]?.boolValue == true }
        return isClean ? [] : ["was not built from a clean working copy"]
    }

    /// Every listed package has a statement about exactly the artifact that was used.
    static func allDependencies(_ view: ProvenanceView, _ index: SubjectIndex) -> [String] {
        guard view.isMartletBuild else { return ["does not list the packages that it depends on"] }
        return view.materials(.package).compactMap { dependency in
            let name = dependency.name ?? ""
            guard let digest = dependency.digest["sha256"], !digest.isEmpty else {
                return "depends on \(dependency.title) without a digest"
            }
            if index.hasStatement(of: name, about: digest) { return nil }
            return index.hasStatement(of: name)
                ? "depends on \(name) sha256:\(digest), which no statement in the bundle is about"
                : "depends on \(dependency.title), which has no statement in the bundle"
        }
    }
}

extension ProvenanceView.Material {
    /// Whether a digest says which bytes they were.
    fileprivate var isPinned: Bool { digest.values.contains { !$0.isEmpty } }

    /// A name for people.
    fileprivate var title: String {
        if role == .package || role == .tool || role == .changed, let name, !name.isEmpty { return name }
        return uri.isEmpty ? name ?? "one without a name" : uri
    }
}
