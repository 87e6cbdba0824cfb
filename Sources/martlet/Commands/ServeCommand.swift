internal import ArgumentParser
internal import Build
internal import Bytes
internal import Host
internal import Serve
internal import SystemPackage

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serves registries, transparency logs and all that signing needs, from one data directory.",
        discussion: """
            Example: martlet serve --data /var/lib/martlet --listen 127.0.0.1:8080

            Settings come from serve.yaml in the data directory, where there is one. SIGTERM and Control-C let requests \
            end first. /healthz says whether services can work, /metrics counts.
            """,
        subcommands: [Run.self, Status.self, User.self, Collect.self], defaultSubcommand: Run.self)
}

extension ServeCommand {
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run",
            abstract: "Starts the server; this is what `martlet serve` does.",
            discussion: "Example: martlet serve run --data /var/lib/martlet --only registry")

        @Option(help: ArgumentHelp("Where everything is kept. It is made where it is missing.", valueName: "directory"))
        var data: String

        @Option(help: ArgumentHelp("Settings. Default: serve.yaml in the data directory.", valueName: "file"))
        var config: String?

        @Option(
            help: ArgumentHelp(
                "Address and port; port 0 takes a free one. Default: 127.0.0.1:8080.", valueName: "host:port"))
        var listen: String?

        @Option(
            help: ArgumentHelp(
                "Where clients reach the server, when that is not where it listens.", valueName: "url"))
        var url: String?

        @Option(help: ArgumentHelp("Offers these services alone, separated by commas.", valueName: "names"))
        var only: String?

        @Option(help: ArgumentHelp("A certificate chain in PEM, for TLS; needs --tls-key.", valueName: "file"))
        var tlsCertificate: String?

        @Option(help: ArgumentHelp("The private key of the certificate, in PEM.", valueName: "file"))
        var tlsKey: String?

        @Flag(help: "TLS with a certificate that the server makes and keeps.")
        var tlsSelfMade = false

        @Option(help: ArgumentHelp("How the log on standard error is written: plain or json.", valueName: "form"))
        var log: String?

        @Flag(name: .shortAndLong, help: "Logs each request.")
        var verbose = false

        func run() async throws {
            let settings = try settings()
            try await Server(settings, isVerbose: verbose).run(signals: true) { Output.write($0.notice) }
        }

        private func settings() throws -> ServerSettings {
            var settings = try ServerSettings.read(data: FilePath(data), file: config.map { FilePath($0) })
            if let listen {
                guard let address = ServerSettings.Address(listen) else {
                    throw CommandError.usage("--listen needs an address such as 127.0.0.1:8080, not '\(listen)'")
                }
                settings.address = address
            }
            if let url { settings.url = url }
            if let only { settings.only = Set(only.split(separator: ",").map(String.init)) }
            switch (tlsCertificate, tlsKey, tlsSelfMade) {
            case (nil, nil, false): break
            case (nil, nil, true): settings.tls = .selfMade(names: [])
            case (let certificate?, let key?, false):
                settings.tls = .files(certificate: FilePath(certificate), key: FilePath(key))
            default:
                throw CommandError.usage("give either --tls-certificate and --tls-key, or --tls-self-made")
            }
            if let log {
                guard let form = LogForm(rawValue: log) else {
                    throw CommandError.usage("--log needs plain or json, not '\(log)'")
                }
                settings.logForm = form
            }
            return settings
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "Says whether a server and its services can work.",
            discussion: """
                Example: martlet serve status --data /var/lib/martlet

                Exit status: 0 all can work, 1 one can't, 3 no server answers.
                """)

        @Option(
            help: ArgumentHelp("A server's data directory on this machine, or its address.", valueName: "directory|url")
        )
        var data: String

        @Flag(help: "Prints JSON.")
        var json = false

        func run() async throws {
            let status = try await ServerStatus.of(
                data, userAgent: "martlet/\(MartletProgram.version)", environment: ProcessEnvironment.variables)
            if json { Output.write(status.json) } else { Output.write(status.text) }
            if !status.isHealthy { throw ExitCode(1) }
        }
    }
}
