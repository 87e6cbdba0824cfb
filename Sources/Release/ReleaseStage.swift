internal import Attest
internal import Build
package import Bytes
internal import Host
internal import Inventory
internal import Registry
package import Sigstore
package import SystemPackage
internal import Workspace

/// Everything that a release publishes, made and signed in a folder that nobody else looks at.
package struct ReleaseStage: Sendable {
    /// A file that people are to get.
    package struct File: Sendable {
        package var name: String
        package var digest: Digest
        /// The bundles about it, by name: provenance first.
        package var bundles: [Bundle]
        /// Its bills of materials, by name.
        package var bills: [(name: String, digest: Digest)]
    }

    /// An image that people are to get.
    package struct Image: Sendable {
        package var repository: String
        package var tags: [String]
        package var digest: MessageDigest
        /// Where it is until it is pushed.
        var source: any ImageSource
        package var bundles: [Bundle]
    }

    /// A signed statement about something that is released.
    package struct Bundle: Sendable {
        /// The file's name; empty where it is put beside an image alone.
        package var name: String
        package var predicateType: String
        package var bundle: UnverifiedBundle
    }

    package let folder: FilePath
    package private(set) var files: [File] = []
    package private(set) var images: [Image] = []
    /// The statement of the release, signed.
    package private(set) var statement: UnverifiedBundle?

    /// The file with the digests of all others, as sha256sum reads it.
    static let sumsName = "SHA256SUMS"

    private let project: Project
    private let signatures: StatementSignatures
    private let bills: [BillFormat]
    private let metadata: BillMetadata

    init(
        _ folder: FilePath, project: Project, signatures: StatementSignatures, bills: [BillFormat],
        metadata: BillMetadata
    ) {
        self.folder = folder
        self.project = project
        self.signatures = signatures
        self.bills = bills
        self.metadata = metadata
    }

    /// Adds a package as a file.
    mutating func add(_ built: BuiltPackage, as name: String) async throws {
        let path = folder.appending(name)
        let saved = try await project.save(
            built, to: path, embedding: false, format: .slsa, signatures: signatures)
        guard let signed = saved.signedBundle else {
            throw ReleaseError(.configuration, "nobody signs; give --key, or --keyless")
        }
        let provenance = try UnverifiedBundle(parsing: Files.read(signed, limit: UnverifiedBundle.Limits.byteCount))
        var file = File(
            name: name, digest: saved.digest,
            bundles: [
                Bundle(
                    name: signed.lastComponent?.string ?? "", predicateType: provenance.claimedPredicateType ?? "",
                    bundle: provenance)
            ], bills: [])
        let subject = BillOfMaterials.Subject(
            name: name, version: "", checksums: [.init("sha256", saved.digest.hex)])
        let bill = try project.bill(of: built, as: subject)
        for format in bills {
            let document = bill.document(format, metadata).bytes(indented: true) + [UInt8(ascii: "\n")]
            let own = "\(name).\(format.rawValue).json"
            try Files.write(document, to: folder.appending(own))
            file.bills.append((own, Digest.of(document)))
            let signed = try await signatures.bundle(
                around: bill.statement(format, metadata).payload, about: built)
            let bundleName = "\(name).\(format.rawValue).sigstore.json"
            try Files.write(signed.json.bytes(), to: folder.appending(bundleName))
            file.bundles.append(
                Bundle(name: bundleName, predicateType: signed.claimedPredicateType ?? "", bundle: signed))
        }
        files.append(file)
    }

    /// Adds a package whose artifact is an image.
    mutating func add(
        _ built: BuiltPackage, image repository: String, tags: [String], scratch: FilePath
    ) async throws {
        let artifact = scratch.appending("image-\(images.count)")
        try await project.copy(built, to: artifact)
        let (source, found) = try await Self.image(in: artifact, of: built)
        let digest = found.descriptor.digest
        let subject = Subject(name: repository, digest: [digest.algorithm.rawValue: digest.hex])
        let provenance = try await project.provenance(of: built, about: subject, signatures: signatures)
        var image = Image(
            repository: repository, tags: tags, digest: digest, source: source,
            bundles: [
                Bundle(name: "", predicateType: provenance.claimedPredicateType ?? "", bundle: provenance)
            ])
        if !bills.isEmpty {
            let bill = try await bill(of: built, found.descriptor, source, repository, scratch: artifact)
            for format in bills {
                let signed = try await signatures.bundle(
                    around: bill.statement(format, metadata).payload, about: built)
                image.bundles.append(
                    Bundle(name: "", predicateType: signed.claimedPredicateType ?? "", bundle: signed))
            }
        }
        images.append(image)
    }

    /// The image that an artifact is: a layout, as image packages make it, or an archive of one, as docker packages do.
    private static func image(
        in artifact: FilePath, of built: BuiltPackage
    ) async throws -> (source: any ImageSource, found: FoundManifest) {
        if try Files.exists(artifact.appending("oci-layout")) {
            let layout = try OCILayout(opening: artifact)
            // One that has variants has them beside this one.
            return (layout, try await layout.manifest(.tag(Reference.usualTag)))
        }
        let file = artifact.appending("image.tar")
        guard try Files.exists(file) else {
            throw ReleaseError(
                .configuration, "\(built.name) is no image; images: takes packages of the types image and docker")
        }
        let archive = try OCIArchive(file)
        return (archive, try await archive.findOnly())
    }

    /// What lock files of the image's package, and of all it was built from, name, and what is installed in its layers.
    private func bill(
        of built: BuiltPackage, _ image: Descriptor, _ source: any ImageSource, _ repository: String, scratch: FilePath
    ) async throws -> BillOfMaterials {
        let subject = BillOfMaterials.Subject(
            name: repository, version: "", checksums: [.init(image.digest.algorithm.rawValue, image.digest.hex)])
        let locked = try project.bill(of: built, as: subject)
        let layout = scratch.appending("released")
        _ = try await ImageCopy(from: source, to: OCILayout(creating: layout)).run(
            .digest(image.digest), tag: "released")
        let installed = try BillSource.bill(at: layout)
        let base = locked.components.count
        return try BillOfMaterials(
            of: subject, components: locked.components + installed.components,
            dependencies: locked.dependencies + installed.dependencies.map { $0.map { $0 + base } },
            unpinned: locked.unpinned + installed.unpinned)
    }

    /// Writes the sums and the statement of the release, which names all that is in it.
    mutating func finish(_ name: String, version: String, about built: BuiltPackage) async throws {
        var subjects: [Subject] = []
        var sums = ""
        for file in files.sorted(by: { Files.isOrderedByBytes($0.name, $1.name) }) {
            for (name, digest) in [(file.name, file.digest)] + file.bills {
                subjects.append(Subject(name: name, digest: ["sha256": digest.hex]))
                sums += "\(digest.hex)  \(name)\n"
            }
        }
        for image in images {
            subjects.append(
                Subject(
                    name: image.repository, digest: [image.digest.algorithm.rawValue: image.digest.hex]))
        }
        if !sums.isEmpty {
            let bytes = Array(sums.utf8)
            try Files.write(bytes, to: folder.appending(Self.sumsName))
            subjects.append(Subject(name: Self.sumsName, digest: ["sha256": Digest.of(bytes).hex]))
        }
        let statement = Statement(
            subjects: subjects, predicateType: Release.predicateType,
            predicate: ["purl": .string("pkg:generic/\(name)@\(version)")])
        let signed = try await signatures.bundle(around: statement.payload, about: built)
        try Files.write(signed.json.bytes(), to: folder.appending(ReleasePlace.statementName))
        self.statement = signed
    }
}
