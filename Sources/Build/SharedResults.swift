package import Bytes
package import Workspace

/// Results of packages that other machines have built, and that this one may give to them: a remote cache.
///
/// What can't be had, or can't be believed, is built here; so nothing but cancellation and this machine's own failures
/// is thrown.
package protocol SharedResults: Sendable {
    /// What is known of these results, as far as somebody who is trusted vouches for them. Each is recorded as a
    /// `KnownResult`; its files stay where they are.
    func find(_ wanted: [WantedResult]) async throws -> [BuiltPackage]

    /// Brings the own files of results that `find` gave into the store.
    /// - Returns: the keys of those that are whole.
    func bring(_ results: [BuiltPackage]) async throws -> Set<Digest>

    /// Gives results of this build, and what they were built from, to others; each is signed. A place that does not
    /// take them is only remarked upon.
    func publish(_ results: [BuiltPackage], signatures: StatementSignatures) async throws

    /// What people should know and was not said yet.
    func takeRemarks() -> [SharedRemark]
}

/// A result that is looked for.
package struct WantedResult: Hashable, Sendable {
    package var name: PackageName
    package var key: Digest

    package init(name: PackageName, key: Digest) {
        self.name = name
        self.key = key
    }
}

/// What happened with a remote cache.
package struct SharedRemark: Hashable, Sendable {
    package var package: PackageName?
    package var message: String

    package init(package: PackageName? = nil, message: String) {
        self.package = package
        self.message = message
    }
}
