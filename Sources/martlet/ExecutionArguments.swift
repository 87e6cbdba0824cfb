internal import ArgumentParser
internal import Build
internal import RemoteCache

/// The options of every command that runs steps.
struct ExecutionArguments: ParsableArguments {
    @Option(
        name: [
            .customShort("j", allowingJoined: true), .customLong("jobs"),
            .customLong("max-concurrent-tasks", withSingleDash: false),
        ],
        help: ArgumentHelp(
            "Packages that are built at the same time; 0 means all that can be. Default: one a processor.",
            valueName: "n"))
    var jobs: Int?

    @Flag(help: "Leaves out tests.")
    var dontTest = false

    @Flag(help: "Goes on with what does not need the package that failed.")
    var keepGoing = false

    @Option(
        help: ArgumentHelp("on or off. Off runs steps without walls, and marks what they make.", valueName: "on|off"))
    var sandbox: OnOff = .on

    @Flag(help: "Reports files that steps looked for and that are not declared.")
    var traceInputs = false

    @Option(help: ArgumentHelp("Time limit of a step that sets none itself, in seconds.", valueName: "seconds"))
    var timeLimit: Int?

    @Option(
        name: [.customShort("c", allowingJoined: true), .customLong("cache")],
        help: ArgumentHelp(
            "none builds everything again; local uses the local cache; remote-pull, remote-push and remote also a remote one. Default: $LEEWAY_DEFAULT_CACHE_LEVEL, else remote where there is one.",
            valueName: "level"))
    var cache: RemoteCacheChoice.Level?

    @OptionGroup(title: "Remote cache") var remote: RemoteCacheArguments

    enum OnOff: String, ExpressibleByArgument, CaseIterable { case on, off }

    func buildOptions(environment: [String: String]) throws -> BuildOptions {
        var options = BuildOptions()
        if let jobs {
            guard jobs >= 0 else { throw CommandError.usage("-j wants a number from 0") }
            options.jobs = jobs == 0 ? .max : jobs
        }
        options.dontTest = dontTest
        options.keepGoing = keepGoing
        options.sandboxOff = sandbox == .off
        options.traceInputs = traceInputs
        if let timeLimit {
            guard timeLimit > 0 else { throw CommandError.usage("--time-limit wants a number above 0") }
            options.timeLimit = timeLimit
        }
        let level = cache ?? environment["LEEWAY_DEFAULT_CACHE_LEVEL"].flatMap(RemoteCacheChoice.Level.init(rawValue:))
        options.ignoreCache = level == RemoteCacheChoice.Level.none
        return options
    }
}
