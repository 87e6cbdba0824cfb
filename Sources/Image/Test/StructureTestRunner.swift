internal import Bytes
internal import Host
package import Registry
package import SystemPackage

/// Runs container structure tests on an image, without a daemon: files are looked at in the layers themselves, and commands
/// run in a sandbox of namespaces on a copy of the files.
package struct StructureTestRunner: Sendable {
    /// What became of one check.
    package struct Outcome: Hashable, Sendable {
        package enum Verdict: Hashable, Sendable {
            case passed
            /// Why not.
            case failed([String])
            /// Why nobody can say.
            case skipped(String)
        }

        package var name: String
        package var verdict: Verdict
    }

    let tree: ImageTree
    let configuration: ImageConfiguration
    let scratch: FilePath

    package init(tree: ImageTree, configuration: ImageConfiguration, scratch: FilePath) {
        self.tree = tree
        self.configuration = configuration
        self.scratch = scratch
    }

    /// Checks everything, in the order of the file.
    package func run(_ tests: StructureTests) async throws -> [Outcome] {
        var out: [Outcome] = []
        for test in tests.commands {
            out.append(Outcome(name: "command: \(test.name)", verdict: try await run(test, tests)))
        }
        for test in tests.existence {
            out.append(Outcome(name: "file: \(test.name)", verdict: Self.verdict(check(test))))
        }
        for test in tests.contents {
            out.append(Outcome(name: "content: \(test.name)", verdict: Self.verdict(try check(test))))
        }
        if let metadata = tests.metadata {
            out.append(Outcome(name: "metadata", verdict: Self.verdict(try check(metadata))))
        }
        return out
    }

    private static func verdict(_ failures: [String]) -> Outcome.Verdict {
        failures.isEmpty ? .passed : .failed(failures)
    }

    // MARK: Files

    private func check(_ test: StructureTests.Existence) -> [String] {
        guard let node = tree.find(test.path, followingLast: false)?.node else {
            return test.shouldExist ? ["\(test.path) is not there"] : []
        }
        guard test.shouldExist else { return ["\(test.path) is there"] }
        var failures: [String] = []
        let permissions = Self.permissions(node)
        if let wanted = test.permissions, wanted != permissions {
            failures.append("\(test.path) has the permissions \(permissions), not \(wanted)")
        }
        let attributes = node.attributes
        if let owner = test.owner, owner != attributes.owner {
            failures.append("\(test.path) is of the user \(attributes.owner), not \(owner)")
        }
        if let group = test.group, group != attributes.group {
            failures.append("\(test.path) is of the group \(attributes.group), not \(group)")
        }
        if let who = test.executableBy {
            let bits: [String: UInt16] = ["owner": 0o100, "group": 0o010, "other": 0o001, "any": 0o111]
            if attributes.mode & (bits[who] ?? 0) == 0 { failures.append("\(test.path) is not executable by \(who)") }
        }
        return failures
    }

    /// As Go prints a file's mode, which is what the tests' authors have seen.
    static func permissions(_ node: ImageTree.Node) -> String {
        var out = ""
        switch node.kind {
        case .directory: out = "d"
        case .link: out = "L"
        case .file: break
        }
        let mode = node.attributes.mode
        if mode & 0o4000 != 0 { out += "u" }
        if mode & 0o2000 != 0 { out += "g" }
        if mode & 0o1000 != 0 { out += "t" }
        if out.isEmpty { out = "-" }
        for shift in stride(from: 8, through: 0, by: -1) {
            let letter = ["x", "w", "r"][shift % 3]
            out += mode & (1 << UInt16(shift)) != 0 ? letter : "-"
        }
        return out
    }

    private func check(_ test: StructureTests.Content) throws -> [String] {
        guard let node = tree.find(test.path, followingLast: true)?.node, node.kind == .file else {
            return ["\(test.path) is no file"]
        }
        let text = String(decoding: node.content, as: UTF8.self)
        return try Self.check(text, expected: test.expected, excluded: test.excluded, of: test.path)
    }

    static func check(
        _ text: String, expected: [String], excluded: [String], of what: String
    ) throws(ImageError) -> [String] {
        var failures: [String] = []
        for pattern in expected where try !matches(text, pattern) {
            failures.append("\(what) does not match \(pattern)")
        }
        for pattern in excluded where try matches(text, pattern) { failures.append("\(what) matches \(pattern)") }
        return failures
    }

    private static func matches(_ text: String, _ pattern: String) throws(ImageError) -> Bool {
        do {
            let regex = try Regex(pattern).matchingSemantics(.unicodeScalar)
            return try regex.firstMatch(in: text) != nil
        } catch {
            throw ImageError(.malformed, "`\(pattern)` is no regular expression: \(error)")
        }
    }

    // MARK: Configuration

    private func check(_ test: StructureTests.Metadata) throws -> [String] {
        let execution = configuration.execution
        var failures: [String] = []
        let variables = Dictionary(
            execution.environment.map { text in
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
            }, uniquingKeysWith: { $1 })
        failures += try Self.compare(variables, test.environment, "the variable")
        for key in test.unboundEnvironment where variables[key] != nil { failures.append("the variable \(key) is set") }
        failures += try Self.compare(execution.labels, test.labels, "the label")
        func port(_ text: String) -> String { text.contains("/") ? text : "\(text)/tcp" }
        let ports = Set(execution.exposedPorts.map(port))
        for wanted in test.exposedPorts where !ports.contains(port(wanted)) {
            failures.append("\(wanted) is not exposed")
        }
        for other in test.unexposedPorts where ports.contains(port(other)) { failures.append("\(other) is exposed") }
        let volumes = Set(execution.volumes)
        for wanted in test.volumes where !volumes.contains(wanted) { failures.append("\(wanted) is no volume") }
        for other in test.unmountedVolumes where volumes.contains(other) { failures.append("\(other) is a volume") }
        if let wanted = test.entryPoint, wanted != execution.entrypoint {
            failures.append("the entry point is \(execution.entrypoint), not \(wanted)")
        }
        if let wanted = test.command, wanted != execution.command {
            failures.append("the command is \(execution.command), not \(wanted)")
        }
        if let wanted = test.workingDirectory, wanted != execution.workingDirectory ?? "" {
            failures.append("the working directory is \(execution.workingDirectory ?? "none"), not \(wanted)")
        }
        if let wanted = test.user, wanted != execution.user ?? "" {
            failures.append("the user is \(execution.user ?? "none"), not \(wanted)")
        }
        return failures
    }

    private static func compare(
        _ values: [String: String], _ wanted: [StructureTests.Variable], _ what: String
    ) throws(ImageError) -> [String] {
        var failures: [String] = []
        for item in wanted {
            guard let value = values[item.key] else {
                failures.append("\(what) \(item.key) is not set")
                continue
            }
            let isRight = item.isPattern ? try matches(value, item.value) : value == item.value
            if !isRight { failures.append("\(what) \(item.key) is \(value), not \(item.value)") }
        }
        return failures
    }
}
