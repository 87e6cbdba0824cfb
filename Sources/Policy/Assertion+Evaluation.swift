internal import Attest
internal import Bytes

extension Assertion {
    /// Why this does not hold for a statement; empty where it does.
    func failures(of view: ProvenanceView, _ index: SubjectIndex) -> [String] {
        switch self {
        case .gitOnly: Self.gitOnly(view, index)
        case .builtWithMartlet: Self.builder(view, MartletBuild.builderName, "martlet", version: nil)
        case .builtWithMartletVersion(let version):
            Self.builder(view, MartletBuild.builderName, "martlet", version: version)
        case .builtWithLeeway: Self.builder(view, BuilderIdentity.leeway, "leeway", version: nil)
        case .builtWithLeewayVersion(let version):
            Self.builder(view, BuilderIdentity.leeway, "leeway", version: version)
        case .artifact(let artifact): Self.artifact(artifact, view)
        case .sandboxed: Self.sandboxed(view)
        case .allDependencies: Self.allDependencies(view, index)
        case .slsaLevel(let level): Self.level(level, view)
        case .noDirty: Self.clean(view)
        case .maxAge(let seconds, let now): Self.age(seconds, now, view)
        }
    }

    /// The whole name is compared, not its beginning: `github.com/gitpod-io/leeway-fork:1` is somebody else's.
    private static func builder(
        _ view: ProvenanceView, _ name: String, _ word: String, version: String?
    ) -> [String] {
        let builder = view.builder
        guard builder.name.utf8.elementsEqual(name.utf8) else { return ["was not built using \(word)"] }
        guard let version, !builder.matches(version: version) else { return [] }
        return ["was built using \(word) version \(builder.fullVersion ?? "unknown")"]
    }

    private static func artifact(_ artifact: Artifact, _ view: ProvenanceView) -> [String] {
        if view.subjects.contains(where: { $0.digest["sha256"] == artifact.digest.hex }) { return [] }
        return ["\(artifact.name) (\(artifact.digest)) is not among its \(view.subjects.count) subjects"]
    }

    private static func sandboxed(_ view: ProvenanceView) -> [String] {
        switch view.sandbox {
        case "full", "namespaces": []
        case "off": ["was built without a sandbox"]
        case let level?: ["was built with the unknown sandbox level '\(level)'"]
        case nil: ["does not say whether it was built in a sandbox"]
        }
    }

    private static func age(_ seconds: Int64, _ now: Timestamp, _ view: ProvenanceView) -> [String] {
        guard let finished = view.finishedOn else { return ["does not say when it was built"] }
        // Clocks of two machines may differ by a little.
        if finished.seconds > now.seconds + 300 { return ["was built in the future, on \(finished)"] }
        return now.seconds - finished.seconds > seconds ? ["was built on \(finished), which is too long ago"] : []
    }

    /// Level 1 is what an unsigned statement can show; higher ones need facts that only a verified signature gives.
    private static func level(_ level: Int, _ view: ProvenanceView) -> [String] {
        guard 1...3 ~= level else { return ["SLSA has no build level \(level)"] }
        var missing: [String] = []
        if view.buildType.isEmpty { missing.append("names no build type") }
        if view.subjects.isEmpty { missing.append("has no subject") }
        if let bare = view.subjects.first(where: { $0.digest.values.allSatisfy(\.isEmpty) }) {
            missing.append("has a subject without digest, '\(bare.name)'")
        }
        if level >= 2 { missing.append("carries no verified signature, which level \(level) needs") }
        return missing
    }
}
