internal import ArgumentParser
internal import Build

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Prints the version.", discussion: "Example: martlet version")

    func run() { print(MartletProgram.version) }
}

/// Leeway's command of that name.
struct BashCompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bash-completion", abstract: "Prints a script that completes commands in bash.",
        discussion: "Example: . <(martlet bash-completion)")

    func run() { print(Martlet.completionScript(for: .bash)) }
}
