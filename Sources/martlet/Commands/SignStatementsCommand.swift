internal import ArgumentParser
internal import Build

/// The process that holds the key of `build --sign`. It talks to the martlet that started it, and to nobody else.
struct SignStatementsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: SigningProcess.commandName,
        abstract: "Signs what the build that started this process says.",
        discussion: "Example: martlet build --sign --key release.key",
        shouldDisplay: false)

    func run() async throws { try await SigningService.run() }
}
