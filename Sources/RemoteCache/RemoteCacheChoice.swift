package import Build
internal import Bytes
internal import Host
internal import Keys
internal import Policy
package import Sigstore
package import SystemPackage
package import Workspace

/// Which remote cache a command uses, and how: what its options say, else the environment, else WORKSPACE.yaml.
package struct RemoteCacheChoice: Sendable {
    /// What may be done with a remote cache, by Leeway's names.
    package enum Level: String, Sendable, CaseIterable {
        case none, local
        case remotePull = "remote-pull"
        case remotePush = "remote-push"
        case remote

        var pulls: Bool { self == .remote || self == .remotePull }
        var pushes: Bool { self == .remote || self == .remotePush }
    }

    /// What the command line says.
    package struct Options: Sendable {
        package var level: Level?
        package var address: String?
        package var namespace: String?
        /// `FILE` or `NAMESPACE=FILE`.
        package var policies: [String] = []
        package var sourceURI: String?
        /// Leeway's own cache, and whose attestations in it are believed.
        package var leewayAddress: String?
        package var leewayPolicy: String?

        package init() {}
    }

    /// `none` builds everything again.
    package var level: Level
    private var address: RemoteAddress?
    private var namespace = Namespace.main
    private var policies: [(namespace: Namespace, file: FilePath)] = []
    private var sourceURI: String?
    private(set) var downloads: Int?
    private var uploads: Int?
    private(set) var leeway: LeewayCache?
    /// Why a cache that the environment speaks of is not used.
    package private(set) var warning: String?

    package init(
        _ options: Options, environment: [String: String], workspace: WorkspaceSettings, root: FilePath,
        directory: FilePath
    ) throws {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let settings = workspace.remoteCache
        var place = options.address.map { ($0, directory) } ?? value("MARTLET_REMOTE_CACHE").map { ($0, directory) }
        if place == nil, !settings.url.isEmpty { place = (settings.url, root) }
        let isLeeway = place == nil && value("LEEWAY_REMOTE_CACHE_BUCKET") != nil
        if isLeeway { place = ("\(try Self.leewayBucket(value))/martlet", directory) }
        let named = try options.level ?? value("LEEWAY_DEFAULT_CACHE_LEVEL").map(Self.level)
        level = named ?? (place == nil ? .local : .remote)
        downloads = try Self.count("LEEWAY_S3_DOWNLOAD_WORKERS", value)
        uploads = try Self.count("LEEWAY_S3_WORKER_COUNT", value)
        sourceURI = options.sourceURI ?? value("LEEWAY_SLSA_SOURCE_URI")
        if (named ?? .remote).pulls {
            leeway = try Self.leewayCache(
                options, value, settings.leeway, root: root, directory: directory)
        }
        guard level.pulls || level.pushes else { return }
        guard let place else {
            // Leeway's scripts name a level whether or not there is a cache.
            level = .local
            return
        }
        address = try RemoteAddress(place.0, in: place.1)
        let own = options.namespace ?? value("MARTLET_CACHE_NAMESPACE") ?? settings.namespace
        if !own.isEmpty { namespace = try Namespace(own) }
        try readPolicies(options, value("MARTLET_CACHE_POLICY"), settings, root: root, directory: directory)
        if level.pulls, policies.isEmpty {
            let problem = "nobody says whose cache entries are to be believed; give --cache-policy FILE"
            // What Leeway left there can be read by a policy of its own.
            guard isLeeway, options.level == nil else { throw RemoteCacheError(.configuration, problem) }
            warning = "the remote cache of LEEWAY_REMOTE_CACHE_BUCKET is not used: \(problem)"
            level = .local
        }
    }

    private mutating func readPolicies(
        _ options: Options, _ variable: String?, _ settings: RemoteCacheSettings, root: FilePath, directory: FilePath
    ) throws {
        var texts = options.policies.map { ($0, directory) }
        if texts.isEmpty, let variable {
            texts = variable.split(separator: ",").map { (String($0), directory) }
        }
        for (text, base) in texts {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            let isNamed = parts.count == 2
            guard let file = parts.last else { continue }
            policies.append((isNamed ? try Namespace(parts[0]) : namespace, base.pushing(FilePath(file))))
        }
        guard texts.isEmpty else { return }
        if !settings.policy.isEmpty { policies.append((namespace, root.pushing(FilePath(settings.policy)))) }
        for read in settings.reads {
            policies.append((try Namespace(read.namespace), root.pushing(FilePath(read.policy))))
        }
    }

    private static func level(_ text: String) throws -> Level {
        guard let level = Level(rawValue: text) else {
            throw RemoteCacheError(
                .configuration,
                "LEEWAY_DEFAULT_CACHE_LEVEL is '\(text.safeForTerminal)'; use none, local, remote-pull, remote-push or remote"
            )
        }
        return level
    }

    private static func count(_ name: String, _ value: (String) -> String?) throws -> Int? {
        guard let text = value(name) else { return nil }
        guard let count = Int(text), 1...1000 ~= count else {
            throw RemoteCacheError(
                .configuration, "\(name) is '\(text.safeForTerminal)'; write a number from 1 to 1000")
        }
        return count
    }

    // MARK: Opening

    /// The remote cache for builds of `project`; `nil` where none is used.
    /// - Parameters:
    ///   - signs: whether the build signs; without, nothing is given away.
    ///   - trustedRoot: what certificates are checked with, read only when a policy names identities.
    package func open(
        for project: Project, signs: Bool, trustedRoot: () async throws -> TrustedRoot?
    ) async throws -> RemoteResults? {
        guard let address else { return nil }
        guard signs || level != .remotePush else {
            throw RemoteCacheError(
                .configuration, "entries of a remote cache are signed; give --sign and --key, or --cache remote-pull")
        }
        var readers: [EntryVerifier] = []
        if level.pulls {
            let read = try policies.map { ($0.namespace, try Self.policy($0.file, for: "\($0.namespace)")) }
            let root = read.contains(where: \.1.namesIdentities) ? try await trustedRoot() : nil
            for (namespace, policy) in read {
                readers.append(try EntryVerifier(namespace, policy: restricted(policy), trustedRoot: root))
            }
        }
        var access = RemoteResults.Access(readers: readers, writes: level.pushes && signs ? namespace : nil)
        if let downloads { access.downloads = downloads }
        if let uploads { access.uploads = uploads }
        let storage = try address.open(
            userAgent: "martlet/\(MartletProgram.version)", environment: project.options.environment)
        return RemoteResults(storage, access: access, cache: project.cache, now: project.options.now)
    }

    /// The policy in a file, or the one that a public key is.
    static func policy(_ file: FilePath, for what: String) throws -> ArtifactPolicy {
        let bytes = try Files.read(file, limit: ArtifactPolicy.greatestLength + 1)
        if bytes.starts(with: "-----BEGIN".utf8) {
            do {
                return ArtifactPolicy(signedBy: try PublicKey(pem: bytes))
            } catch {
                throw RemoteCacheError(.configuration, "\(file) is neither a policy nor a public key: \(error)")
            }
        }
        let policies = try ArtifactPolicy.read(file)
        guard policies.count == 1, let policy = policies.first else {
            throw RemoteCacheError(
                .configuration, "the policy file for \(what) has \(policies.count) policies; write one")
        }
        return policy
    }

    /// Asks for the repository that Leeway's setting names.
    func restricted(_ policy: ArtifactPolicy) throws -> ArtifactPolicy {
        guard let sourceURI else { return policy }
        let text = sourceURI.contains("://") ? sourceURI : "https://\(sourceURI)"
        guard let restricted = policy.restricted(toRepository: text) else {
            throw RemoteCacheError(
                .configuration, "the policy \(policy.name) does not take the repository \(text.safeForTerminal)")
        }
        return restricted
    }
}
