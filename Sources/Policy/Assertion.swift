internal import Attest
package import Bytes

/// Something that a person wants to be true of every statement in a bundle.
package enum Assertion: Hashable, Sendable {
    /// Built from a commit of a git repository and nothing beside it.
    case gitOnly
    /// Built by any version of martlet.
    case builtWithMartlet
    /// Built by this version of martlet: `1.2.3`, or with the binary's digest `1.2.3@sha256:…`.
    case builtWithMartletVersion(String)
    /// Built by any version of Leeway.
    case builtWithLeeway
    /// Built by this version of Leeway: `0.2.17-3ebfb2a`, or with the binary's digest.
    case builtWithLeewayVersion(String)
    /// This file is a subject of the target's statement.
    case artifact(Artifact)
    /// Built in a sandbox.
    case sandboxed
    /// Every dependency that a statement lists has a statement of its own in the bundle.
    case allDependencies
    /// What the statement shows reaches this build level of SLSA.
    case slsaLevel(Int)
    /// No input differed from the commit.
    case noDirty
    /// Built within so many seconds before a moment.
    case maxAge(seconds: Int64, now: Timestamp)

    /// A file whose digests the caller has computed.
    package struct Artifact: Hashable, Sendable {
        package var name: String
        package var digest: Digest

        package init(name: String, digest: Digest) {
            self.name = name
            self.digest = digest
        }
    }

    /// The name in a violation; those that Leeway has too are Leeway's.
    package var name: String {
        switch self {
        case .gitOnly: "git-material-only"
        case .builtWithMartlet: "built-with-martlet"
        case .builtWithMartletVersion: "built-with-martlet-version"
        case .builtWithLeeway: "built-with-leeway"
        case .builtWithLeewayVersion: "built-with-leeway-version"
        case .artifact: "artifact"
        case .sandboxed: "sandboxed"
        case .allDependencies: "all-dependencies"
        case .slsaLevel: "slsa-level"
        case .noDirty: "no-dirty"
        case .maxAge: "max-age"
        }
    }

    /// What it asks for, in one sentence.
    package var summary: String {
        switch self {
        case .gitOnly: "Every package was built from a clean commit of a Git repository."
        case .builtWithMartlet: "Every package was built with martlet."
        case .builtWithMartletVersion(let version): "Every package was built with martlet \(version)."
        case .builtWithLeeway: "Every package was built with Leeway."
        case .builtWithLeewayVersion(let version): "Every package was built with Leeway \(version)."
        case .artifact(let artifact): "\(artifact.name) is what the target's statement speaks of."
        case .sandboxed: "Every package was built in a sandbox."
        case .allDependencies: "Every dependency has a statement in the bundle."
        case .slsaLevel(let level): "Every statement reaches SLSA build level \(level)."
        case .noDirty: "No input of any package differed from its commit."
        case .maxAge(let seconds, _): "Every package was built within the last \(seconds) seconds."
        }
    }
}
