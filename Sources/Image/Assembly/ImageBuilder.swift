package import Bytes
internal import Host
package import Registry

/// Builds the images of a definition from its lock. Nothing but both of them can change a byte of what comes out.
package struct ImageBuilder: Sendable {
    let definition: ImageDefinition
    let lock: ImageLock
    let client: ArchiveClient
    let compression: LayerCompression
    /// The time that images say they were made at; by default the start of 1970, since a later one is nobody's.
    let created: Timestamp
    let width: Int
    /// Whether images say where each of their files is ([path-index.md](docs/formats/path-index.md)).
    package var indexesPaths = false

    /// Raised when equal definitions and locks give another image than before.
    package static let recipeVersion = LayerRecipe.version

    package init(
        _ definition: ImageDefinition, lock: ImageLock, client: ArchiveClient, compression: LayerCompression = .gzip,
        created: Timestamp? = nil, width: Int? = nil
    ) throws(ImageError) {
        guard let epoch = created ?? Timestamp(seconds: 0) else { throw ImageError(.malformed, "no such time") }
        self.definition = definition
        self.lock = lock
        self.client = client
        self.compression = compression
        self.created = epoch
        self.width = width ?? Machine.processorCount
    }

    /// The images of `variants` (all, with the one without a variant, when `nil`) for `architectures` (all when `nil`).
    ///
    /// The lock is checked first: it must be the definition's, and its chain must have been verified on this machine.
    package func build(variants: [String]? = nil, architectures: [String]? = nil) async throws -> [ImageSet] {
        try await LockVerifier(client: client).ensureVerified(lock, of: definition)
        guard !definition.architectures.isEmpty else {
            throw ImageError(
                .malformed, "\(definition.path): architectures is missing; name at least one, such as amd64")
        }
        let variantNames = variants ?? [""] + definition.variants.map(\.name)
        let architectureNames = architectures ?? definition.architectures
        for name in variantNames where !name.isEmpty && !definition.variants.contains(where: { $0.name == name }) {
            throw ImageError(.absent, "\(definition.path) has no variant \(name)")
        }
        for name in architectureNames where !definition.architectures.contains(name) {
            throw ImageError(.absent, "\(definition.path) is not for the architecture \(name)")
        }
        let store = LayerStore(client: client, width: width)
        var plans: [Plan] = []
        for variant in variantNames {
            for architecture in architectureNames { plans.append(try plan(variant, architecture)) }
        }
        let recipes = plans.flatMap(\.recipes)
        var records = try await store.layers(recipes, of: definition)[...]
        guard records.count == recipes.count else { throw ImageError(.absent, "a layer was not made") }
        var images: [BuiltImage] = []
        for plan in plans {
            var layers = Array(records.prefix(plan.recipes.count))
            records = records.dropFirst(plan.recipes.count)
            var titles = plan.recipes.map(\.title)
            if let cache = linkerCache(plan, layers) {
                layers += try await store.layers([cache], of: definition)
                titles.append(cache.title)
            }
            for file in definition.attachments {
                let last = try FixedLayer.files([file]).map {
                    LayerRecipe(source: .fixed($0), isMerged: plan.isMerged, compression: compression)
                }
                layers += try await store.layers(last, of: definition)
                titles += last.map(\.title)
            }
            images.append(assemble(plan, layers, titles))
        }
        if indexesPaths { images = try await concurrentMap(images, chunk: 1, width: width) { try indexed($0) } }
        return variantNames.map { variant in
            ImageSet(
                variant: variant, images: images.filter { $0.variant == variant },
                annotations: definition.annotations)
        }
    }

    /// One image before its layers are made.
    private struct Plan {
        var variant: String
        var architecture: String
        var isMerged: Bool
        var hasCertificates: Bool
        var recipes: [LayerRecipe]
        var settings: ImageDefinition.Settings
        var packages: [ImageLock.Package]
    }

    /// Whether the release's base-files has `/lib` as a link: from Debian 13 on.
    private var isMergedByRelease: Bool {
        !lock.archives.contains { ["bookworm", "bullseye", "buster"].contains($0.codename ?? $0.suite) }
    }

    private func plan(_ variantName: String, _ architecture: String) throws -> Plan {
        let isMerged = definition.hasMergedUsr ?? isMergedByRelease
        func recipe(_ source: LayerRecipe.Source) -> LayerRecipe {
            LayerRecipe(source: source, isMerged: isMerged, compression: compression)
        }
        let base = lock.packages(architecture: architecture, variant: "")
        let all = lock.packages(architecture: architecture, variant: variantName)
        let materials = lock.materials(architecture: architecture)
        var recipes = base.map { recipe(.package($0)) }
        if definition.hasFixedLayers {
            recipes += FixedLayer.all(definition).filter { !$0.entries.isEmpty }.map { recipe(.fixed($0)) }
            if definition.hasCertificates { recipes += materials.map { recipe(.certificates($0)) } }
        }
        recipes += try FixedLayer.files(definition.files).map { recipe(.fixed($0)) }
        recipes += all.dropFirst(base.count).map { recipe(.package($0)) }
        var settings = definition.settings
        if let variant = definition.variants.first(where: { $0.name == variantName }) {
            recipes += try FixedLayer.files(variant.files).map { recipe(.fixed($0)) }
            settings = settings.merging(variant.settings)
        }
        // An image without packages has none to make certificates of.
        let hasCertificates = definition.hasCertificates && definition.hasFixedLayers && !materials.isEmpty
        return Plan(
            variant: variantName, architecture: architecture, isMerged: isMerged, hasCertificates: hasCertificates,
            recipes: recipes, settings: settings, packages: all + (hasCertificates ? materials : []))
    }

    /// The layer with the linker's cache, for an image with libraries.
    private func linkerCache(_ plan: Plan, _ layers: [LayerRecord]) -> LayerRecipe? {
        let bytes = LinkerCache.bytes(
            layers.flatMap(\.libraries), architecture: plan.architecture, isMerged: plan.isMerged)
        guard let bytes else { return nil }
        let layer = FixedLayer(
            name: "ld.so.cache", entries: [.directory("etc"), .file("etc/ld.so.cache", bytes)])
        return LayerRecipe(source: .fixed(layer), isMerged: plan.isMerged, compression: compression)
    }

    /// The image with an index of its paths, which its manifest names.
    private func indexed(_ image: BuiltImage) throws -> BuiltImage {
        let index = try PathIndex(image.manifest.layers) { layer in
            guard let digest = Digest(bytes: layer.digest.bytes),
                let bytes = try client.cache.read(digest, limit: layer.size)
            else { throw ImageError(.absent, "the layer \(layer.digest) is not in the cache any more; build again") }
            return bytes
        }.encoded()
        var annotations = image.manifest.annotations
        annotations[PathIndex.annotation] = index.annotation
        var out = image
        out.manifest = ImageManifest(
            config: image.manifest.config, layers: image.manifest.layers, annotations: annotations)
        out.pathIndex = index.bytes
        return out
    }

    private static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    private func assemble(_ plan: Plan, _ layers: [LayerRecord], _ titles: [String]) -> BuiltImage {
        let platform = Platform(
            os: "linux", architecture: plan.architecture, variant: Architecture.variant(of: plan.architecture))
        var configuration = ImageConfiguration(
            platform: platform, diffIDs: layers.map { MessageDigest($0.diffID) })
        configuration.created = created
        configuration.history = titles.map {
            ImageConfiguration.History(created: created, createdBy: "martlet image build: \($0)")
        }
        let settings = plan.settings
        var environment = settings.environment
        var variables = ["PATH=\(environment.removeValue(forKey: "PATH") ?? Self.searchPath)"]
        if plan.hasCertificates {
            let file = environment.removeValue(forKey: "SSL_CERT_FILE") ?? "/etc/ssl/certs/ca-certificates.crt"
            variables.append("SSL_CERT_FILE=\(file)")
        }
        variables += environment.sorted { Files.isOrderedByBytes($0.key, $1.key) }.map { "\($0.key)=\($0.value)" }
        configuration.execution.environment = variables
        configuration.execution.user = settings.user ?? "0"
        configuration.execution.workingDirectory = settings.workingDirectory ?? "/"
        configuration.execution.entrypoint = settings.entryPoint ?? []
        configuration.execution.command = settings.command ?? []
        configuration.execution.labels = settings.labels
        configuration.execution.exposedPorts = settings.exposedPorts.map { $0.contains("/") ? $0 : "\($0)/tcp" }
        configuration.execution.volumes = settings.volumes
        configuration.execution.stopSignal = settings.stopSignal
        let bytes = configuration.encoded()
        let manifest = ImageManifest(
            config: Descriptor(.imageConfiguration, of: bytes),
            layers: layers.map {
                Descriptor(
                    mediaType: compression.mediaType, digest: MessageDigest($0.digest), size: $0.size,
                    annotations: $0.annotations)
            }, annotations: definition.annotations)
        return BuiltImage(
            name: definition.name, variant: plan.variant, platform: platform, configuration: bytes, manifest: manifest,
            packages: plan.packages)
    }
}

/// One image for one platform.
package struct BuiltImage: Sendable {
    package let name: String
    /// Empty for the image without a variant.
    package let variant: String
    package let platform: Platform
    package let configuration: [UInt8]
    package fileprivate(set) var manifest: ImageManifest
    /// Where each of its paths is, where that was asked for.
    package fileprivate(set) var pathIndex: [UInt8]?
    /// What is in it, those included that files were made from.
    package let packages: [ImageLock.Package]
}

/// The images of one variant, and what names them together.
package struct ImageSet: Sendable {
    package let variant: String
    package let images: [BuiltImage]
    /// The image itself where there is one platform, else an index.
    package let top: Manifest
    package let descriptor: Descriptor

    init(variant: String, images: [BuiltImage], annotations: [String: String]) {
        self.variant = variant
        self.images = images
        if images.count == 1 {
            top = .image(images[0].manifest)
            descriptor = images[0].manifest.descriptor
        } else {
            let index = ImageIndex(
                manifests: images.map { image in
                    var descriptor = image.manifest.descriptor
                    descriptor.platform = image.platform
                    return descriptor
                }, annotations: annotations)
            top = .index(index)
            descriptor = index.descriptor
        }
    }

    /// The tag of this variant.
    package var tag: String { variant.isEmpty ? "latest" : variant }
}
