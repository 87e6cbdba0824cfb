internal import ArgumentParser
internal import Build
internal import Host
internal import Registry
internal import Reports
internal import SystemPackage
internal import Wire

/// How registries are reached; shared by all commands that take images.
struct RegistryArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Docker's configuration with credentials, or its folder. Default: docker's and podman's own.",
            valueName: "file"))
    var dockerConfig: String?

    @Option(help: ArgumentHelp("The user, where no file has the credentials.", valueName: "name"))
    var username: String?

    @Option(help: ArgumentHelp("A file with the user's password.", valueName: "file"))
    var passwordFile: String?

    @Flag(
        name: [.customLong("plain-http"), .customLong("insecure")],
        help: "Asks without encryption. Registries on this machine are asked so anyway.")
    var plainHTTP = false

    @Option(
        name: .customLong("registry-ca-file"),
        help: ArgumentHelp(
            "A PEM file with the authorities that registries' certificates are checked with.", valueName: "file"))
    var registryCAFile: String?

    @Option(
        help: ArgumentHelp("Gives up when no answer begins for so long, in seconds. Default: 60.", valueName: "seconds")
    )
    var timeout: Int?

    func validate() throws {
        if let timeout, timeout < 1 { throw ValidationError("--timeout wants a number above 0") }
        if (username == nil) != (passwordFile == nil) {
            throw ValidationError("give --username and --password-file together")
        }
    }

    func settings(progress: @escaping @Sendable (Int) -> Void = { _ in }) throws -> RegistrySettings {
        var settings = RegistrySettings(
            userAgent: "martlet/\(MartletProgram.version)", environment: ProcessEnvironment.variables,
            dockerConfig: dockerConfig)
        if let username, let passwordFile {
            var password = try Files.readText(FilePath(passwordFile), limit: 1 << 16)[...]
            while password.last == "\n" || password.last == "\r\n" { password = password.dropLast() }
            settings.credentials.given = .password(user: username, password: String(password))
        }
        settings.allowsPlainHTTP = plainHTTP
        if let registryCAFile { settings.wire.authorityFiles = [registryCAFile] }
        if let timeout {
            settings.wire.deadline = .seconds(timeout)
            settings.wire.idleTimeout = .seconds(timeout)
        }
        let screen = Terminal(.standardError)
        settings.warn = { screen.say($0) }
        settings.progress = progress
        return settings
    }

    /// Runs `body` with a client that asks registries as these options say.
    func withClient<Result>(
        offline: Bool = false, progress: @escaping @Sendable (Int) -> Void = { _ in },
        _ body: (RegistryClient) async throws -> Result
    ) async throws -> Result {
        var settings = try settings(progress: progress)
        settings.wire.isOffline = offline
        let client = RegistryClient(settings)
        do {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }
}

/// Which image of an index.
struct PlatformArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp("The image of an index: OS/ARCHITECTURE[/VARIANT], as linux/arm/v7.", valueName: "platform"))
    var platform: String?

    var value: Platform? { get throws { try platform.map { try Platform($0) } } }
}

/// An image and where it is.
struct OpenImage {
    let source: any ImageSource
    let name: ManifestName
    let address: ImageAddress

    init(_ text: String, _ client: RegistryClient) async throws {
        address = try ImageAddress(text)
        source = try address.source(client)
        name = try await address.name(in: source)
    }
}
