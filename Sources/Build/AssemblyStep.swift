internal import Bytes
internal import Cache
internal import Host
internal import Image
internal import Inventory
internal import Registry
internal import SystemPackage
internal import Wire
internal import Workspace

/// The build step of an image package: martlet puts the image together from the package's files, its dependencies'
/// artifacts and the Debian packages of its lock.
///
/// No command runs. The one thing that comes from outside are packages that the lock names by digest.
struct AssemblyStep: Sendable {
    let run: StepRun
    let assembly: Recipe.ImageAssembly

    /// Where Debian packages and layers are kept beside a store.
    static func packageDirectory(of store: ContentStore) -> FilePath { store.path.appending("images") }

    func run(in workplace: StepWorkplace) async throws -> StepRun.Result {
        let context = try await run.context(in: workplace)
        let artifact = try workplace.makeDirectory("artifact")
        do {
            let sets = try await build(in: context, to: artifact)
            var log = ""
            for set in sets {
                let platforms = set.images.map { "\($0.platform)" }.joined(separator: ", ")
                log += "\(set.tag)  \(set.descriptor.digest)  \(platforms)\n"
            }
            let bytes = Array(log.utf8)
            run.report(.stepOutput(run.package.name, run.step.kind, bytes))
            return StepRun.Result(changes: try await run.captureArtifact(artifact), fetched: nil, log: bytes)
        } catch let error as ImageError {
            // Where the files are while the step runs says nothing to anyone.
            throw BuildError(
                error.code == .unreachable ? .unavailable : .step,
                error.message.replacing(context.string + "/", with: ""), package: run.package.name,
                location: run.package.location)
        }
    }

    private func build(in context: FilePath, to artifact: FilePath) async throws -> [ImageSet] {
        var definition = try ImageDefinition.load(context.appending(assembly.definition), within: context)
        if let provenance = run.provenance {
            definition.attachments.append(ImageDefinition.attachment(assembly.provenance, provenance))
        }
        let lock = try lock(of: definition, in: context)
        let cache = ImageCache(Self.packageDirectory(of: run.site.store), origin: run.site.fetchedPackages)
        let http = definition.needsLock ? HTTPClient(Self.wireSettings) : nil
        do {
            let client = ArchiveClient(cache: cache, http: http)
            let sets = try await ImageBuilder(
                definition, lock: lock, client: client, compression: assembly.layerCompression
            ).build()
            let target = try OCILayout(creating: artifact)
            try await ImagePublisher(client: client).publish(
                sets, to: target, bills: [], BillMetadata(environment: [:], version: MartletProgram.version))
            try await target.finish()
            await http?.close()
            return sets
        } catch {
            await http?.close()
            throw error
        }
    }

    private static var wireSettings: WireSettings {
        WireSettings(userAgent: "martlet/\(MartletProgram.version)", environment: ProcessEnvironment.variables)
    }

    private func lock(of definition: ImageDefinition, in context: FilePath) throws -> ImageLock {
        guard definition.needsLock else { return .none(of: definition) }
        guard !assembly.lock.isEmpty else {
            throw ImageError(
                .absent,
                "\(assembly.definition) names Debian packages; run martlet image lock, and name its file under config.lock"
            )
        }
        return try ImageLock(parsing: Files.read(context.appending(assembly.lock), limit: ImageLock.byteLimit))
    }
}

extension Recipe.ImageAssembly {
    var layerCompression: LayerCompression {
        switch compression {
        case .gzip: .gzip
        case .zstd: .zstd
        case .none: .none
        case .estargz: .estargz
        case .zstdChunked: .zstdChunked
        }
    }
}

/// An image in the artifact of an image package.
struct AssembledImage: Sendable {
    var name: String
    var digest: MessageDigest

    private static let indexLimit = 1 << 20

    /// Those of a stored tree.
    static func all(inTree tree: Digest, of package: PackageName, _ store: ContentStore) throws -> [AssembledImage] {
        var files = FileSet()
        for file in try store.flatten(tree) { files.put(file.node, at: file.path) }
        return try all(in: files, of: package, store)
    }

    /// Those that the layout's index names, and where one is an index itself, the images in that.
    static func all(in files: FileSet, of package: PackageName, _ store: ContentStore) throws -> [AssembledImage] {
        func read(_ path: String) throws -> [UInt8]? {
            guard case .file(let digest, let size, _)? = files.nodes[path], size <= indexLimit else { return nil }
            return try store.read(digest, limit: indexLimit)
        }
        guard let bytes = try read("index.json") else { return [] }
        var images: [AssembledImage] = []
        for descriptor in try ImageIndex(parsing: bytes).manifests {
            let name = "\(package):\(descriptor.annotations[OCILayout.nameAnnotation] ?? "latest")"
            images.append(AssembledImage(name: name, digest: descriptor.digest))
            guard descriptor.mediaType == .imageIndex,
                let bytes = try read("blobs/\(descriptor.digest.algorithm.rawValue)/\(descriptor.digest.hex)")
            else { continue }
            for image in try ImageIndex(parsing: bytes).manifests {
                let platform = image.platform.map { "-\($0.architecture)" } ?? ""
                images.append(AssembledImage(name: name + platform, digest: image.digest))
            }
        }
        return images
    }
}
