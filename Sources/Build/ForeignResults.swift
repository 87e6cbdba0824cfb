package import Workspace

/// Artifacts that another tool made of the same packages: Leeway's, in its own remote cache.
///
/// What can't be had, or can't be believed, is built here; so nothing but cancellation and this machine's own failures
/// is thrown.
package protocol ForeignResults: Sendable {
    /// Takes those artifacts that somebody whom the policy trusts vouches for: their files come into the store, and each
    /// is recorded as an `ImportedArtifact`.
    func take(_ wanted: [WantedImport]) async throws -> [BuiltPackage]

    /// What people should know and was not said yet.
    func takeRemarks() -> [SharedRemark]
}

/// An artifact that is looked for.
package struct WantedImport: Hashable, Sendable {
    package var name: PackageName
    /// What Leeway calls its artifact by.
    package var leewayVersion: String

    package init(name: PackageName, leewayVersion: String) {
        self.name = name
        self.leewayVersion = leewayVersion
    }

    /// `nil` where Leeway's artifact would not do in place of martlet's: Leeway's version has to cover all that goes
    /// into the package.
    init?(_ package: Package) {
        switch package.type {
        case .generic, .go, .yarn: break
        // Leeway's archives of images name what was pushed somewhere, and the other types it does not have.
        case .docker, .image, .swift: return nil
        }
        let covered = package.argumentDependencies + ["__pkg_version"]
        guard package.leewayVersion.utf8.count == 40, package.substituted.keys.allSatisfy(covered.contains) else {
            return nil
        }
        self.init(name: package.name, leewayVersion: package.leewayVersion)
    }
}
