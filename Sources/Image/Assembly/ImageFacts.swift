package import Attest
package import Bytes
package import Inventory
internal import Registry

extension ImageLock.Package {
    /// The package as other tools name it.
    var packageURL: PackageURL {
        PackageURL(
            type: "deb", namespace: "debian", name: name, version: version,
            qualifiers: [PackageURL.Qualifier(key: "arch", value: architecture)])
    }

    /// The text of `packageURL`.
    package var purl: String { packageURL.description }

    fileprivate var component: Component {
        var component = Component(.debian, name: name, version: version, purl: packageURL)
        component.checksums = [Component.Checksum("sha256", digest.hex)]
        // `openssl (3.0.1-1)` where the versions differ.
        let words = source.split(separator: " ")
        let version = words.count > 1 ? String(words[1].filter { $0 != "(" && $0 != ")" }) : version
        component.sourcePackage = Component.SourcePackage(name: String(words.first ?? ""), version: version)
        component.isDirect = true
        return component
    }
}

extension BuiltImage {
    /// What the image consists of.
    package func bill() throws -> BillOfMaterials {
        let digest = manifest.descriptor.digest
        let subject = BillOfMaterials.Subject(
            name: name,
            purl: PackageURL(
                type: "oci", name: name, version: digest.description,
                qualifiers: [PackageURL.Qualifier(key: "arch", value: platform.architecture)]),
            checksums: [Component.Checksum(digest.algorithm.rawValue, digest.hex)])
        let components = packages.map(\.component)
        return try BillOfMaterials(
            of: subject, components: components, dependencies: components.map { _ in [] })
    }
}

/// The statement about how images came to be.
package struct ImageProvenance: Sendable {
    /// The meaning of every field of `statement` (docs/formats/image-provenance.md).
    package static let buildType = "https://martlet.dev/image/v1"

    package var definition: ImageDefinition
    /// Of the definition's file.
    package var definitionDigest: Digest
    package var lock: ImageLock
    package var compression: LayerCompression
    package var created: Timestamp
    package var builder: ProvenanceFacts.Builder
    /// Whether images say where their files are.
    package var indexesPaths = false

    package init(
        definition: ImageDefinition, definitionDigest: Digest, lock: ImageLock, compression: LayerCompression,
        created: Timestamp, builder: ProvenanceFacts.Builder
    ) {
        self.definition = definition
        self.definitionDigest = definitionDigest
        self.lock = lock
        self.compression = compression
        self.created = created
        self.builder = builder
    }

    /// The statement about `sets`: each image and index is a subject. Equal builds give equal statements.
    package func statement(_ sets: [ImageSet]) -> Statement {
        let subjects = Self.subjects(of: definition.name, sets)
        let images = sets.flatMap(\.images)
        var parameters: JSONObject = [
            "definition": ["name": .string(definition.name), "digest": ["sha256": .string(definitionDigest.hex)]],
            "lock": ["digest": ["sha256": .string(Digest.of(lock.bytes).hex)]],
            "architectures": .array(Self.unique(images.map(\.platform.architecture)).map(JSON.string)),
            "variants": .array(sets.map { .string($0.variant) }), "compression": .string(compression.rawValue),
            "created": .string(created.description),
        ]
        if indexesPaths { parameters["pathIndex"] = true }
        let provenance = Provenance(
            buildType: Self.buildType, externalParameters: parameters,
            internalParameters: [
                "recipe": .integer(LayerRecipe.version), "verified": .string(ImageLock.time(lock.verified)),
            ],
            resolvedDependencies: lock.resolvedDependencies(
                keyrings: definition.archives.map(\.keyringText), packages: images.flatMap(\.packages),
                packageRole: "package"),
            builder: Provenance.Builder(
                id: MartletBuild.builderID(version: builder.version, digest: builder.digest),
                version: ["martlet": builder.version],
                dependencies: [ResourceDescriptor(name: "martlet", digest: ["sha256": builder.digest.hex])]))
        return Statement(
            subjects: subjects, predicateType: Provenance.predicateType, predicate: provenance.json)
    }

    /// Each image and index of `sets`, by the name that statements have for it.
    package static func subjects(of name: String, _ sets: [ImageSet]) -> [Subject] {
        var subjects: [Subject] = []
        for set in sets {
            subjects.append(Subject(name: "\(name):\(set.tag)", digest: ["sha256": set.descriptor.digest.hex]))
            for image in set.images where image.manifest.descriptor.digest != set.descriptor.digest {
                subjects.append(
                    Subject(
                        name: "\(name):\(set.tag)-\(image.platform.architecture)",
                        digest: ["sha256": image.manifest.descriptor.digest.hex]))
            }
        }
        return subjects
    }

    private static func unique(_ texts: [String]) -> [String] {
        var seen: Set<String> = []
        return texts.filter { seen.insert($0).inserted }
    }
}

extension ImageLock {
    /// The archive's signed state, down to each package that is in the images.
    /// - Parameters:
    ///   - keyrings: the names of the archives' keyrings, in the order of the archives.
    ///   - packageRole: what the role of packages is called.
    package func resolvedDependencies(
        keyrings: [String], packages: [Package], packageRole: String
    ) -> [ResourceDescriptor] {
        var out: [ResourceDescriptor] = []
        for (number, archive) in archives.enumerated() {
            let place = "\(archive.uri)/dists/\(archive.suite)"
            let keyring = keyrings.indices.contains(number) ? keyrings[number] : nil
            out.append(
                ResourceDescriptor(
                    name: keyring, digest: ["sha256": archive.keyring.hex], annotations: ["role": "keyring"]))
            out.append(
                ResourceDescriptor(
                    name: "\(archive.suite)/InRelease", uri: "\(place)/InRelease",
                    digest: ["sha256": archive.release.hex],
                    annotations: [
                        "role": "release", "date": .string(ImageLock.time(archive.date)),
                        "signers": .array(archive.signers.map { .string($0.fingerprint) }),
                    ]))
            for index in archive.indexes {
                out.append(
                    ResourceDescriptor(
                        name: "\(archive.suite)/\(index.path)", uri: "\(place)/\(index.path)",
                        digest: ["sha256": index.digest.hex], annotations: ["role": "index"]))
            }
        }
        var seen: Set<Digest> = []
        for package in packages where seen.insert(package.digest).inserted {
            out.append(
                ResourceDescriptor(
                    name: package.name, uri: package.purl, digest: ["sha256": package.digest.hex],
                    downloadLocation: "\(archives[package.archive].uri)/\(package.filename)",
                    annotations: ["role": .string(packageRole), "source": .string(package.source)]))
        }
        return out
    }
}
