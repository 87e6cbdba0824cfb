internal import Bytes
internal import Host
package import SystemPackage

/// The credentials that docker, podman and others keep: their files, and programs that they name.
///
/// Nothing is read before the first registry asks for a proof.
package struct CredentialStore: Sendable {
    /// What was given on the command line, for every registry.
    package var given: Credential?
    /// The files, in the order in which they are asked.
    package var files: [FilePath]
    /// For programs that know credentials.
    private let environment: [String: String]

    private static let greatestFile = 4 << 20

    /// The files of the environment: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`; then
    /// `$REGISTRY_AUTH_FILE`, else `$XDG_RUNTIME_DIR/containers/auth.json` and `~/.config/containers/auth.json`.
    /// `dockerConfig`, a file or its folder, stands before all.
    package init(environment: [String: String], dockerConfig: String? = nil) {
        self.environment = environment
        files = []
        func add(_ path: String?, _ rest: String) {
            guard let path, !path.isEmpty else { return }
            files.append(rest.isEmpty ? FilePath(path) : FilePath(path).pushing(FilePath(rest)))
        }
        if let dockerConfig {
            let path = FilePath(dockerConfig)
            let isFolder = (try? Files.status(path))??.kind == .directory
            files = [isFolder ? path.appending("config.json") : path]
            return
        }
        let home = environment["HOME"]
        if let folder = environment["DOCKER_CONFIG"], !folder.isEmpty {
            add(folder, "config.json")
        } else {
            add(home, ".docker/config.json")
        }
        if let file = environment["REGISTRY_AUTH_FILE"], !file.isEmpty {
            add(file, "")
        } else {
            add(environment["XDG_RUNTIME_DIR"], "containers/auth.json")
            add(home, ".config/containers/auth.json")
        }
    }

    /// The credential for `reference`'s registry. A file that is there and can't be read is an error: going on
    /// without it would look as if the registry refused.
    package func credential(registry: String, repository: String) async throws -> Credential {
        if let given { return given }
        for file in files {
            guard let status = try Files.status(file), status.kind == .regular, status.size > 0 else { continue }
            let config = try ManifestFields(
                parsing: try Files.read(file, limit: Self.greatestFile), limit: Self.greatestFile, "\(file)")
            if let found = try await find(in: config, registry, repository) { return found }
        }
        return .anonymous
    }

    private func find(in config: ManifestFields, _ registry: String, _ repository: String) async throws -> Credential? {
        let names = Self.names(registry, repository)
        if let helpers = try config.object("credHelpers") {
            for name in names {
                if let helper = try helpers.text(name) { return try await ask(helper, Self.server(registry)) }
            }
        }
        if let auths = try config.object("auths") {
            for name in names {
                for member in auths.object where Self.normalized(member.key) == name {
                    if let found = try Self.credential(ManifestFields(member.value, "\(auths.place)[\(name)]")) {
                        return found
                    }
                }
            }
        }
        if let helper = try config.text("credsStore"), !helper.isEmpty {
            let found = try await ask(helper, Self.server(registry))
            return found == .anonymous ? nil : found
        }
        return nil
    }

    /// What files call the registry, the most exact first: podman also keeps credentials for a part of it.
    private static func names(_ registry: String, _ repository: String) -> [String] {
        var out: [String] = []
        var name = "\(registry)/\(repository)"
        while name.utf8.count > registry.utf8.count {
            out.append(name)
            name = name.lastIndex(of: "/").map { String(name[..<$0]) } ?? registry
        }
        out.append(registry)
        if registry == Reference.usualRegistry { out += ["index.docker.io", "registry-1.docker.io"] }
        return out
    }

    /// A key without scheme, and without the `/v1/` and `/v2/` that docker writes.
    private static func normalized(_ key: String) -> String {
        var rest = key[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        while rest.last == "/" { rest = rest.dropLast() }
        for version in ["/v1", "/v2"] where rest.hasSuffix(version) { rest = rest.dropLast(version.count) }
        return String(rest)
    }

    /// What programs call the registry.
    private static func server(_ registry: String) -> String {
        registry == Reference.usualRegistry ? "https://index.docker.io/v1/" : registry
    }

    static func credential(_ entry: ManifestFields) throws(RegistryError) -> Credential? {
        if let token = try entry.text("identitytoken"), !token.isEmpty { return .identityToken(token) }
        if let token = try entry.text("registrytoken"), !token.isEmpty { return .registryToken(token) }
        if let user = try entry.text("username"), let password = try entry.text("password"), !user.isEmpty {
            return .password(user: user, password: password)
        }
        guard let text = try entry.text("auth"), !text.isEmpty else { return nil }
        guard let bytes = try? Base64.decode(text, requiresPadding: false),
            let pair = String(validating: bytes, as: UTF8.self), let colon = pair.firstIndex(of: ":")
        else { throw entry.wrong("auth", "USER:PASSWORD in base64") }
        // Docker pads passwords with zero bytes at times.
        let password = pair[pair.index(after: colon)...].drop { $0 == "\0" }
        var end = password
        while end.last == "\0" { end = end.dropLast() }
        return .password(user: String(pair[..<colon]), password: String(end))
    }

    /// Asks `docker-credential-NAME`, which answers in JSON; what it does not know is anonymous.
    private func ask(_ helper: String, _ server: String) async throws -> Credential {
        guard !helper.isEmpty, !helper.contains("/"), !helper.hasPrefix(".") else {
            throw RegistryError(.malformed, "'\(helper.safeForTerminal)' is no name of a credential helper")
        }
        let program = "docker-credential-\(helper)"
        let outcome = try await ChildProcess.run(
            [program, "get"], environment: environment, input: Array(server.utf8), outputLimit: 1 << 20,
            timeLimit: .seconds(60))
        guard outcome.isSuccess else {
            // This is the words of docker's own helpers for an entry that is not there.
            if outcome.outputText.contains("credentials not found") { return .anonymous }
            throw RegistryError(
                .refused,
                "\(program) gives no credential for \(server): \(String((outcome.outputText + outcome.errorText).prefix(300)).safeForTerminal)"
            )
        }
        let fields = try ManifestFields(parsing: outcome.output, limit: 1 << 20, "the answer of \(program)")
        guard let user = try fields.text("Username"), let secret = try fields.text("Secret") else {
            throw RegistryError(.malformed, "the answer of \(program) has no Username and Secret")
        }
        if user == "<token>" { return .identityToken(secret) }
        return user.isEmpty && secret.isEmpty ? .anonymous : .password(user: user, password: secret)
    }
}
