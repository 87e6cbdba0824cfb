package import Attest
package import Bytes
internal import Host
package import Workspace

/// What the provenance of a package says of how it is built again.
package struct RebuildOrder: Sendable {
    package let package: PackageName
    package let variant: String?
    /// Build arguments and constants, those that martlet sets itself left out.
    package let arguments: [String: String]
    /// The URL of the repository; `nil` where it had no remote.
    package let origin: String?
    package let commit: String
    /// The workspace's directory in the repository; empty at its root.
    package let directory: String
    /// What the package was keyed by. Another key now means other tools, another platform or another martlet.
    package let key: Digest?
    /// The artifact's tree.
    package let artifact: Digest?

    /// - Throws: `BuildError.check` for what nobody can build again from this.
    package init(_ statement: Statement) throws {
        let provenance = try Provenance(statement.predicate)
        guard provenance.buildType == MartletBuild.buildType else {
            throw BuildError(
                .unavailable, "was built by something else (\(provenance.buildType.safeForTerminal)), not by martlet")
        }
        let parameters = provenance.externalParameters
        guard let name = parameters["package"]?.stringValue.flatMap({ PackageName($0) }) else {
            throw BuildError(.unavailable, "the provenance names no package")
        }
        func dependencies(_ role: MartletBuild.Role) -> [ResourceDescriptor] {
            provenance.resolvedDependencies.filter { $0.annotations["role"]?.stringValue == role.rawValue }
        }
        guard let source = dependencies(.source).first, let commit = source.digest["gitCommit"] else {
            throw BuildError(.unavailable, "the provenance names no commit, so nobody knows the sources", package: name)
        }
        if let changed = dependencies(.changed).first {
            throw BuildError(
                .unavailable,
                "was built from files that no commit has, such as \((changed.name ?? "one").safeForTerminal)",
                package: name)
        }
        let texts = parameters["arguments"]?.objectValue ?? [:]
        var arguments: [String: String] = [:]
        for member in texts where !member.key.hasPrefix("__") {
            guard let text = member.value.stringValue else { continue }
            guard text != Redactor.mark else {
                throw BuildError(
                    .unavailable, "the argument \(member.key.safeForTerminal) is a secret; give it with -D",
                    package: name)
            }
            arguments[member.key] = text
        }
        package = name
        variant = parameters["variant"]?.stringValue
        self.arguments = arguments
        origin = source.uri.map { $0.hasPrefix("git+") ? String($0.dropFirst(4)) : $0 }
        self.commit = commit
        directory = source.annotations["directory"]?.stringValue ?? ""
        key = provenance.internalParameters["actionKey"]?["sha256"]?.stringValue.flatMap { Digest(hex: $0) }
        artifact = statement.subjects.first?.digest["sha256"].flatMap { Digest(hex: $0) }
    }
}
