internal import ArgumentParser
internal import Attest
internal import Build
internal import Bytes
internal import Git
internal import Host
internal import Image
internal import Inventory
internal import Keys
internal import Policy
internal import Registry
internal import Reports
internal import Sigstore
internal import SystemPackage

/// A target's way from its provenance to a second build and the comparison of both.
struct RebuildRun {
    /// Provenance that was found, and who signed it.
    struct Found {
        var statement: Statement
        /// Of the exact bytes.
        var digest: Digest
        var signer: String?
    }

    /// `nil` takes what nobody signed.
    let verifier: Verifier?
    /// Where provenance is, when it is not beside the target.
    let bundle: FilePath?
    /// A directory in a clone of the sources.
    let repository: FilePath
    /// The definition of an image that no package is.
    let definition: FilePath?
    let options: ProjectOptions
    let building: BuildOptions

    // MARK: Images

    /// Builds the image again and compares.
    func image(_ image: OpenImage, _ text: String) async throws -> RebuildReport {
        let target = try await image.source.resolve(image.name)
        let found = try await provenance(of: image, target, text)
        if let definition { return try await imageFromDefinition(definition, image, target, found, text) }
        let order = try RebuildOrder(found.statement)
        let files = try await image.source.manifest(.digest(target.digest)).manifest
        let rebuilt = try await Project.rebuild(order, from: repository, options, building) { path in
            try await Self.file(path, of: files, in: image.source)
        }
        defer { rebuilt.remove() }
        let layout = try await rebuilt.writeLayout()
        var report = try await compare(
            image, target, rebuilt.images.map { ($0.name, "\($0.digest)") }, layout, found,
            "commit \(order.commit)", text)
        note(order, rebuilt, &report)
        return report
    }

    /// The content of a file of the first image; `nil` where it has none.
    private static func file(_ path: String, of manifest: Manifest, in source: any ImageSource) async throws -> [UInt8]?
    {
        var manifest = manifest
        if case .index(let index) = manifest, let first = index.images.first {
            manifest = try await source.manifest(first).manifest
        }
        guard case .image(let image) = manifest else { return nil }
        let scratch = try Files.temporaryDirectory(
            in: FilePath(ProcessEnvironment.variables["TMPDIR"] ?? "/tmp"), prefix: "martlet-rebuild-")
        defer { try? Files.removeTree(scratch) }
        do {
            return try await ImageFiles(image, from: source).read(path, limit: 512 << 20, scratch: scratch)
        } catch let error as RegistryError where error.code == .absent {
            return nil
        }
    }

    private func imageFromDefinition(
        _ path: FilePath, _ image: OpenImage, _ target: Descriptor, _ found: Found, _ text: String
    ) async throws -> RebuildReport {
        let order = try ImageRebuild(found.statement)
        var arguments = try ImageArguments.parse([path.string])
        let scratch = try Files.temporaryDirectory(
            in: FilePath(ProcessEnvironment.variables["TMPDIR"] ?? "/tmp"), prefix: "martlet-rebuild-")
        defer { try? Files.removeTree(scratch) }
        // What was fetched may be used again, since its digests are known; layers are made anew.
        arguments.origin = arguments.directory
        arguments.cacheDir = scratch.appending("cache").string
        let definition = try arguments.load()
        let lock = try arguments.lock(of: definition)
        let digest = try Files.digest(of: path).digest
        let layout = try OCILayout(creating: scratch.appending("layout"))
        let sets = try await arguments.withClient { client in
            let sets = try await order.build(definition, digest: digest, lock: lock, client: client)
            try await ImagePublisher(client: client).publish(
                sets, to: layout, bills: [], try BillMetadata(environment: [:], version: MartletProgram.version))
            return sets
        }
        try await layout.finish()
        let names = ImageProvenance.subjects(of: definition.name, sets).map {
            ($0.name, "sha256:\($0.digest["sha256"] ?? "")")
        }
        return try await compare(image, target, names, layout, found, "\(path) and its lock", text)
    }

    /// Compares the target with that of `rebuilt` which is to be the same.
    private func compare(
        _ image: OpenImage, _ target: Descriptor, _ rebuilt: [(name: String, digest: String)], _ layout: OCILayout,
        _ found: Found, _ source: String, _ text: String
    ) async throws -> RebuildReport {
        let name = found.statement.subjects.first { $0.digest[target.digest.algorithm.rawValue] == target.digest.hex }?
            .name
        let tag = image.address.reference?.tag.map { ":\($0)" }
        guard
            let counterpart = rebuilt.first(where: { $0.digest == "\(target.digest)" })
                ?? rebuilt.first(where: { $0.name == name })
                ?? rebuilt.first(where: { candidate in tag.map { candidate.name.hasSuffix($0) } ?? false })
                ?? rebuilt.first, let digest = MessageDigest(description: counterpart.digest)
        else { throw CommandError(message: "the second build made no image", status: 3) }
        var report = RebuildReport(
            target: text, expected: "\(target.digest)", rebuilt: counterpart.digest, signer: found.signer,
            provenance: found.digest, source: source)
        report.parts = try await ImageComparison(
            image.source, .digest(target.digest), layout, .digest(digest)
        ).parts
        return report
    }

    // MARK: Archives of packages

    /// Builds the package in an archive again and compares.
    func archive(_ file: FilePath) async throws -> RebuildReport {
        let found = try provenance(of: file)
        let order = try RebuildOrder(found.statement)
        let isLayout = (try? OCIArchive(file)) != nil
        let rebuilt = try await Project.rebuild(order, from: repository, options, building) { path in
            guard isLayout else { return nil }
            let archive = try OCIArchive(file)
            let tags = try await archive.tags()
            guard let tag = tags.first else { return nil }
            return try await Self.file(path, of: archive.manifest(.tag(tag)).manifest, in: archive)
        }
        defer { rebuilt.remove() }
        let again = try rebuilt.writeArchive("again-\(file.lastComponent?.string ?? "package")")
        let expected = try BundleFile.artifactDigest(of: file)
        var report = RebuildReport(
            target: file.string, expected: "\(expected)", rebuilt: "\(again.digest)", signer: found.signer,
            provenance: found.digest, source: "commit \(order.commit)")
        guard !report.isEqual else { return report }
        if !rebuilt.images.isEmpty, isLayout {
            let (archive, layout) = (try OCIArchive(file), try await rebuilt.writeLayout())
            for tag in try await archive.tags() {
                report.parts += try await ImageComparison(archive, .tag(tag), layout, .tag(tag)).parts
            }
        }
        if report.parts.isEmpty {
            let was = try LayerContents(ByteReader(OpenFile(reading: file)))
            let now = try LayerContents(ByteReader(OpenFile(reading: again.file)))
            let files = LayerContents.differences(was, now, ignoring: [ProvenanceBundle.archiveMember])
            report.parts.append(
                ImageComparison.Part(
                    name: "archive",
                    detail: files.isEmpty ? "the same files, packed otherwise" : "\(files.count) files differ",
                    files: files))
        }
        note(order, rebuilt, &report)
        return report
    }

    private func note(_ order: RebuildOrder, _ rebuilt: RebuiltPackage, _ report: inout RebuildReport) {
        guard !report.isEqual, let key = order.key, key != rebuilt.built.key else { return }
        report.notes.append(
            "the package's key is another here (\(rebuilt.built.key.hex.prefix(12)), not \(key.hex.prefix(12))): tools, platform or martlet are not those of the first build"
        )
    }

    // MARK: Provenance

    private func provenance(of image: OpenImage, _ target: Descriptor, _ text: String) async throws -> Found {
        if let bundle { return try provenance(in: bundle, about: "\(target.digest.hex)") }
        guard let verifier else {
            for attachment in try await image.source.bundles(of: target.digest, predicateType: Provenance.predicateType)
            {
                let bytes = try await image.source.content(attachment.content, limit: Attachment.greatestByteCount)
                if let found = try Self.unsigned(bytes, about: target.digest.hex) { return found }
            }
            throw CommandError(message: "\(text) has no provenance beside it; give it with --bundle", status: 3)
        }
        let checking = ImageVerification(verifier: verifier, predicateType: Provenance.predicateType)
        return try Self.best(
            [try await checking.verify(image.name, in: image.source, shown: text).verdict], about: target.digest.hex)
    }

    private func provenance(of file: FilePath) throws -> Found {
        let digest = try BundleFile.artifactDigest(of: file).hex
        if let bundle { return try provenance(in: bundle, about: digest) }
        guard let verifier else {
            guard let found = try Self.unsigned(try BundleFile.read(file).bytes(), about: digest) else {
                throw CommandError(message: "\(file) has no provenance inside; give it with --bundle", status: 3)
            }
            return found
        }
        let checking = BundleVerification(verifier: verifier, predicateType: Provenance.predicateType)
        return try Self.best(checking.verify(.file(file)), about: digest)
    }

    /// Provenance of a file of its own: what it says is to be built, whatever the target is.
    private func provenance(in bundle: FilePath, about digest: String) throws -> Found {
        guard let verifier else {
            guard let found = try Self.unsigned(Files.read(bundle, limit: 512 << 20), about: digest) else {
                throw CommandError(message: "\(bundle) holds no provenance", status: 3)
            }
            return found
        }
        let checking = BundleVerification(verifier: verifier, predicateType: Provenance.predicateType)
        return try Self.best(checking.verify(.bundles(bundle)), about: digest)
    }

    /// Of what was verified the statement about the target, else the last: that of the package itself.
    private static func best(_ verdicts: [BundleVerification.Verdict], about digest: String) throws -> Found {
        let verified = verdicts.flatMap(\.verified).filter { $0.statement?.predicateType == Provenance.predicateType }
        func isAbout(_ bundle: VerifiedBundle) -> Bool {
            bundle.statement?.subjects.contains { $0.digest.values.contains(digest) } ?? false
        }
        guard let bundle = verified.first(where: isAbout) ?? verified.last, let statement = bundle.statement,
            let envelope = bundle.envelope
        else {
            let screen = Terminal(.standardError)
            let text = VerificationText(ink: Ink(for: screen), showsAll: false)
            screen.say(text.lines(verdicts).joined(separator: "\n"))
            throw CommandError.no("no provenance is verified; nothing was built")
        }
        return Found(statement: statement, digest: .of(envelope.payload), signer: bundle.signerText)
    }

    /// Envelopes a line, which need no signature, or a file of any other form.
    private static func envelopes(_ bytes: [UInt8]) throws -> [Envelope] {
        if let bundle = try? ProvenanceBundle(parsing: bytes) { return bundle.entries.map(\.envelope) }
        return try AttestationFile(parsing: bytes).bundles.compactMap { bundle in
            if case .envelope(let envelope) = bundle.content { envelope } else { nil }
        }
    }

    private static func unsigned(_ bytes: [UInt8], about digest: String) throws -> Found? {
        var found: [Found] = []
        for envelope in try envelopes(bytes) {
            guard let statement = try? Statement(parsing: envelope.payload),
                statement.predicateType == Provenance.predicateType
            else { continue }
            found.append(Found(statement: statement, digest: .of(envelope.payload), signer: nil))
        }
        return found.first { $0.statement.subjects.contains { $0.digest.values.contains(digest) } } ?? found.last
    }
}

extension VerifiedBundle {
    /// Who signed, for people.
    fileprivate var signerText: String {
        switch signer {
        case .certificate(_, let issuer, let name): "\(name) (\(issuer))"
        case .key(let key): "key \(key.id.hex.prefix(16))"
        }
    }
}
