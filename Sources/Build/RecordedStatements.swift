internal import Bytes
internal import Cache
internal import Sigstore
internal import Workspace

/// What was said of packages when they were built, as the cache has it.
struct RecordedStatements {
    /// What was said of one package.
    struct Said: Sendable {
        var built: BuiltPackage
        /// The exact bytes.
        var statement: [UInt8]
        /// What its maker signed, of what another tool made.
        var attestation: UnverifiedBundle?

        /// The bundle that vouches for it where `signatures` are made: the maker's own, or a signed statement.
        func bundle(_ signatures: StatementSignatures?) async throws -> UnverifiedBundle? {
            guard let signatures else { return nil }
            if let attestation { return attestation }
            return try await signatures.bundle(around: statement, about: built)
        }
    }

    let actions: ActionCache
    let store: ContentStore

    /// What was said of `packages` and of everything that they were built from, each after what it rests on, once.
    func all(of packages: [(key: Digest, name: PackageName)], _ format: ProvenanceFormat) throws -> [Said] {
        var all: [Said] = []
        var done: Set<Digest> = []
        func append(_ key: Digest, _ name: PackageName) throws {
            guard done.insert(key).inserted else { return }
            let (built, record) = try PackageRecord.recorded(key, name, actions: actions, store: store)
            for dependency in built.dependencies { try append(dependency.key, dependency.package) }
            let attestation = try built.imported.map { imported in
                let limit = UnverifiedBundle.Limits.byteCount
                return try UnverifiedBundle(parsing: store.read(imported.attestation, limit: limit))
            }
            all.append(
                Said(
                    built: built, statement: try PackageRecord.statement(record, format, store: store),
                    attestation: attestation))
        }
        for package in packages { try append(package.key, package.name) }
        return all
    }
}
