package import Attest
internal import Bytes
internal import Cache
internal import Host
package import Inventory
package import Sigstore
package import SystemPackage
internal import Workspace

/// What is said of results that are given to other people.
extension Project {
    /// Lays out the files of a result in a new directory, as copies.
    package func copy(_ built: BuiltPackage, to directory: FilePath) async throws {
        try await cache.store.copy(built.artifact, to: directory)
    }

    /// The bill of materials of something that was made from `built`: what lock files among its sources, and among those
    /// of everything that it was built from, name.
    package func bill(of built: BuiltPackage, as subject: BillOfMaterials.Subject) throws -> BillOfMaterials {
        var found = FoundFiles()
        for name in workspace.transitiveDependencies(of: built.name) + [built.name] {
            if let package = workspace.packages[name] { try addLockFiles(of: package, to: &found) }
        }
        return try found.bill(of: subject)
    }

    /// The signed statement about `built` with a further subject: what people get by another name and digest, such as an
    /// image in a registry.
    package func provenance(
        of built: BuiltPackage, about subject: Subject, signatures: StatementSignatures
    ) async throws -> UnverifiedBundle {
        let (_, record) = try PackageRecord.recorded(
            built.key, built.name, actions: cache.actions, store: cache.store)
        var statement = try Statement(
            parsing: PackageRecord.statement(record, .slsa, store: cache.store))
        statement.subjects.insert(subject, at: min(1, statement.subjects.count))
        return try await signatures.bundle(around: statement.payload, about: built)
    }
}
