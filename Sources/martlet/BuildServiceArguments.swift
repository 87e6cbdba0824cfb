internal import ArgumentParser
internal import Build
internal import Bytes
internal import Git
internal import Host
internal import Keys
internal import SystemPackage
internal import Wire
internal import Workspace

/// Which build service builds, and how it is told who asks.
struct BuildServiceArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Has this build service build HEAD of the repository: its address, with a token or --service-user.",
            valueName: "url"))
    var service: String?

    @Flag(help: "With --service: sends the commit instead of having it fetched from origin.")
    var upload = false

    @Option(help: ArgumentHelp("With --service: the user of its identity issuer.", valueName: "name"))
    var serviceUser: String?

    @Option(
        help: ArgumentHelp(
            "A file or pipe with the user's password. Default: $MARTLET_SERVICE_PASSWORD, else the terminal.",
            valueName: "file"))
    var servicePasswordFile: String?

    private static let passwordVariable = "MARTLET_SERVICE_PASSWORD"

    func validate() throws {
        guard service != nil || (!upload && serviceUser == nil && servicePasswordFile == nil) else {
            throw ValidationError("--upload and --service-user are for --service")
        }
    }

    /// What the service is to build: a package of the repository that `workspace` is in, as its HEAD has it.
    func request(
        _ targets: [String], _ workspace: WorkspaceArguments, dontTest: Bool
    ) async throws -> (BuildRequest, pack: [UInt8]?) {
        guard targets.count == 1, let target = targets.first else {
            throw CommandError.usage("a build service builds one package; name it as component:package")
        }
        let options = try workspace.projectOptions()
        let root =
            try options.root.map { options.directory.pushing($0) }
            ?? Workspace.findRoot(
                from: options.directory, override: options.environment["LEEWAY_WORKSPACE_ROOT"])
        guard let repository = try await GitRepository.find(at: root), let head = repository.head else {
            throw CommandError.usage("a build service builds commits, and \(root) is in no repository with one")
        }
        let pack = upload ? try await repository.pack(of: head) : nil
        var request = try repository.buildRequest(target, pack: pack)
        request.variant = options.variant
        request.arguments = options.arguments
        request.withoutTests = dontTest
        return (request, pack)
    }

    /// Who asks: a user, or the owner of a token.
    func credential(_ token: String?) throws -> BuildServiceClient.Credential {
        if let serviceUser {
            let secrets = SecretSource(
                file: servicePasswordFile.map { FilePath($0) }, environment: ProcessEnvironment.variables)
            guard
                let password = try secrets.secret(
                    of: Self.passwordVariable, prompt: "Password of \(serviceUser.safeForTerminal): ")
            else { throw CommandError.usage("\(serviceUser) needs a password; give --service-password-file") }
            return .user(serviceUser, password: password.bytes)
        }
        guard let token else {
            throw CommandError.usage(
                "the service wants to know who asks; give --service-user, or --identity-token-file")
        }
        return .token(token)
    }
}
