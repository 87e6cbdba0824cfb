package import Attest
package import Bytes
internal import Cache
internal import Host
package import SystemPackage
package import Workspace

/// The shape in which provenance leaves martlet.
package enum ProvenanceFormat: String, Sendable, CaseIterable {
    /// in-toto Statement v1 with SLSA provenance v1.
    case slsa = "slsa-v1"
    /// in-toto Statement v0.1 with SLSA provenance v0.2, as Leeway writes it.
    case leeway = "leeway-v0.2"
}

extension Project {
    // MARK: Bundles

    /// The result of `name` as the workspace is now.
    /// - Throws: `BuildError.missing` when it has not been built.
    package func result(of name: PackageName) async throws -> BuiltPackage {
        let builder = try await builder(BuildOptions())
        let plan = try await builder.plan([name])
        // What holds parts of an ephemeral package is never taken from the cache to build on, but can be told about.
        let isVolatile = plan.volatile.contains(name)
        guard
            let built = try plan.cached[name]
                ?? (isVolatile ? plan.keys[name].flatMap { try builder.cachedResult(for: $0.digest) } : nil)
        else {
            throw BuildError(
                .missing, "has not been built as it is now; run `martlet build \(name)` first", package: name)
        }
        return built
    }

    /// The statements about `built` and everything that it was built from, each after those that it rests on.
    /// - Parameter archives: flat archives of the artifact, as further subjects of its own statement.
    package func bundle(
        of built: BuiltPackage, format: ProvenanceFormat = .slsa, archives: [Subject] = []
    ) throws -> ProvenanceBundle {
        var bundle = ProvenanceBundle()
        var done: Set<Digest> = []
        try append(built, format, archives, to: &bundle, &done)
        return bundle
    }

    private func append(
        _ built: BuiltPackage, _ format: ProvenanceFormat, _ archives: [Subject], to bundle: inout ProvenanceBundle,
        _ done: inout Set<Digest>
    ) throws {
        guard done.insert(built.key).inserted else { return }
        for dependency in built.dependencies {
            guard let record = try cache.actions.lookup(dependency.key),
                let other = try PackageRecord.read(record, store: cache.store)
            else {
                throw BuildError(
                    .missing,
                    "the provenance of \(dependency.package) is no longer in the cache; build it again with --cache none",
                    package: built.name)
            }
            try append(other, format, [], to: &bundle, &done)
        }
        guard let record = try cache.actions.lookup(built.key) else {
            throw BuildError(.missing, "the provenance is no longer in the cache; build it again", package: built.name)
        }
        var statement = try Statement(parsing: try PackageRecord.statement(record, format, store: cache.store))
        var payload = try PackageRecord.statement(record, format, store: cache.store)
        if !archives.isEmpty {
            statement.subjects.insert(contentsOf: archives, at: min(1, statement.subjects.count))
            payload = statement.payload
        }
        bundle.append(Envelope(payloadType: Statement.payloadType, payload: payload))
    }

    // MARK: Archives

    /// What was saved.
    package struct SavedArtifact: Sendable {
        /// The digest of the bare archive, which the provenance has among its subjects.
        package var digest: Digest
        /// The bundle beside the archive, when it is not inside.
        package var sidecar: FilePath?
    }

    /// Writes the flat archive of `built`, compressed as the name of `file` says, with its provenance.
    /// - Parameter embedding: puts the bundle into the archive, in front, so that the rest is the bare archive byte for
    ///   byte; else writes it beside the archive.
    package func save(_ built: BuiltPackage, to file: FilePath, embedding: Bool, format: ProvenanceFormat) throws
        -> SavedArtifact
    {
        let file = options.directory.pushing(file)
        let compression = Compression(archiveName: file.lastComponent?.string ?? "")
        let bare = embedding ? Files.temporaryName(beside: file) : file
        let archive = try cache.store.writeArchive(built.artifact, to: bare, compression: compression)
        let subject = Subject(
            name: built.name.fileSystemSafe + compression.archiveSuffix, digest: ["sha256": archive.digest.hex])
        let bundle = try bundle(of: built, format: format, archives: [subject]).bytes()
        guard embedding else {
            let sidecar = FilePath(file.string + ProvenanceBundle.sidecarSuffix)
            try Files.write(bundle, to: sidecar)
            return SavedArtifact(digest: archive.digest, sidecar: sidecar)
        }
        defer { try? Files.remove(bare) }
        _ = try Artifact.embed(bundle, in: bare, to: file)
        return SavedArtifact(digest: archive.digest, sidecar: nil)
    }
}

extension Compression {
    /// What the name of an archive asks for; gzip when it says nothing.
    init(archiveName name: String) {
        if name.hasSuffix(".tar") {
            self = .none
        } else if name.hasSuffix(".zst") || name.hasSuffix(".tzst") {
            self = .zstd
        } else {
            self = .gzip
        }
    }
}

/// A bundle from a file: JSON lines, or an archive that has one inside.
package enum BundleFile {
    private static let limit = 1 << 29

    /// Reads the bundle at `path`.
    package static func read(_ path: FilePath) throws -> ProvenanceBundle {
        let start = try OpenFile(reading: path).read(1)
        if start.isEmpty || start == [UInt8(ascii: "{")] || start == [UInt8(ascii: "\n")] {
            return try ProvenanceBundle(parsing: try Files.read(path, limit: limit))
        }
        guard let bundle = try Artifact.inspect(path).bundle else {
            throw BuildError(.missing, "\(path) has no \(Artifact.bundleMember) inside")
        }
        return try ProvenanceBundle(parsing: bundle)
    }

    /// The digest that provenance has of the artifact in `path`: of an archive that carries its bundle, the digest
    /// without it.
    package static func artifactDigest(of path: FilePath) throws -> Digest {
        if let inspection = try? Artifact.inspect(path), inspection.bundle != nil, let digest = inspection.digest {
            return digest
        }
        return try Files.digest(of: path).digest
    }
}
