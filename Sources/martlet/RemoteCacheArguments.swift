internal import ArgumentParser
internal import Build
internal import Host
internal import RemoteCache
internal import SystemPackage
internal import Workspace

/// Which remote cache a build uses, and whose entries in it are believed.
struct RemoteCacheArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Results of other machines: a directory, http(s)://…, s3://BUCKET/PREFIX or oci://REGISTRY/NAME. Default: \
            $MARTLET_REMOTE_CACHE, else that of WORKSPACE.yaml, else $LEEWAY_REMOTE_CACHE_BUCKET.
            """, valueName: "url"))
    var remoteCache: String?

    @Option(
        help: ArgumentHelp(
            """
            Whose entries are believed: a policy, or a public key; repeatable, a namespace each. Default: \
            $MARTLET_CACHE_POLICY, else WORKSPACE.yaml.
            """, valueName: "[namespace=]file"))
    var cachePolicy: [String] = []

    @Option(
        help: ArgumentHelp(
            "The part of the remote cache that results go to. Default: $MARTLET_CACHE_NAMESPACE, else main.",
            valueName: "name"))
    var cacheNamespace: String?

    @Option(
        help: ArgumentHelp(
            """
            Leeway's own remote cache, of which artifacts are taken that the policy vouches for. Default: \
            $MARTLET_LEEWAY_CACHE, else WORKSPACE.yaml.
            """, valueName: "url"))
    var leewayCache: String?

    @Option(
        help: ArgumentHelp(
            "Whose attestations in Leeway's cache are believed. Default: $MARTLET_LEEWAY_POLICY, else WORKSPACE.yaml.",
            valueName: "file"))
    var leewayPolicy: String?

    /// Runs `body` with options that have the remote caches that are asked for.
    func withCache<Value>(
        _ level: RemoteCacheChoice.Level?, for project: Project, building: BuildOptions, sourceURI: String? = nil,
        _ body: (BuildOptions) async throws -> Value
    ) async throws -> Value {
        var options = RemoteCacheChoice.Options()
        options.level = level
        options.address = remoteCache
        options.namespace = cacheNamespace
        options.policies = cachePolicy
        options.sourceURI = sourceURI
        options.leewayAddress = leewayCache
        options.leewayPolicy = leewayPolicy
        let choice = try RemoteCacheChoice(
            options, environment: project.options.environment, workspace: project.workspace.file.settings,
            root: project.workspace.root, directory: project.options.directory)
        for warning in [choice.warning, choice.leewayWarning(for: project)] {
            if let warning { Failure.say("warning: \(warning)") }
        }
        let trustedRoot = {
            try await VerificationArguments.parse([]).readTrustedRoot(VerificationArguments.trustedRootVariable)
        }
        let cache = try await choice.open(for: project, signs: building.signatures != nil, trustedRoot: trustedRoot)
        let leeway = try await choice.openLeeway(for: project, trustedRoot: trustedRoot)
        var building = building
        building.shared = cache
        building.foreign = leeway
        do {
            let value = try await body(building)
            await cache?.close()
            await leeway?.close()
            return value
        } catch {
            await cache?.close()
            await leeway?.close()
            throw error
        }
    }
}

extension RemoteCacheChoice.Level: ExpressibleByArgument {}
