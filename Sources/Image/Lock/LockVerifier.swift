internal import Bytes
internal import Host
internal import SystemPackage

/// Derives a lock's whole chain anew: keyring, signatures, release, indexes, entries, packages.
package struct LockVerifier: Sendable {
    let client: ArchiveClient

    package init(client: ArchiveClient) { self.client = client }

    /// What was checked.
    package struct Report: Hashable, Sendable {
        package var archives: [ImageLock.Archive]
        package var packageCount: Int
    }

    /// Checks that `lock` is the definition's, and that every digest in it follows from a signature by the keyring.
    ///
    /// With `includingPackages` the packages themselves are read and compared too.
    package func verify(
        _ lock: ImageLock, of definition: ImageDefinition, includingPackages: Bool
    ) async throws -> Report {
        try Self.checkFresh(lock, of: definition)
        var indexes: [[PackagesIndex]] = []
        for (number, archive) in lock.archives.enumerated() {
            indexes.append(try await verify(archive, definition.archives[number], at: lock.verified))
        }
        for package in lock.selections.flatMap({ $0.packages + $0.materials }) {
            let entry = try indexes[package.archive][package.index].packages(named: package.name).first {
                $0.version.text == package.version && $0.architecture == package.architecture
            }
            guard let entry, entry.digest == package.digest, entry.size == package.size,
                entry.filename == package.filename, entry.source == package.source
            else {
                throw ImageError(
                    .untrusted,
                    "the lock's \(package.name) \(package.version) (\(package.architecture)) is not what the signed index lists; lock again"
                )
            }
        }
        if includingPackages {
            for package in lock.allPackages {
                let content = try DebianPackage(parsing: try await client.package(package, of: definition))
                guard content.name == package.name, content.version == package.version,
                    content.architecture == package.architecture
                else {
                    throw ImageError(
                        .untrusted,
                        "\(package.filename) says that it is \(content.name) \(content.version), not \(package.name) \(package.version)"
                    )
                }
            }
        }
        try client.cache.writeRecord("verified", Digest.of(lock.bytes), ["verified": true])
        return Report(archives: lock.archives, packageCount: lock.allPackages.count)
    }

    /// Makes sure that the chain was verified on this machine, by `verify` or when the lock was made.
    package func ensureVerified(_ lock: ImageLock, of definition: ImageDefinition) async throws {
        try Self.checkFresh(lock, of: definition)
        if try client.cache.readRecord("verified", Digest.of(lock.bytes)) != nil { return }
        _ = try await verify(lock, of: definition, includingPackages: false)
    }

    /// Remembers that the chain of `lock` has just been verified.
    package func remember(_ lock: ImageLock) throws {
        try client.cache.writeRecord("verified", Digest.of(lock.bytes), ["verified": true])
    }

    private static func checkFresh(_ lock: ImageLock, of definition: ImageDefinition) throws(ImageError) {
        guard lock.definition == definition.lockInputs, lock.archives.count == definition.archives.count else {
            throw ImageError(
                .stale,
                "the lock is not of this definition: packages, archives or architectures have changed since; run martlet image lock \(definition.path)"
            )
        }
    }

    private func verify(
        _ archive: ImageLock.Archive, _ defined: ImageDefinition.Archive, at time: Int
    ) async throws -> [PackagesIndex] {
        var keyringBytes = try? Files.read(defined.keyring, limit: Keyring.greatestByteCount)
        if keyringBytes.map(Digest.of) != archive.keyring {
            keyringBytes = try client.cache.read(archive.keyring, limit: Keyring.greatestByteCount)
        }
        guard let keyringBytes else {
            throw ImageError(
                .stale, "the keyring \(defined.keyring) is another one than the lock's; run martlet image lock again")
        }
        let directory = "dists/\(archive.suite)"
        let bytes = try await client.fetch(
            archive.release, size: archive.releaseSize, at: ["\(directory)/InRelease"], from: defined.uri,
            limit: ArchiveClient.releaseLimit)
        let (release, signers) = try ArchiveState.release(bytes, keyring: Keyring(parsing: keyringBytes), at: time)
        guard signers == archive.signers, release.date == archive.date, release.codename == archive.codename else {
            throw ImageError(
                .untrusted,
                "the lock says something else of the release of \(archive.suite) than its signature; lock again")
        }
        var out: [PackagesIndex] = []
        for index in archive.indexes {
            guard let entry = release.indexes[index.path], entry.digest == index.digest, entry.size == index.size else {
                throw ImageError(
                    .untrusted, "the lock's index \(index.path) is not what the signed release lists; lock again")
            }
            let path = FilePath(index.path)
            let byHash = "\(directory)/\(path.removingLastComponent())/by-hash/SHA256/\(index.digest.hex)"
            out.append(
                try ArchiveState.unpack(
                    try await client.fetch(
                        index.digest, size: index.size, at: [byHash, "\(directory)/\(index.path)"], from: defined.uri,
                        limit: ArchiveClient.indexLimit)))
        }
        return out
    }
}
