/// The arguments as the parser wants them.
struct CommandLineArguments {
    /// Options that Leeway takes before the command's name, and whether each has a value.
    private static let leading: [String: Bool] = [
        "-w": true, "--workspace": true, "-D": true, "--build-arg": true, "--variant": true, "-v": false,
        "--verbose": false, "--dut": false,
    ]

    let forParsing: [String]

    /// `leeway` in front means the same commands, so that old scripts keep running; options in front of the command
    /// are put behind it.
    init(_ arguments: [String]) {
        var rest = arguments[...]
        if rest.first == "leeway" { rest = rest.dropFirst() }
        var moved: [String] = []
        while let option = rest.first, let hasValue = Self.leading[String(option.prefix { $0 != "=" })] {
            if option != "--dut" { moved.append(option) }
            rest = rest.dropFirst()
            if hasValue, !option.contains("="), let value = rest.first {
                moved.append(value)
                rest = rest.dropFirst()
            }
        }
        guard !moved.isEmpty, let command = rest.first else {
            forParsing = moved + rest
            return
        }
        // Behind the command, and behind the sub-command of those that have them.
        var names = [command]
        rest = rest.dropFirst()
        if ["describe", "provenance", "cache", "collect"].contains(command), let next = rest.first,
            !next.hasPrefix("-"), !next.contains(":")
        {
            names.append(next)
            rest = rest.dropFirst()
        }
        forParsing = names + moved + rest
    }
}
