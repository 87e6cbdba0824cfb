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

    /// Runs `body` with the remote cache that is asked for, `nil` where there is none.
    func withCache<Value>(
        _ level: RemoteCacheChoice.Level?, for project: Project, signs: Bool, sourceURI: String? = nil,
        _ body: (RemoteResults?) async throws -> Value
    ) async throws -> Value {
        var options = RemoteCacheChoice.Options()
        options.level = level
        options.address = remoteCache
        options.namespace = cacheNamespace
        options.policies = cachePolicy
        options.sourceURI = sourceURI
        let choice = try RemoteCacheChoice(
            options, environment: project.options.environment, workspace: project.workspace.file.settings,
            root: project.workspace.root, directory: project.options.directory)
        if let warning = choice.warning { Failure.say("warning: \(warning)") }
        let cache = try await choice.open(for: project, signs: signs) {
            try await VerificationArguments.parse([]).readTrustedRoot(VerificationArguments.trustedRootVariable)
        }
        do {
            let value = try await body(cache)
            await cache?.close()
            return value
        } catch {
            await cache?.close()
            throw error
        }
    }
}

extension RemoteCacheChoice.Level: ExpressibleByArgument {}
