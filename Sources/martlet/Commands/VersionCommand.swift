internal import ArgumentParser
internal import Build

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Prints the version.", discussion: "Example: martlet version")

    func run() { print(MartletProgram.version) }
}
