internal import Attest
package import Bytes
package import Cache
internal import Sandbox
internal import Workspace

/// An artifact that Leeway made, as a verified attestation has it, unpacked into the store.
package struct ImportedArtifact: Sendable {
    package var wanted: WantedImport
    /// The object's name in Leeway's cache.
    package var object: String
    /// The digest of the archive.
    package var archive: Digest
    /// The bundle that vouches for the archive, as it was received.
    package var attestation: [UInt8]
    /// Who built it, as the attestation says.
    package var builder: String
    /// The repository that it was built from, as the attestation says.
    package var repository: String
    /// The tree of the archive's files.
    package var tree: Digest

    package init(
        _ wanted: WantedImport, object: String, archive: Digest, attestation: [UInt8], builder: String,
        repository: String, tree: Digest
    ) {
        self.wanted = wanted
        self.object = object
        self.archive = archive
        self.attestation = attestation
        self.builder = builder
        self.repository = repository
        self.tree = tree
    }

    /// What is known of the artifact, under a key of its own; `place` is where it was found.
    ///
    /// - Parameter time: seconds since 1970.
    package func record(
        from place: String, at time: Int, store: ContentStore, actions: ActionCache
    ) throws -> BuiltPackage {
        let key = PackageKey(importing: archive, of: wanted.name, leewayVersion: wanted.leewayVersion)
        let kept = try store.put(attestation)
        var built = BuiltPackage(
            name: wanted.name, key: key.digest, leewayVersion: wanted.leewayVersion, ownTree: tree, artifact: tree,
            references: [], dependencies: [], inputTree: ContentStore.emptyRoot, steps: [], fetched: [], sandbox: .off,
            startedOn: time, finishedOn: time)
        built.imported = .init(object: object, archive: archive, attestation: kept)
        let statement = statement.payload
        var record = try PackageRecord.write(
            built, manifest: key.manifest,
            statements: Dictionary(uniqueKeysWithValues: ProvenanceFormat.allCases.map { ($0, statement) }),
            store: store)
        record.blobs["attestation"] = kept
        // So it is not given to a remote cache.
        record.facts = ["from": place]
        try store.put(Tree.empty)
        try actions.record(record)
        try actions.record(
            ActionResult(
                key: Self.noteKey(wanted), tree: ContentStore.emptyRoot,
                facts: ["package": wanted.name.description, "key": key.digest.hex]))
        return built
    }

    /// The artifact of `wanted` that was taken before, if all of it is here.
    package static func find(
        _ wanted: WantedImport, store: ContentStore, actions: ActionCache
    ) async throws -> BuiltPackage? {
        guard let key = try actions.lookup(noteKey(wanted))?.facts["key"].flatMap({ Digest(hex: $0) }),
            let record = try actions.lookup(key), let built = try PackageRecord.read(record, store: store),
            built.name == wanted.name, let imported = built.imported, store.contains(imported.attestation),
            try await store.isComplete(built.ownTree)
        else { return nil }
        return built
    }

    /// Under what it is noted which artifact was taken.
    private static func noteKey(_ wanted: WantedImport) -> Digest {
        .of("martlet import 1\n\(wanted.name)\n\(wanted.leewayVersion)\n")
    }

    /// What martlet says of the artifact: that it is what Leeway's builder made, unpacked. Nobody signs this.
    private var statement: Statement {
        let provenance = Provenance(
            buildType: MartletBuild.importType,
            externalParameters: [
                "package": .string(wanted.name.description), "leewayVersion": .string(wanted.leewayVersion),
            ],
            resolvedDependencies: [
                ResourceDescriptor(name: object, digest: ["sha256": archive.hex]),
                ResourceDescriptor(
                    name: object + ImportedArtifact.attestationSuffix, digest: ["sha256": Digest.of(attestation).hex]),
                ResourceDescriptor(uri: "git+" + repository),
            ],
            builder: .init(id: builder),
            byproducts: [
                ResourceDescriptor(name: "cache", uri: "martlet:cache/leeway", annotations: ["origin": "leeway"])
            ])
        return Statement(
            subjects: [
                Subject(name: wanted.name.description, digest: tree), Subject(name: object, digest: archive),
            ], predicateType: Provenance.predicateType, predicate: provenance.json)
    }

    /// What Leeway calls an object's attestation by, behind the object's name.
    package static let attestationSuffix = ".att"
}

/// What was taken before, for those who only ask about results.
struct RecordedImports: ForeignResults {
    private let store: ContentStore
    private let actions: ActionCache

    init(_ cache: ProjectCache) {
        store = cache.store
        actions = cache.actions
    }

    func take(_ wanted: [WantedImport]) async throws -> [BuiltPackage] {
        var found: [BuiltPackage] = []
        for artifact in wanted {
            if let built = try await ImportedArtifact.find(artifact, store: store, actions: actions) {
                found.append(built)
            }
        }
        return found
    }

    func takeRemarks() -> [SharedRemark] { [] }
}
