/// The arguments as the parser wants them.
struct CommandLineArguments {
    /// Options that Leeway takes before the command's name, and whether each has a value.
    private static let leading: [String: Bool] = [
        "-w": true, "--workspace": true, "-D": true, "--build-arg": true, "--variant": true, "-v": false,
        "--verbose": false, "--dut": false, "--otel-endpoint": true, "--otel-insecure": false, "--trace-parent": true,
        "--trace-state": true,
    ]
    /// Of those, the ones that mean something to every command.
    private static let meaningful: Set<String> = [
        "-w", "--workspace", "-D", "--build-arg", "--variant", "-v", "--verbose",
    ]
    /// Flags that Leeway lets be written as `--flag=true` and `--flag=false`, and what is written for `false`.
    private static let switches: [String: String?] = [
        "--dry-run": nil, "--dont-test": nil, "--dont-compress": nil, "--dont-retag": nil, "--jailed-execution": nil,
        "--werft": nil, "--disable-coverage": nil, "--enable-test-tracing": nil, "--slsa-cache-verification": nil,
        "--slsa-require-attestation": nil, "--in-flight-checksums": nil, "--fixed-build-dir": nil,
        "--docker-export-to-cache": nil, "--report-github": "--no-report-github", "--watch": nil, "--parallel": nil,
        "--raw-output": nil, "--components": nil, "--dependencies": nil, "--transitive-dependencies": nil,
        "--dependants": nil, "--transitive-dependants": nil, "--transitive": nil, "--dot": nil, "--in-place": nil,
        "--fix": nil, "--verbose": nil, "--ignore-warnings": nil, "--otel-insecure": nil, "--keep-going": nil,
    ]
    /// Commands that have commands of their own.
    private static let groups: Set<String> = ["describe", "provenance", "cache", "collect", "vet", "key"]

    let forParsing: [String]

    /// `leeway` in front means the same commands, so that old scripts keep running; options in front of the command
    /// are put behind it.
    init(_ arguments: [String]) {
        var rest = arguments[...]
        if rest.first == "leeway" { rest = rest.dropFirst() }
        var moved: [String] = []
        while let option = rest.first, let (name, hasValue) = Self.leadingOption(option) {
            rest = rest.dropFirst()
            var taken = [option]
            if hasValue, option == name, let value = rest.first {
                taken.append(value)
                rest = rest.dropFirst()
            }
            if Self.meaningful.contains(name) { moved += taken }
        }
        guard let command = rest.first else {
            forParsing = moved
            return
        }
        // Behind the command, and behind the sub-command of those that have them.
        var names = [command]
        rest = rest.dropFirst()
        if !moved.isEmpty, Self.groups.contains(command), let next = rest.first, !next.hasPrefix("-"),
            !next.contains(":")
        {
            names.append(next)
            rest = rest.dropFirst()
        }
        let isPassing = command == "exec"
        var options = Self.separated(moved[...]) + Self.normalized(rest, untilCommand: isPassing)
        if command == "build" { options = Self.withoutSigningWords(options) }
        // The parser hands everything from the first help option on to the program that `exec` runs.
        let asksForHelp = isPassing && (options.first == "--help" || options.first == "-h")
        forParsing = asksForHelp ? ["help"] + names : names + options
    }

    /// What follows a command, without Go's ways to write options. What follows `--` is another program's, and with
    /// `untilCommand` everything from the first argument that is no option.
    private static func normalized(_ arguments: ArraySlice<String>, untilCommand: Bool) -> [String] {
        var end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        if untilCommand {
            var index = arguments.startIndex
            while index < end, arguments[index].hasPrefix("-") {
                index += execValued.contains(arguments[index]) ? 2 : 1
            }
            end = min(index, end)
        }
        return separated(withoutSwitchValues(arguments[..<end])[...]) + arguments[end...]
    }

    /// Options of `exec` whose value is the next argument.
    private static let execValued: Set<String> = [
        "--package", "--filter-type", "--filter-name", "--max-concurrent-tasks", "-j", "--cache-key", "--workspace",
        "-w", "--build-arg", "-D", "--variant",
    ]

    /// `-Dname=value` as `-D name=value`: the parser takes `-Dname` for the option otherwise.
    private static func separated(_ arguments: ArraySlice<String>) -> [String] {
        arguments.flatMap { $0.hasPrefix("-D") && $0.count > 2 ? ["-D", String($0.dropFirst(2))] : [$0] }
    }

    /// The name of a leading option and whether a value belongs to it, be it joined or the next argument.
    private static func leadingOption(_ argument: String) -> (name: String, hasValue: Bool)? {
        let name = String(argument.prefix { $0 != "=" })
        if let hasValue = leading[name] { return (name, hasValue) }
        // `-Dname=value` and `-wdirectory`.
        let short = String(argument.prefix(2))
        guard short != "--", argument.count > 2, leading[short] == true else { return nil }
        return (short, true)
    }

    /// `--sign keyless` as `--keyless`: the parser has no options that may have a value or none.
    private static func withoutSigningWords(_ arguments: [String]) -> [String] {
        var out: [String] = []
        for argument in arguments {
            if argument == "--sign=keyless" || (argument == "keyless" && out.last == "--sign") {
                if out.last == "--sign" { out.removeLast() }
                out.append("--keyless")
            } else {
                out.append(argument)
            }
        }
        return out
    }

    /// `--flag=true` becomes `--flag`, `--flag=false` goes.
    private static func withoutSwitchValues(_ arguments: ArraySlice<String>) -> [String] {
        var out: [String] = []
        for argument in arguments {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let negation = switches[parts[0]] else {
                out.append(argument)
                continue
            }
            switch parts[1] {
            case "true", "1": out.append(parts[0])
            case "false", "0": if let negation { out.append(negation) }
            default: out.append(argument)
            }
        }
        return out
    }
}
