internal import Attest
package import Build
package import Bytes
internal import Host
package import Inventory
package import Policy
package import Registry
package import Sigstore
package import SystemPackage
package import Workspace

/// One release on its way: what it consists of, where it goes, and what must allow it.
package struct Release: Sendable {
    /// What the statement of a release says (in-toto attestation framework, release 0.1).
    package static let predicateType = "https://in-toto.io/attestation/release/v0.1"

    package let definition: ReleaseDefinition
    package let version: String
    /// `nil` where only images are released.
    package let place: ReleasePlace?
    private let project: Project
    private let registry: RegistryClient

    /// What came of it.
    package struct Outcome: Sendable {
        package var stage: ReleaseStage
        /// What the policies decided about each thing, in order.
        package var decisions: [Decision] = []
        /// Why bundles were not believed.
        package var refusals: [EvidenceCollector.Refusal] = []
        /// Whether this very release was there already, so that nothing was done.
        package var wasThere = false

        /// Whether every policy allows everything.
        package var isAllowed: Bool { decisions.allSatisfy { $0.verdict != .denied } }
    }

    package init(
        _ definition: ReleaseDefinition, version: String, place: ReleasePlace?, project: Project,
        registry: RegistryClient
    ) throws {
        try definition.check(version: version)
        self.definition = definition
        self.version = version
        self.place = place
        self.project = project
        self.registry = registry
    }

    /// What has to be built.
    package func packages() throws -> [PackageName] {
        var seen: Set<PackageName> = []
        return try project.targets(definition.archives.map(\.package) + definition.images.map(\.package))
            .filter { seen.insert($0).inserted }
    }

    // MARK: Doing it

    /// How policies are held against what is to be published.
    package struct Judge: Sendable {
        package var policies: [ArtifactPolicy]
        package var trustedRoot: TrustedRoot?
        package var now: Timestamp

        package init(_ policies: [ArtifactPolicy], trustedRoot: TrustedRoot?, now: Timestamp) {
            self.policies = policies
            self.trustedRoot = trustedRoot
            self.now = now
        }
    }

    /// Makes, judges and publishes the release of what was built. Where a policy denies, nothing is published.
    ///
    /// Nothing that is published before the end says that it is a release: images have no tag and files no statement.
    package func run(
        _ built: [PackageName: BuiltPackage], signatures: StatementSignatures, metadata: BillMetadata, judge: Judge,
        temporary: FilePath
    ) async throws -> Outcome {
        guard let place else {
            return try await work(built, signatures, metadata, judge, temporary: temporary)
        }
        return try await place.locked {
            try await work(built, signatures, metadata, judge, temporary: temporary)
        }
    }

    private func work(
        _ built: [PackageName: BuiltPackage], _ signatures: StatementSignatures, _ metadata: BillMetadata,
        _ judge: Judge, temporary: FilePath
    ) async throws -> Outcome {
        let folder =
            try place?.stage(version, temporary: temporary)
            ?? Files.temporaryDirectory(in: temporary, prefix: "martlet-release-")
        let scratch = try Files.temporaryDirectory(in: temporary, prefix: "martlet-release-")
        defer {
            try? Files.removeTree(scratch)
            if (try? Files.exists(folder)) == true { try? Files.removeTree(folder) }
        }
        var stage = ReleaseStage(
            folder, project: project, signatures: signatures, bills: definition.bills, metadata: metadata)
        var last: BuiltPackage?
        for archive in definition.archives {
            let result = try result(archive.package, built)
            try await stage.add(result, as: ReleaseDefinition.filled(archive.file, version))
            last = result
        }
        for image in definition.images {
            let result = try result(image.package, built)
            try await stage.add(
                result, image: image.repository,
                tags: image.tags.map { ReleaseDefinition.filled($0, version) }, scratch: scratch)
            last = result
        }
        guard let last else { throw ReleaseError(.configuration, "nothing is released; name archives or images") }
        try await stage.finish(definition.name, version: version, about: last)
        var outcome = Outcome(stage: stage)
        outcome.wasThere = try await isThere(stage, signatures)
        try judge.decide(&outcome)
        guard outcome.isAllowed else { return outcome }
        if !outcome.wasThere { try await publish(stage, metadata) }
        return outcome
    }

    private func result(_ package: String, _ built: [PackageName: BuiltPackage]) throws -> BuiltPackage {
        guard let name = try project.targets([package]).first, let result = built[name] else {
            throw ReleaseError(.configuration, "\(package.safeForTerminal) was not built")
        }
        return result
    }

    // MARK: What is there already

    /// Whether this version was released with the same contents. `.exists` where it was released with others.
    private func isThere(_ stage: ReleaseStage, _ signatures: StatementSignatures) async throws -> Bool {
        let own = stage.statement?.envelope?.payload
        let state = try await place?.state(version)
        if let place, case .released(let bytes)? = state {
            let bundle = try UnverifiedBundle(parsing: bytes)
            guard bundle.envelope?.payload == own, (try? signatures.check(bundle)) != nil else {
                throw ReleaseError(
                    .exists,
                    "\(place.shown(version)) is another release of this version; what is released stays, so choose another version"
                )
            }
            guard try await tagsAreSet(stage) else {
                throw ReleaseError(
                    .exists,
                    "\(place.shown(version)) is complete, but a tag of its images is gone; set it again by hand")
            }
            return true
        }
        let areSet = try await tagsAreSet(stage)
        return place == nil && areSet
    }

    /// Whether all tags lead to the images. `.exists` where one that belongs to this version leads elsewhere.
    private func tagsAreSet(_ stage: ReleaseStage) async throws -> Bool {
        var areSet = true
        for (image, wanted) in zip(stage.images, definition.images) {
            let repository = registry.repository(try Reference(image.repository))
            for (tag, pattern) in zip(image.tags, wanted.tags) {
                let found = try await repository.optional(.tag(tag))
                if found?.descriptor.digest == image.digest { continue }
                // Tags that move with each release may be elsewhere by now.
                if pattern.contains("{version}") {
                    areSet = false
                    if let found {
                        throw ReleaseError(
                            .exists,
                            "\(image.repository):\(tag) is \(found.descriptor.digest); what is released stays, so choose another version"
                        )
                    }
                } else if place == nil {
                    areSet = false
                }
            }
        }
        return areSet
    }

    // MARK: Publishing

    private func publish(_ stage: ReleaseStage, _ metadata: BillMetadata) async throws {
        for image in stage.images {
            let repository = registry.repository(try Reference(image.repository))
            let result = try await ImageCopy(
                from: image.source, to: repository, width: registry.settings.width
            ).run(.digest(image.digest), tag: nil)
            for bundle in image.bundles {
                // The same bundle at another time is the same referrer.
                _ = try await AttachedContent(
                    bundle: bundle.bundle.json.bytes(), predicateType: bundle.predicateType, created: metadata.created
                ).attach(to: result.descriptor, in: repository)
            }
        }
        // From here on it shows. What names a version is last.
        for image in stage.images {
            let repository = registry.repository(try Reference(image.repository))
            for tag in image.tags {
                _ = try await ImageCopy(from: image.source, to: repository).run(
                    .digest(image.digest), tag: tag)
            }
        }
        try await place?.publish(stage.folder, as: version)
    }
}

extension Release.Judge {
    /// Decides about each file and image.
    func decide(_ outcome: inout Release.Outcome) throws {
        if policies.isEmpty { return }
        for file in outcome.stage.files {
            decide(PolicySubject(name: file.name, digest: file.digest), file.bundles, &outcome)
        }
        for image in outcome.stage.images {
            decide(
                PolicySubject(name: image.repository, digests: [image.digest.description]), image.bundles, &outcome)
        }
    }

    private func decide(
        _ subject: PolicySubject, _ bundles: [ReleaseStage.Bundle], _ outcome: inout Release.Outcome
    ) {
        var collector = EvidenceCollector(policies, trustedRoot: trustedRoot)
        for bundle in bundles {
            collector.add(bundle.bundle, name: bundle.name.isEmpty ? subject.name : bundle.name, artifact: nil)
        }
        outcome.refusals += collector.refusals
        outcome.decisions += policies.map {
            PolicyEvaluation.decide($0, about: subject, with: collector.pool, at: now)
        }
    }
}
