internal import ArgumentParser
internal import Build

/// The options that change what a package's key is.
struct KeyArguments: ParsableArguments {
    @Flag(help: "As with `build --dont-test`.")
    var dontTest = false

    @Option(help: ArgumentHelp("As with `build --sandbox`.", valueName: "on|off"))
    var sandbox: ExecutionArguments.OnOff = .on

    var buildOptions: BuildOptions {
        var options = BuildOptions()
        options.dontTest = dontTest
        options.sandboxOff = sandbox == .off
        return options
    }
}
