internal import ArgumentParser
internal import Bytes
internal import Workspace

/// How `collect` and `describe` print.
struct FormatArguments: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable { case template, json, yaml }

    @Option(
        name: [.customShort("o", allowingJoined: true), .customLong("format")],
        help: ArgumentHelp("template, json or yaml.", valueName: "format"))
    var format: Format = .template

    @Option(
        name: [.customShort("t", allowingJoined: true), .customLong("format-string")],
        help: ArgumentHelp("A Go template to use instead of the usual one.", valueName: "template"))
    var formatString: String?

    @Flag(help: "The same as -o json.")
    var json = false

    var choice: Collection.Format {
        switch json ? .json : format {
        case .template: .template(formatString)
        case .json: .json
        case .yaml: .yaml
        }
    }
}
