package import Bytes
internal import Cache
internal import Git
internal import Host
package import Registry
package import SystemPackage
internal import Workspace

/// A package that was built again from a commit, with a cache of its own.
package struct RebuiltPackage: Sendable {
    package let built: BuiltPackage
    /// The images in it, by the names that provenance has for them.
    package let images: [(name: String, digest: MessageDigest)]
    private let store: ContentStore
    private let directory: FilePath
    /// Has the scratch directory in which all of it is.
    private let cache: ProjectCache

    fileprivate init(
        _ built: BuiltPackage, _ images: [AssembledImage], _ store: ContentStore, _ directory: FilePath,
        _ cache: ProjectCache
    ) {
        self.built = built
        self.images = images.map { ($0.name, $0.digest) }
        self.store = store
        self.directory = directory
        self.cache = cache
    }

    /// The flat archive, without provenance, and its digest.
    package func writeArchive(_ name: String) throws -> (file: FilePath, digest: Digest) {
        let file = directory.appending(name)
        return (
            file, try store.writeArchive(built.artifact, to: file, compression: Compression(archiveName: name)).digest
        )
    }

    /// The images, as a layout.
    package func writeLayout() async throws -> OCILayout {
        let layout = directory.appending("layout")
        try await store.copy(built.artifact, to: layout)
        return try OCILayout(opening: layout)
    }

    /// Removes everything that was built.
    package func remove() { try? Files.removeTree(directory) }
}

extension Project {
    /// Builds a package again as its provenance says: from the files that the commit has, verified by their names, in
    /// an empty cache. Neither the working tree nor any result of an earlier build has a part in it.
    /// - Parameters:
    ///   - repository: a directory in a clone that has the commit.
    ///   - inside: gives what the image has at a path, for images that carry provenance.
    package static func rebuild(
        _ order: RebuildOrder, from repository: FilePath, _ options: ProjectOptions, _ building: BuildOptions,
        inside: (String) async throws -> [UInt8]?
    ) async throws -> RebuiltPackage {
        let found = try await GitRepository.find(at: repository)
        guard let clone = found?.at(order.directory) else {
            throw BuildError(.configuration, "\(repository) is not in a git repository; give a clone with --repository")
        }
        let commit = try await clone.commit(order.commit)
        let cache = try ProjectCache(
            CacheLocation.directory(environment: options.environment), environment: options.environment)
        let directory = try Files.temporaryDirectory(in: try cache.scratch(), prefix: "rebuild-")
        do {
            let root = directory.appending("workspace")
            try Files.createDirectory(root)
            try await clone.export(try await clone.tree(of: commit), to: root)
            try requireNeutral(root)
            var options = options
            options.variant = order.variant
            options.arguments = order.arguments.merging(options.arguments) { $1 }
            let workspace = try await load(root, options, cache, commit: commit.id.hex)
            try? Files.removeTree(try cache.statIndex(of: root))
            let project = Project(options: options, workspace: workspace, cache: cache)
            return try await project.rebuild(order, in: directory, building, inside: inside)
        } catch {
            try? Files.removeTree(directory)
            throw error
        }
    }

    private func rebuild(
        _ order: RebuildOrder, in directory: FilePath, _ building: BuildOptions,
        inside: (String) async throws -> [UInt8]?
    ) async throws -> RebuiltPackage {
        var building = building
        if case .image(let config)? = workspace.packages[order.package]?.config, !config.provenance.isEmpty {
            building.provenanceInside[order.package] = try await inside(config.provenance)
        }
        let store = try ContentStore(directory: directory.appending("store"))
        let builder = try await builder(building, for: [order.package]).moved(
            to: store, scratch: directory.appending("steps"))
        let outcome = try await builder.build(try await builder.plan([order.package])) { _ in }
        if let failure = outcome.failures.sorted(by: { $0.key < $1.key }).first { throw failure.value }
        guard let built = outcome.built[order.package] else {
            throw BuildError(.missing, "was not built", package: order.package)
        }
        var images: [AssembledImage] = []
        if case .image? = workspace.packages[order.package]?.config {
            images = try AssembledImage.all(inTree: built.artifact, of: order.package, store)
        }
        return RebuiltPackage(built, images, store, directory, cache)
    }
}
