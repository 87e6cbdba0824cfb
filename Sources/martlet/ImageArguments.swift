internal import ArgumentParser
internal import Build
internal import Host
internal import Image
internal import SystemPackage
internal import Wire

/// The definition of an image and how its packages are reached, shared by the commands of `image`.
struct ImageArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The image's definition, a YAML file.", valueName: "definition"))
    var definition: String

    @Option(
        help: ArgumentHelp(
            "Where packages and layers are kept. Default: images in martlet's cache directory.", valueName: "dir"))
    var cacheDir: String?

    @Flag(help: "Opens no connection at all.")
    var offline = false

    @Option(
        help: ArgumentHelp(
            "A PEM file with the authorities that web servers' certificates are checked with.", valueName: "file"))
    var caFile: String?

    /// Another cache, from which files are taken that need not be fetched again.
    var origin: FilePath?

    /// Where packages and layers are kept.
    var directory: FilePath {
        cacheDir.map { FilePath($0) }
            ?? CacheLocation.directory(environment: ProcessEnvironment.variables).appending("images")
    }

    private enum CodingKeys: String, CodingKey { case definition, cacheDir, offline, caFile }

    func load() throws -> ImageDefinition { try ImageDefinition.load(FilePath(definition)) }

    /// Reads the lock beside the definition.
    func lock(of definition: ImageDefinition) throws -> ImageLock {
        guard definition.needsLock else { return .none(of: definition) }
        guard let lock = try lockIfPresent(of: definition) else {
            throw CommandError.usage(
                "\(definition.lockPath) is missing; run martlet image lock \(definition.path) and keep it with the definition"
            )
        }
        return lock
    }

    func lockIfPresent(of definition: ImageDefinition) throws -> ImageLock? {
        guard try Files.exists(definition.lockPath) else { return nil }
        return try ImageLock(parsing: Files.read(definition.lockPath, limit: 16 << 20))
    }

    /// Runs `body` with what fetches and keeps packages.
    func withClient<Result>(_ body: (ArchiveClient) async throws -> Result) async throws -> Result {
        let cache = ImageCache(directory, origin: origin)
        guard !offline else { return try await body(ArchiveClient(cache: cache, http: nil)) }
        var settings = WireSettings(
            userAgent: "martlet/\(MartletProgram.version)", environment: ProcessEnvironment.variables)
        if let caFile { settings.authorityFiles = [caFile] }
        let client = HTTPClient(settings)
        do {
            let result = try await body(ArchiveClient(cache: cache, http: client))
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }
}
