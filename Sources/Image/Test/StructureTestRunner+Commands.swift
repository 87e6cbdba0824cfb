internal import Host
internal import Registry
internal import SystemPackage

extension StructureTestRunner {
    private static let outputLimit = 64 << 20

    /// Runs a command test on a copy of the image's files that nobody else uses.
    func run(_ test: StructureTests.Command, _ tests: StructureTests) async throws -> Outcome.Verdict {
        guard configuration.platform.architecture == Machine.architecture else {
            return .skipped("the image is for \(configuration.platform.architecture), and this machine can't run that")
        }
        guard let bubblewrap = ToolPath.find("bwrap", path: "/usr/bin:/bin:/usr/local/bin") else {
            return .skipped("bubblewrap is absent; install the package bubblewrap")
        }
        let directory = try Files.temporaryDirectory(in: scratch, prefix: "structure-test-")
        defer { try? Files.removeTree(directory) }
        let root = directory.appending("root")
        try Files.createDirectory(root, mode: 0o755)
        try tree.extract(to: root)
        // The sandbox would say 1, as programs do that are there.
        for command in test.setup + [test.command] + test.teardown where !isThere(command[0]) {
            return .failed(["\(command[0]) is no program of the image"])
        }
        for command in test.setup {
            let outcome = try await run(command, test, tests, root, bubblewrap)
            guard outcome.isSuccess else {
                return .failed([
                    "the setup command \(command) ends as \(outcome.status): \(outcome.errorText.prefix(500))"
                ])
            }
        }
        let outcome = try await run(test.command, test, tests, root, bubblewrap)
        var failures: [String] = []
        if outcome.status != .exited(test.exitCode) {
            failures.append(
                "\(test.command) ends as \(outcome.status), not with \(test.exitCode): \(outcome.errorText.prefix(500))"
            )
        }
        failures += try Self.check(
            outcome.outputText, expected: test.expectedOutput, excluded: test.excludedOutput, of: "standard output")
        failures += try Self.check(
            outcome.errorText, expected: test.expectedError, excluded: test.excludedError, of: "standard error")
        for command in test.teardown { _ = try await run(command, test, tests, root, bubblewrap) }
        return failures.isEmpty ? .passed : .failed(failures)
    }

    /// Whether the image has the program, by its path or on its search path.
    private func isThere(_ program: String) -> Bool {
        let path = configuration.execution.environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? "/usr/bin:/bin"
        let places = program.contains("/") ? [program] : path.split(separator: ":").map { "\($0)/\(program)" }
        return places.contains { place in
            guard let node = tree.find(place, followingLast: true)?.node else { return false }
            return node.kind == .file && node.attributes.mode & 0o111 != 0
        }
    }

    private func run(
        _ command: [String], _ test: StructureTests.Command, _ tests: StructureTests, _ root: FilePath,
        _ bubblewrap: FilePath
    ) async throws -> ChildProcess.Outcome {
        var variables: [String: String] = [:]
        for text in configuration.execution.environment {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            variables[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        // Values of tests may mention variables of the image.
        for variable in tests.environment + test.environment {
            variables[variable.key] = Self.expanded(variable.value, variables)
        }
        let user = identity(tests.user ?? configuration.execution.user ?? "0")
        var arguments = [
            bubblewrap.string, "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--uid",
            String(user.id), "--gid", String(user.group), "--hostname", "localhost", "--cap-drop", "ALL", "--bind",
            root.string, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm", "--clearenv",
        ]
        for (name, value) in variables.sorted(by: { $0.key < $1.key }) { arguments += ["--setenv", name, value] }
        arguments += ["--chdir", configuration.execution.workingDirectory ?? "/", "--"]
        return try await ChildProcess.run(
            arguments + command, environment: ["PATH": "/usr/bin:/bin"], outputLimit: Self.outputLimit,
            timeLimit: .seconds(300))
    }

    /// `$NAME` and `${NAME}` in a test's value.
    static func expanded(_ text: String, _ variables: [String: String]) -> String {
        var out = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            out += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            let isBraced = rest.first == "{"
            if isBraced { rest = rest.dropFirst() }
            let name = rest.prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
            rest = rest.dropFirst(name.count)
            if isBraced, rest.first == "}" { rest = rest.dropFirst() }
            out += name.isEmpty ? "$" : variables[String(name)] ?? ""
        }
        return out + rest
    }

    /// The numbers of a user, looked up in the image's own files where it is a name.
    private func identity(_ text: String) -> (id: Int, group: Int) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        func table(_ path: String) -> [[Substring]] {
            guard let node = tree.find(path, followingLast: true)?.node else { return [] }
            return String(decoding: node.content, as: UTF8.self).split(separator: "\n").map {
                $0.split(separator: ":", omittingEmptySubsequences: false)
            }
        }
        let name = parts.first ?? "0"
        let entry = table("/etc/passwd").first { $0.count > 3 && ($0[0] == name || $0[2] == name) }
        let id = Int(name) ?? entry.flatMap { Int($0[2]) } ?? 65534
        guard parts.count > 1 else { return (id, entry.flatMap { Int($0[3]) } ?? id) }
        let group = table("/etc/group").first { $0.count > 2 && $0[0] == parts[1] }
        return (id, Int(parts[1]) ?? group.flatMap { Int($0[2]) } ?? 65534)
    }
}
