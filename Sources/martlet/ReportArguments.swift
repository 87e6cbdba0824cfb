internal import ArgumentParser
internal import Reports
internal import SystemPackage

/// The options that ask for reports of a build.
struct ReportArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Writes a web page about the build.", valueName: "file.html"))
    var report: String?

    @Option(
        help: ArgumentHelp("Writes a Chrome trace, for chrome://tracing or ui.perfetto.dev.", valueName: "file.json"))
    var trace: String?

    @Option(help: ArgumentHelp("Writes OpenTelemetry spans as OTLP/JSON.", valueName: "file.json"))
    var otlp: String?

    @Option(help: ArgumentHelp("Writes test results as JUnit XML.", valueName: "file.xml"))
    var junit: String?

    @Flag(
        inversion: .prefixedNo, help: "Appends results to the file that GITHUB_OUTPUT names. Default: when it is set.")
    var reportGithub: Bool?

    @Flag(name: .shortAndLong, help: "Shows nothing while it builds.")
    var quiet = false

    func choice(environment: [String: String]) throws -> ReportChoice {
        var choice = ReportChoice()
        choice.html = report.map { FilePath($0) }
        choice.trace = trace.map { FilePath($0) }
        choice.otlp = otlp.map { FilePath($0) }
        choice.junit = junit.map { FilePath($0) }
        choice.isQuiet = quiet
        if reportGithub != false {
            choice.gitHubOutput = environment["GITHUB_OUTPUT"].flatMap { $0.isEmpty ? nil : FilePath($0) }
            if reportGithub == true, choice.gitHubOutput == nil {
                throw CommandError.usage("--report-github needs GITHUB_OUTPUT to be set")
            }
        }
        return choice
    }
}
