internal import Bytes

/// A builder's name with its version, such as `https://github.com/o/r/.github/workflows/b.yml@refs/tags/v1.2.3`.
struct TrustedBuilder: Hashable, Sendable, CustomStringConvertible {
    let name: String
    /// What follows the `@`; `nil` where nothing does.
    let version: String?

    /// - Parameter needsVersion: whether a name alone is refused.
    init(_ id: String, needsVersion: Bool = false) throws(SLSAVerifierError) {
        let parts = id.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 && !parts[1].isEmpty || parts.count == 1 && !needsVersion else {
            throw SLSAVerifierError(.invalidFormat, "builder id '\(id)'")
        }
        name = parts[0]
        version = parts.count == 2 ? parts[1] : nil
    }

    var description: String { version.map { "\(name)@\($0)" } ?? name }

    /// Checks that `wanted` means this builder: by its name, and by its version where that is given. The version may
    /// leave out `refs/tags/` where `allowsShortVersion`.
    func match(loosely wanted: String, allowsShortVersion: Bool) throws(SLSAVerifierError) {
        let other = try TrustedBuilder(wanted)
        try checkName(other)
        if let version = other.version { try checkVersion(version, allowsShortVersion) }
    }

    /// Checks that `wanted` is this builder in the same version.
    func match(_ wanted: String) throws(SLSAVerifierError) {
        let other = try TrustedBuilder(wanted)
        try checkName(other)
        try checkVersion(other.version ?? "", true)
    }

    private func checkName(_ other: TrustedBuilder) throws(SLSAVerifierError) {
        guard other.name.hasSameBytes(as: name) else {
            throw SLSAVerifierError(.mismatchBuilderID, "expected builder '\(other.name)', got '\(name)'")
        }
    }

    private func checkVersion(_ wanted: String, _ allowsShortVersion: Bool) throws(SLSAVerifierError) {
        let own = version ?? ""
        guard own.hasSameBytes(as: wanted) || allowsShortVersion && own.hasSameBytes(as: "refs/tags/\(wanted)") else {
            throw SLSAVerifierError(.mismatchBuilderID, "expected version '\(wanted)', got '\(own)'")
        }
    }

    /// Checks that a workflow was referred to by the tag of a release: `refs/tags/vX.Y.Z` and nothing more.
    static func checkRelease(_ ref: String) throws(SLSAVerifierError) {
        let tag = try GitReference.name(ref, of: .tag)
        guard SemanticVersion(tag)?.isRelease == true else {
            throw SLSAVerifierError(.invalidRef, "\(ref): not of the form vX.Y.Z")
        }
    }

    /// The same for JReleaser's builders, whose tags name a language.
    static func checkJReleaser(_ ref: String) throws(SLSAVerifierError) {
        let tag = try GitReference.name(ref, of: .tag)
        guard let version = SemanticVersion(tag), version.numbers.count == 3, version.prerelease == "-java",
            version.build.isEmpty
        else { throw SLSAVerifierError(.invalidRef, "\(ref): not of the form vX.Y.Z-LANGUAGE") }
    }
}

/// References of git, and addresses that end in one.
enum GitReference {
    enum Kind: String {
        case branch = "heads"
        case tag = "tags"
    }

    /// `heads` of `refs/heads/main`; empty where `ref` is none.
    static func kind(_ ref: String) -> String { parts(ref)?.kind ?? "" }

    /// `main` of `refs/heads/main`.
    static func name(_ ref: String, of kind: Kind) throws(SLSAVerifierError) -> String {
        guard let parts = parts(ref), parts.kind == kind.rawValue, !parts.name.isEmpty else {
            throw SLSAVerifierError(.invalidRef, "'\(ref)' is not of the form refs/\(kind.rawValue)/NAME")
        }
        return parts.name
    }

    private static func parts(_ ref: String) -> (kind: String, name: String)? {
        let parts = ref.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "refs" else { return nil }
        return (String(parts[1]), String(parts[2]))
    }

    /// `git+https://host/path` of whatever a user writes for it.
    static func normalized(_ uri: String) -> String {
        if uri.hasPrefix("git+") { return uri }
        return uri.contains("://") ? "git+\(uri)" : "git+https://\(uri)"
    }

    /// Splits `git+https://host/path@ref`; the reference may be absent.
    static func split(_ uri: String) throws(SLSAVerifierError) -> (repository: String, ref: String) {
        guard uri.hasPrefix("git+") else {
            throw SLSAVerifierError(.malformedURI, uri.isEmpty ? "the address is empty" : "no git address: '\(uri)'")
        }
        let parts = uri.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count == 2 ? String(parts[1]) : "")
    }
}
