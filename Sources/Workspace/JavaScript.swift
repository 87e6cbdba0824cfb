package import Bytes
internal import Host

/// Runs `BUILD.js` files, which make packages from arguments.
package struct JavaScript: Sendable {
    /// What a run is given and what bounds it.
    package struct Request: Sendable {
        /// The program to feed to the engine's standard input: a harness with script and arguments in it.
        package var program: [UInt8]
        /// The file, relative to the workspace root, for messages.
        package var file: String
        package var timeLimit: Duration = .seconds(20)
        /// In bytes.
        package var memoryLimit = 256 << 20
        /// In bytes.
        package var outputLimit = 16 << 20

        /// Names the result: equal keys give equal results.
        package var key: Digest { Digest.of(program) }
    }

    /// Gives the standard output of the program: one JSON value. Throws when it fails or exceeds a limit.
    package var evaluate: @Sendable (Request) async throws -> [UInt8]

    package init(evaluate: @escaping @Sendable (Request) async throws -> [UInt8]) { self.evaluate = evaluate }

    /// Runs `node` as a child process with nothing of martlet's environment but `PATH`.
    package static let node = JavaScript { request in
        let path = ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin"
        let outcome = try await ChildProcess.run(
            ["node", "--max-old-space-size=\(request.memoryLimit >> 20)", "-"], environment: ["PATH": path],
            input: request.program, outputLimit: request.outputLimit, timeLimit: request.timeLimit)
        switch outcome.status {
        case .exited(0): return outcome.output
        case .timedOut:
            throw WorkspaceError(
                .script, "took longer than \(request.timeLimit); make it end, or list its packages in BUILD.yaml")
        case .signalled:
            throw WorkspaceError(.script, "the engine ended; it may have needed more than its memory limit")
        case .exited:
            let text = outcome.errorText
            throw WorkspaceError(
                .script,
                text.contains("heap out of memory")
                    ? "needs more memory than \(request.memoryLimit >> 20) MiB"
                    : "failed: " + JavaScript.cause(text))
        }
    }

    /// The lines of an engine's complaint that say what happened, without the trace.
    private static func cause(_ text: String) -> String {
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("    at ") && !$0.hasPrefix("Node.js ") }
        return lines.prefix(6).joined(separator: " | ")
    }

    /// What node says about a script that threw: the place, its line and the error, without the calls that led there.
    package static func reason(in output: String) -> String {
        output.split(separator: "\n").filter { line in
            let text = line.drop { $0 == " " }
            return !(line.hasPrefix("    at ") || text.hasPrefix("Node.js v") || text.allSatisfy { $0 == "^" })
        }.prefix(6).joined(separator: " | ")
    }

    /// The program that evaluates `script` with the global `args` and prints the global `packages`.
    ///
    /// The script runs in a context of its own, sloppily, as scripts without `"use strict"` do: assigning to a name
    /// that was never declared makes a global. That context is no security boundary; the process's limits are.
    static func program(script: String, arguments: [String: String]) -> [UInt8] {
        var members = JSONObject()
        for key in arguments.keys.sorted(by: Files.isOrderedByBytes) { members[key] = .string(arguments[key] ?? "") }
        let values = JSON.object(members).text(indented: false)
        let source = JSON.string(script).text(indented: false)
        return Array(
            """
            const vm = require("node:vm");
            const context = vm.createContext(Object.create(null));
            vm.runInContext("var args = " + \(JSON.string(values).text(indented: false)) + ";", context);
            vm.runInContext(\(source), context, { filename: "BUILD.js" });
            const packages = vm.runInContext("packages", context);
            process.stdout.write(JSON.stringify(packages, (key, value) => value === undefined ? null : value));

            """.utf8)
    }
}
