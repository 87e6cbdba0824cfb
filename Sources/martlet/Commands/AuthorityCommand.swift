internal import ArgumentParser
internal import Authority
internal import Bytes
internal import Host
internal import Keys
internal import Sigstore
internal import SystemPackage

struct AuthorityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authority",
        abstract: "Makes and renews the authority that `martlet serve` signs certificates and timestamps with.",
        discussion: "Example: martlet authority init --organization Example",
        subcommands: [Initialize.self, Renew.self, User.self, Client.self])
}

/// Where an authority is, and which keys it gets.
struct AuthorityArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The directory of the authority.", valueName: "directory"))
    var dir: String = "martlet-data/authority"

    var path: FilePath { FilePath(dir) }
}

struct CeremonyArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The root's key, where it is not root.key in the directory.", valueName: "reference"))
    var rootKey: String?

    @Option(help: ArgumentHelp("A key that issues certificates; without it, a new file.", valueName: "reference"))
    var issuerKey: String?

    @Option(help: ArgumentHelp("A key that signs timestamps; without it, a new file.", valueName: "reference"))
    var timestampKey: String?

    @OptionGroup var opening: KeyOpeningArguments

    func plan(organization: String) throws -> KeyCeremony.Plan {
        var plan = KeyCeremony.Plan(organization: organization)
        plan.rootKey = try rootKey.map { try KeyReference($0) }
        plan.issuerKey = try issuerKey.map { try KeyReference($0) }
        plan.timestampKey = try timestampKey.map { try KeyReference($0) }
        return plan
    }

    /// An empty passphrase leaves new key files open, for servers that start without a person.
    func ceremony(_ directory: FilePath) throws -> KeyCeremony {
        let passphrase = try opening.secrets.newPassphrase(for: "the authority's new keys")
        return KeyCeremony(
            directory, secrets: opening.secrets, passphrase: passphrase.bytes.isEmpty ? nil : passphrase)
    }
}

extension AuthorityCommand {
    fileprivate static func now() throws -> Timestamp {
        guard let now = Timestamp(seconds: Clocks.nowNanoseconds() / 1_000_000_000) else {
            throw CommandError.usage("the clock of this machine is wrong")
        }
        return now
    }

    fileprivate static func show(_ files: AuthorityFiles) throws {
        for (title, name) in [("Certificates", files.issuer.chain), ("Timestamps", files.timestamper.chain)] {
            let chain = try files.chain(name)
            Output.write("\(title): \(files.directory.appending(name))\n")
            for certificate in chain {
                Output.write(
                    "  \(certificate.subject.safeForTerminal), until \(certificate.notAfter), sha256 \(certificate.fingerprint.hex)\n"
                )
            }
        }
    }

    struct Initialize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Makes the keys and certificates of an authority: the key ceremony.",
            discussion: """
                Example: martlet authority init --organization Example --dir martlet-data/authority

                Needs no network. Makes a root, an issuer of certificates, a timestamp authority and the key of a \
                certificate log. Take root.key to a safe place afterwards: it is needed only to renew. Keys in tokens: \
                martlet authority init --organization Example --issuer-key 'pkcs11:token=ca;object=issuer'
                """)

        @Option(help: ArgumentHelp("The name in the certificates.", valueName: "name"))
        var organization: String

        @OptionGroup var authority: AuthorityArguments
        @OptionGroup var ceremony: CeremonyArguments

        func run() async throws {
            let files = try await ceremony.ceremony(authority.path).make(
                try ceremony.plan(organization: organization), at: try now())
            try show(files)
        }
    }

    struct Renew: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "renew",
            abstract: "Gives an authority new keys below its root; what the old ones signed stays good.",
            discussion: """
                Example: martlet authority renew --root-key /media/safe/root.key

                Restart the server afterwards: it tells its clients of the new certificates by the trust repository.
                """)

        @OptionGroup var authority: AuthorityArguments
        @OptionGroup var ceremony: CeremonyArguments

        func run() async throws {
            let files = try await ceremony.ceremony(authority.path).renew(
                try ceremony.plan(organization: ""), at: try now())
            try show(files)
        }
    }

    struct User: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "user",
            abstract: "Adds somebody who may sign in, gives a new password, or removes them.",
            discussion: """
                Example: martlet authority user alice --email alice@example.org

                The password is asked for on the terminal, or read from --password-file. It counts at once.
                """)

        @Argument(help: "The name to sign in with.")
        var name: String

        @Option(help: ArgumentHelp("The address that certificates will name.", valueName: "address"))
        var email: String?

        @Option(help: ArgumentHelp("A file or pipe with the password.", valueName: "file"))
        var passwordFile: String?

        @Flag(help: "Removes the user.")
        var remove = false

        @OptionGroup var authority: AuthorityArguments

        func run() async throws {
            let file = authority.path.appending("users.json")
            var directory = try IdentityDirectory(file: file)
            let known = directory.users.first { $0.name.hasSameBytes(as: name) }
            directory.users.removeAll { $0.name.hasSameBytes(as: name) }
            if remove {
                guard known != nil else { throw CommandError.usage("there is no user \(name.safeForTerminal)") }
            } else {
                guard let email = email ?? known?.email, email.contains("@") else {
                    throw CommandError.usage("a new user needs an address; give --email")
                }
                let secrets = SecretSource(file: passwordFile.map { FilePath($0) }, environment: [:])
                let password = try secrets.newPassphrase(for: name.safeForTerminal)
                directory.users.append(.init(name: name, email: email, password: try PasswordHash(of: password)))
                // Read as the server will read it, before it is written.
                _ = try IdentityDirectory(directory.json)
            }
            try Files.createDirectories(authority.path, mode: 0o700)
            try directory.write(to: file)
            Output.write("\(remove ? "Removed" : "Wrote") \(name.safeForTerminal): \(file)\n")
        }
    }

    struct Client: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "client",
            abstract: "Adds a program that gets tokens for itself or for its builds, or removes it.",
            discussion: """
                Example: martlet authority client ci --builds https://ci.example/builders --secret-file ci.secret

                With --builds the program may get tokens that name a builder at or below that address; with --subject, \
                tokens that name this one. It sends its secret to /identity/token (OAuth 2.0, client_credentials).
                """)

        @Argument(help: "The program's id.")
        var id: String

        @Option(help: ArgumentHelp("A file or pipe with the program's secret.", valueName: "file"))
        var secretFile: String?

        @Option(help: ArgumentHelp("The URI that the program's own tokens name.", valueName: "uri"))
        var subject: String?

        @Option(help: ArgumentHelp("The address at and below which its builders are.", valueName: "uri"))
        var builds: String?

        @Option(help: ArgumentHelp("An address that people may be sent back to.", valueName: "uri"))
        var redirect: [String] = []

        @Flag(help: "Removes the program.")
        var remove = false

        @OptionGroup var authority: AuthorityArguments

        func run() async throws {
            let file = authority.path.appending("users.json")
            var directory = try IdentityDirectory(file: file)
            directory.clients.removeAll { $0.id.hasSameBytes(as: id) }
            if !remove {
                var secret: PasswordHash?
                if subject != nil || builds != nil || secretFile != nil {
                    let secrets = SecretSource(file: secretFile.map { FilePath($0) }, environment: [:])
                    secret = try PasswordHash(of: try secrets.newPassphrase(for: id.safeForTerminal))
                }
                directory.clients.append(
                    .init(id: id, secret: secret, redirects: redirect, subject: subject, builds: builds))
                _ = try IdentityDirectory(directory.json)
            }
            try Files.createDirectories(authority.path, mode: 0o700)
            try directory.write(to: file)
            Output.write("\(remove ? "Removed" : "Wrote") \(id.safeForTerminal): \(file)\n")
        }
    }
}
