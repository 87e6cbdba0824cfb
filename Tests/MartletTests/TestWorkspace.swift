import Bytes
import Host
import SystemPackage
import TestKit

/// A small workspace with a cache of its own, and the program that works on it.
struct TestWorkspace {
    /// The program beside the test bundle.
    static let program = ToolPath.resolve("/proc/self/exe").map { runner in
        // SwiftPM's runner for swift-testing is elsewhere; the bundle is among its arguments.
        let arguments = (try? Files.read("/proc/self/cmdline", limit: 1 << 20)) ?? []
        let bundle = arguments.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            .first { $0.hasSuffix(".xctest") }
        return (bundle.map { FilePath($0) } ?? runner).removingLastComponent().appending("martlet")
    }
    static var hasProgram: Bool { program.flatMap { try? Files.status($0) } != nil }
    static let hasGit = ToolPath.find("git", path: searchPath) != nil
    private static let searchPath = ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin"

    /// What a run gave.
    struct Run {
        var status: Int
        var output: String
        var error: String

        var json: JSON? { try? JSON(parsing: output) }
        /// The first field of every line of the output.
        var names: [String] {
            output.split(separator: "\n").map { String($0.prefix { $0 != "\t" }) }
        }
    }

    let files: TemporaryDirectory
    var root: FilePath { files["ws"] }

    /// Two packages of which one needs the other, a third, and three scripts.
    init() throws {
        files = try TemporaryDirectory()
        try write("defaultTarget: app:app\n", to: "WORKSPACE.yaml")
        try write(
            """
            const:
              layer: base
            packages:
              - name: lib
                type: generic
                srcs: ["*.txt"]
                config:
                  commands: [["sh", "-c", "cat *.txt > out"]]

            """, to: "lib/BUILD.yaml")
        try write("hello\n", to: "lib/a.txt")
        try write(
            """
            packages:
              - name: app
                type: generic
                srcs: ["src/**"]
                deps: ["lib:lib"]
                config:
                  commands: [["sh", "-c", "cat lib--lib/out src/* > app.txt"]]
              - name: other
                type: generic
                config:
                  commands: [["true"]]
            scripts:
              - name: show
                description: Shows what lib made
                deps: ["lib:lib"]
                script: cat $LIB__LIB/out; basename $(pwd)
              - name: inside
                deps: ["lib:lib"]
                workdir: packages
                script: cat lib--lib/out
              - name: fail
                script: exit 7
              - name: open
                script: echo ${nobody_knows}

            """, to: "app/BUILD.yaml")
        try write("one\n", to: "app/src/one.txt")
    }

    func write(_ text: String, to path: String) throws { try files.write(text, to: "ws/\(path)") }

    /// Runs martlet in the workspace, or a directory of it.
    func martlet(_ arguments: String..., in directory: String = "") async throws -> Run {
        try await martlet(arguments, in: directory)
    }

    func martlet(
        _ arguments: [String], in directory: String = "", environment: [String: String] = [:]
    ) async throws -> Run {
        guard let program = Self.program else { throw HostError(.notFound, "the program is not built") }
        let environment = [
            "PATH": Self.searchPath, "HOME": files.path.string, "MARTLET_CACHE_DIR": files["cache"].string,
            "COLUMNS": "100",
        ].merging(environment) { $1 }
        let outcome = try await ChildProcess.run(
            [program.string] + arguments, environment: environment, workingDirectory: root.pushing(FilePath(directory)),
            outputLimit: 4 << 20, timeLimit: .seconds(120))
        let status =
            switch outcome.status {
            case .exited(let code): code
            case .signalled(let signal): 128 + signal
            case .timedOut: -1
            }
        return Run(status: status, output: outcome.outputText, error: outcome.errorText)
    }

    func git(_ arguments: String...) async throws {
        let environment = [
            "PATH": Self.searchPath, "HOME": files.path.string, "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        ]
        let outcome = try await ChildProcess.run(
            ["git"] + arguments, environment: environment, workingDirectory: root, outputLimit: 1 << 20,
            timeLimit: .seconds(60))
        guard outcome.isSuccess else { throw HostError(.system, outcome.errorText) }
    }
}
