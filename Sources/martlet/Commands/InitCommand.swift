internal import ArgumentParser
internal import Build
internal import Host
internal import Workspace

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Adds a package to the BUILD.yaml of this directory.",
        discussion: """
            Example: martlet init app -t go

            Exit status: 0 added, 2 wrong usage or configuration.
            """)

    @Argument(help: "The package's name.")
    var name: String

    @Option(
        name: [.customShort("t", allowingJoined: true), .customLong("type")],
        help: ArgumentHelp("Its type. Default: what the files here suggest.", valueName: "type"))
    var type: PackageType?

    func run() async throws {
        let file = try PackageCreation(name: name, type: type).create(in: try ProcessEnvironment.directory)
        Output.write("added \(name) to \(file)\n")
    }
}
