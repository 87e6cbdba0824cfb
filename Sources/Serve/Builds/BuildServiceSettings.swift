internal import Build
internal import Bytes
internal import HTTPTypes
internal import Host
internal import SystemPackage

/// What `services: builds:` says (docs/build-service.md).
struct BuildServiceSettings: Sendable {
    /// What addresses of repositories have to begin with; none are fetched where it is empty.
    var repositories: [String]
    /// Whether clients may send a commit themselves.
    var uploads: Bool
    /// Who may build, by the names in their tokens; `nil` for everybody whom this server's identity issuer knows.
    var clients: Set<String>?
    /// A reference to the key that signs; `nil` signs by certificates of this server's own authority.
    var key: String?
    /// The URI that stands for this service.
    var builder: String
    /// Whom tokens have to be meant for.
    var audience: String
    var concurrent: Int
    var jobs: Int
    /// How many builds may wait, and how many that have ended are kept.
    var waiting: Int
    var kept: Int
    var stepSeconds: Int
    var buildSeconds: Int
    var uploadBytes: Int
    /// Whether fetch steps may reach what this machine reaches.
    var fetch: Bool
    /// Where tools are looked for.
    var path: String

    /// Whether there is anything that it would build.
    var isOpen: Bool { !repositories.isEmpty || uploads }

    static let members = [
        "repositories", "uploads", "clients", "key", "builder", "audience", "concurrent", "jobs", "waiting", "kept",
        "stepSeconds", "buildSeconds", "uploadBytes", "fetch", "path",
    ]

    init(_ settings: FaceSettings, site: Site) throws {
        try settings.check(known: Self.members)
        repositories = try settings.strings("repositories") ?? []
        uploads = try settings.bool("uploads") ?? false
        clients = try settings.strings("clients").map { Set($0) }
        key = try settings.string("key")
        builder = try settings.string("builder") ?? site.url + "/builds"
        audience = try settings.string("audience") ?? builder
        concurrent = try settings.int("concurrent", in: 1...64) ?? 1
        jobs = try settings.int("jobs", in: 1...1024) ?? Machine.processorCount
        waiting = try settings.int("waiting", in: 1...10_000) ?? 16
        kept = try settings.int("kept", in: 1...100_000) ?? 100
        stepSeconds = try settings.int("stepSeconds", in: 1...604_800) ?? 3600
        buildSeconds = try settings.int("buildSeconds", in: 1...604_800) ?? 7200
        uploadBytes = try settings.int("uploadBytes", in: 1...16 << 30) ?? 256 << 20
        fetch = try settings.bool("fetch") ?? false
        path = try settings.string("path") ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        guard builder.contains("://"), !builder.hasSuffix("/") else {
            throw ServeError(.configuration, "services.builds.builder has to be a URI without a slash at its end")
        }
        // Every step sees these, and would see the server's keys in them.
        let data = ToolPath.resolve(site.data) ?? site.data
        for root in ["/usr", "/bin", "/lib", "/lib64", "/sbin", "/etc/ssl", "/etc/alternatives"]
        where isOpen && data.starts(with: FilePath(root)) {
            throw ServeError(
                .configuration,
                "builds can't be served from \(site.data), for steps read \(root); move the data directory elsewhere")
        }
    }

    /// Throws where this service does not build what is asked for.
    func check(_ request: BuildRequest) throws {
        switch request.source {
        case .upload:
            guard uploads else {
                throw Refusal(.forbidden, "this service takes no uploads; name a repository", code: "uploads")
            }
        case .repository(let address, _):
            guard repositories.contains(where: { Self.isBelow(address, $0) }) else {
                throw Refusal(
                    .forbidden, "this service does not build from \(address.safeForTerminal)", code: "repository")
            }
        }
    }

    /// Whether an address is one of an allowed beginning: that address itself, or further down its path.
    static func isBelow(_ address: String, _ beginning: String) -> Bool {
        if address.hasSameBytes(as: beginning) { return true }
        let prefix = beginning.hasSuffix("/") ? beginning : beginning + "/"
        guard address.hasPrefix(prefix) else { return false }
        // Servers and git take dots for steps up, and what stands encoded for what it means.
        let rest = address.dropFirst(prefix.count)
        return !rest.isEmpty && !rest.contains("%") && !rest.contains("?") && !rest.contains("#")
            && !rest.contains("\\")
            && rest.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { $0 != ".." && $0 != "." }
    }
}
