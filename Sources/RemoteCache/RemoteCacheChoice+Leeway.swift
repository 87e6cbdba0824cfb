package import Build
internal import Bytes
internal import Policy
package import Sigstore
internal import SystemPackage
internal import Workspace

extension RemoteCacheChoice {
    /// Where Leeway's own objects are, and whose attestations in it are believed.
    struct LeewayCache: Sendable {
        var address: RemoteAddress
        /// A policy, or a public key.
        var policy: FilePath
    }

    /// Which of Leeway's caches is read: none, unless somebody says whose attestations are believed.
    static func leewayCache(
        _ options: Options, _ value: (String) -> String?, _ settings: RemoteCacheSettings.Leeway, root: FilePath,
        directory: FilePath
    ) throws -> LeewayCache? {
        var place = (options.leewayAddress ?? value("MARTLET_LEEWAY_CACHE")).map { ($0, directory) }
        var policy = (options.leewayPolicy ?? value("MARTLET_LEEWAY_POLICY")).map { directory.pushing(FilePath($0)) }
        if place == nil, !settings.url.isEmpty { place = (settings.url, root) }
        if policy == nil, !settings.policy.isEmpty { policy = root.pushing(FilePath(settings.policy)) }
        if place == nil, policy != nil, value("LEEWAY_REMOTE_CACHE_BUCKET") != nil {
            place = (try leewayBucket(value), directory)
        }
        switch (place, policy) {
        case (nil, nil): return nil
        case (let place?, let policy?):
            return LeewayCache(address: try RemoteAddress(place.0, in: place.1), policy: policy)
        case (_?, nil):
            throw RemoteCacheError(
                .configuration,
                "nobody says whose attestations in Leeway's cache are to be believed; give --leeway-policy FILE")
        case (nil, _?):
            throw RemoteCacheError(
                .configuration, "there is a policy for Leeway's cache, but no cache; give --leeway-cache URL")
        }
    }

    /// The bucket that Leeway's variables name.
    static func leewayBucket(_ value: (String) -> String?) throws -> String {
        let bucket = value("LEEWAY_REMOTE_CACHE_BUCKET") ?? ""
        switch value("LEEWAY_REMOTE_CACHE_STORAGE") ?? "GCP" {
        case "AWS": return "s3://\(bucket)"
        case "GCP": return "gs://\(bucket)"
        case let other:
            throw RemoteCacheError(
                .configuration, "LEEWAY_REMOTE_CACHE_STORAGE is '\(other.safeForTerminal)'; use AWS or GCP")
        }
    }

    /// Why Leeway's cache is not read although it is configured. Leeway's version of a package does not change with the
    /// variant, so that an object may be another variant's.
    package func leewayWarning(for project: Project) -> String? {
        guard leeway != nil, let variant = project.options.variant else { return nil }
        return "Leeway's cache is not read: its versions don't tell the variant \(variant.safeForTerminal) from others"
    }

    /// Leeway's cache for builds of `project`; `nil` where none is read.
    package func openLeeway(
        for project: Project, trustedRoot: () async throws -> TrustedRoot?
    ) async throws -> LeewayResults? {
        guard let leeway, leewayWarning(for: project) == nil else { return nil }
        let policy = try restricted(try Self.policy(leeway.policy, for: "Leeway's cache"))
        let root = try policy.namesIdentities ? await trustedRoot() : nil
        return LeewayResults(
            try leeway.address.objects(
                userAgent: "martlet/\(MartletProgram.version)", environment: project.options.environment),
            verifier: try LeewayVerifier(policy: policy, trustedRoot: root), cache: project.cache,
            width: downloads ?? 32, now: project.options.now)
    }
}
