package import Attest
package import Bytes
internal import Cache
internal import Host
internal import Sigstore
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
        var builder = try await builder(BuildOptions())
        var plan = try await builder.plan([name])
        if plan.cached[name] == nil {
            // It may rest on what Leeway made. Nobody builds on what is only told about.
            var options = BuildOptions()
            options.foreign = RecordedImports(cache)
            builder = try await self.builder(options)
            plan = try await builder.plan([name])
        }
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
    package func bundle(of built: BuiltPackage, format: ProvenanceFormat = .slsa) throws -> ProvenanceBundle {
        var bundle = ProvenanceBundle()
        for said in try statements(of: built, format) {
            bundle.append(Envelope(payloadType: Statement.payloadType, payload: said.statement))
        }
        return bundle
    }

    /// What was said of `built`, last, and of everything that it was built from.
    private func statements(of built: BuiltPackage, _ format: ProvenanceFormat) throws -> [RecordedStatements.Said] {
        try RecordedStatements(actions: cache.actions, store: cache.store).all(of: [(built.key, built.name)], format)
    }

    // MARK: Archives

    /// What was saved.
    package struct SavedArtifact: Sendable {
        /// The digest of the bare archive, which the provenance has among its subjects.
        package var digest: Digest
        /// The bundle beside the archive, when it is not inside.
        package var sidecar: FilePath?
        /// The Sigstore bundle beside the archive, when statements are signed.
        package var signedBundle: FilePath?
    }

    /// Writes the flat archive of `built`, compressed as the name of `file` says, with its provenance.
    ///
    /// The archive comes last: where anything fails before, a signature for instance, there is none.
    /// - Parameters:
    ///   - embedding: puts the bundle into the archive, in front, so that the rest is the bare archive byte for byte; else
    ///     writes it beside the archive.
    ///   - signatures: signs every statement, and makes a Sigstore bundle of the last one, whose subjects include the file.
    package func save(
        _ built: BuiltPackage, to file: FilePath, embedding: Bool, format: ProvenanceFormat,
        signatures: StatementSignatures? = nil
    ) async throws -> SavedArtifact {
        let file = options.directory.pushing(file)
        let compression = Compression(archiveName: file.lastComponent?.string ?? "")
        let (bare, whole) = (Files.temporaryName(beside: file), Files.temporaryName(beside: file))
        defer {
            try? Files.remove(bare)
            try? Files.remove(whole)
        }
        let archive = try cache.store.writeArchive(built.artifact, to: bare, compression: compression)
        let subject = Subject(
            name: built.name.fileSystemSafe + compression.archiveSuffix, digest: ["sha256": archive.digest.hex])
        var bundle = ProvenanceBundle()
        var last: [UInt8] = []
        var signed: UnverifiedBundle?
        for said in try statements(of: built, format) {
            var said = said
            if said.built.key == built.key { said.statement = try adding([subject], to: said.statement) }
            last = said.statement
            signed = try await said.bundle(signatures)
            let unsigned = Envelope(payloadType: Statement.payloadType, payload: said.statement)
            try bundle.append(line: signed?.envelopeLine ?? unsigned.line)
        }
        var saved = SavedArtifact(digest: archive.digest)
        if embedding {
            let embedded = try Artifact.embed(bundle.bytes(), in: bare, to: whole)
            if let signatures {
                // Verifiers that know nothing of the bundle inside look for the digest of the file as it is.
                let subject = Subject(
                    name: file.lastComponent?.string ?? subject.name, digest: ["sha256": embedded.digest.hex])
                signed = try await signatures.bundle(around: try adding([subject], to: last), about: built)
            }
        } else {
            let sidecar = FilePath(file.string + ProvenanceBundle.sidecarSuffix)
            try Files.write(bundle.bytes(), to: sidecar)
            saved.sidecar = sidecar
        }
        if let signed {
            let path = FilePath(file.string + UnverifiedBundle.fileSuffix)
            try Files.write(signed.json.bytes(), to: path)
            saved.signedBundle = path
        }
        try Files.rename(embedding ? whole : bare, to: file)
        return saved
    }

    /// A statement with further subjects, behind the tree's.
    private func adding(_ subjects: [Subject], to statement: [UInt8]) throws -> [UInt8] {
        var statement = try Statement(parsing: statement)
        statement.subjects.insert(contentsOf: subjects, at: min(1, statement.subjects.count))
        return statement.payload
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
