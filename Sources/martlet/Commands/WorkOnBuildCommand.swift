internal import ArgumentParser
internal import Build
internal import Reports

/// The process that does one build of `martlet serve`. It talks to the server that started it, and to nobody else.
struct WorkOnBuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: BuildWorker.commandName,
        abstract: "Does one build for the build service that started this process.",
        discussion: "Example: martlet serve --data /var/lib/martlet --only builds",
        shouldDisplay: false)

    func run() async throws {
        try await BuildWorker.run { write in
            let reports = BuildReports([PlainReport(ink: Ink(isTerminal: false, environment: [:]), write: write)])
            return { reports.receive($0) }
        }
    }
}
