internal import ArgumentParser
internal import Bytes
internal import Keys
internal import Registry
internal import Serve
internal import SystemPackage

extension ServeCommand {
    struct Collect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "gc",
            abstract: "Removes what the registry does not need; a server may run meanwhile.",
            discussion: """
                Example: martlet serve gc --data /var/lib/martlet --dry-run

                Removed are blobs that no manifest names and that nobody has asked about for a day, and uploads that \
                nobody has written to for a week. Manifests stay, tagged or not, unless --untagged is given.
                """)

        @Option(help: ArgumentHelp("The server's data directory.", valueName: "directory"))
        var data: String

        @Flag(help: "Also removes manifests without a tag that no kept index holds and that refer to nothing kept.")
        var untagged = false

        @Flag(help: "Removes nothing, and says what it would remove.")
        var dryRun = false

        @Flag(help: "Prints JSON.")
        var json = false

        func run() async throws {
            var rules = ImageStore.CollectionRules()
            rules.removesUntagged = untagged
            rules.isRehearsal = dryRun
            let report = try ImageStore(existing: FilePath(data).appending("registry")).collect(rules)
            if json { return Output.write(report.json) }
            Output.write(
                "\(dryRun ? "would remove" : "removed") \(report.manifests) manifests, \(report.blobs) blobs, "
                    + "\(report.uploads) uploads; \(report.byteCount) bytes\n")
        }
    }

    struct User: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "user",
            abstract: "Adds a user to the registry, or gives one another password.",
            discussion: """
                Example: martlet serve user alice --data /var/lib/martlet

                From the first user on, strangers may do nothing unless the settings' services.registry.anonymous says \
                otherwise. A running server takes users up at once.
                """)

        @Argument(help: "The user's name.")
        var name: String

        @Option(help: ArgumentHelp("The server's data directory.", valueName: "directory"))
        var data: String

        @Flag(help: "The user may read alone.")
        var pullOnly = false

        @Option(help: ArgumentHelp("A file or pipe with the password. Default: asks.", valueName: "file"))
        var passwordFile: String?

        func run() async throws {
            let source = SecretSource(file: passwordFile.map { FilePath($0) }, environment: [:])
            guard let password = try source.passphrase(for: name) else {
                throw CommandError.usage("nobody is at the terminal; give the password with --password-file")
            }
            if passwordFile == nil, try source.passphrase(for: "\(name), once more")?.bytes != password.bytes {
                throw CommandError.usage("the two passwords differ; nothing was written")
            }
            let user = try RegistryUser(name, password: password, mayPush: !pullOnly)
            try user.write(to: FilePath(data).appending("registry").appending("users"))
        }
    }
}
