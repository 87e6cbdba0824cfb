import Bytes
import Host
import Sandbox
import SystemPackage
import TestKit
import Testing

/// Who runs martlet in a test.
enum HostUser: String, CaseIterable, Sendable, CustomTestStringConvertible {
    /// The user of the tests.
    case own
    /// An ordinary user without any right; only where the tests are root's.
    case nobody

    static let available: [HostUser] = Machine.effectiveUserID == 0 ? [.own, .nobody] : [.own]
    var testDescription: String { self == .own ? "as the tests' user" : "as nobody" }
}

/// What a test sees of an outcome.
struct StepReport: Sendable {
    var end: String
    var violations: [String]
    var missing: [String]
    var found: [String]
    var output: String
}

/// A file tree and a compiled hostile program for one attempt, run in a process of its own as one user.
struct StepRunner {
    private static let helper: FilePath? = ToolPath.resolve("/proc/self/exe")?.removingLastComponent()
        .appending("sandbox-probe")
    static let compiler: FilePath? =
        ["cc", "gcc", "clang"].lazy.compactMap {
            ToolPath.find($0, path: ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin")
        }.first
    static let switchesUser = ToolPath.find("setpriv", path: "/usr/bin:/bin")
    static let level = Level()

    /// What this machine allows, found once.
    actor Level {
        private var known: SandboxLevel?
        func value() async -> SandboxLevel {
            if let known { return known }
            let level = await Sandbox.probe().level
            known = level
            return level
        }
    }

    let directory: TemporaryDirectory
    let user: HostUser

    init(_ user: HostUser) async throws {
        self.user = user
        directory = try TemporaryDirectory()
        for name in ["outside", "store", "lower", "upper", "work", "scratch", "bin"] {
            try Files.createDirectory(directory[name])
            try Files.setMode(directory[name], 0o777)
        }
        try Files.setMode(directory.path, 0o755)
        try directory.write("secret", to: "outside/key", mode: 0o644)
        try directory.write("blob", to: "store/blob", mode: 0o644)
        try directory.write("lower", to: "lower/file", mode: 0o644)
        try await HostileProgram.shared.copy(to: directory["bin/hostile"])
        if user == .nobody, let helper = Self.helper {
            try await Self.install(helper, at: directory["probe"])
        }
    }

    /// Copies a program. Another process writes it: a child that another test begins at the same moment would hold our
    /// descriptor for an instant, and nothing may execute a file that is open for writing.
    static func install(_ program: FilePath, at path: FilePath) async throws {
        let outcome = try await ChildProcess.run(
            ["install", "-m", "755", program.string, path.string], environment: ["PATH": "/usr/bin:/bin"],
            outputLimit: 1 << 16, timeLimit: .seconds(60))
        guard outcome.isSuccess else { throw HostError(.system, outcome.errorText) }
    }

    private var command: [String] {
        let helper = (user == .nobody ? directory["probe"] : Self.helper)?.string ?? ""
        let user = user == .nobody ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
        return user + [helper, directory["scratch"].string, directory["request.json"].string]
    }

    private var environment: [String: String] { ["PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": Self.libraries] }

    func run(_ request: JSON) async throws -> StepReport {
        try directory.write(request.text(), to: "request.json", mode: 0o644)
        guard Self.helper != nil else { throw HostError(.notFound, "the helper program was not built") }
        let outcome = try await ChildProcess.run(
            command, environment: environment, outputLimit: 1 << 22, timeLimit: .seconds(60))
        guard outcome.isSuccess else { throw HostError(.system, "the helper failed: \(outcome.errorText)") }
        let json = try JSON(parsing: outcome.output)
        func strings(_ key: String) -> [String] { (json[key]?.arrayValue ?? []).compactMap(\.stringValue) }
        return StepReport(
            end: json["end"]?.stringValue ?? "", violations: strings("violations"), missing: strings("missing"),
            found: strings("found"), output: json["output"]?.stringValue ?? "")
    }

    /// Where the helper finds the language's libraries when these are not linked into it.
    private static let libraries: String = {
        let swift = ToolPath.find("swift", path: ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin")
        let root = swift.flatMap { ToolPath.resolve($0) }?.removingLastComponent().removingLastComponent() ?? "/usr"
        return root.appending("lib/swift/linux").string
    }()

    /// Starts the request and kills the helper with SIGKILL as soon as `isTime`; false if it ended before.
    func runUntilKilled(_ request: JSON, when isTime: @escaping @Sendable () throws -> Bool) async throws -> Bool {
        try directory.write(request.text(), to: "request.json", mode: 0o644)
        let pidFile = directory["pid"]
        let command = "echo $$ > \(pidFile); exec \(command.joined(separator: " "))"
        return try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                let outcome = try await ChildProcess.run(
                    ["sh", "-c", command], environment: environment, outputLimit: 1 << 20, timeLimit: .seconds(60))
                return outcome.status == .signalled(9)
            }
            group.addTask {
                while try !isTime() { try await Task.sleep(for: .milliseconds(10)) }
                let pid = try Files.readText(pidFile, limit: 100).split(separator: "\n")[0]
                _ = try await ChildProcess.run(
                    ["kill", "-KILL", String(pid)], outputLimit: 1000, timeLimit: .seconds(9))
                return true
            }
            return try await group.reduce(true) { $0 && $1 }
        }
    }

    /// Whether the step has written a whole line to the file.
    func hasWritten(_ name: String) throws -> Bool {
        try Files.exists(directory[name]) && directory.read(name).hasSuffix("\n")
    }

    /// How many processes are in a process namespace, given as `/proc/PID/ns/pid` reads.
    static func processes(inNamespace name: String) throws -> Int {
        try Files.list("/proc").filter { entry in
            guard Int(entry) != nil else { return false }
            return (try? Files.readLink(FilePath("/proc/\(entry)/ns/pid"))) == name
        }.count
    }

    /// A request to make one attempt.
    func attempt(_ name: String) -> JSONObject {
        [
            "command": [
                "/bin-of-test/hostile", .string(name), .string(directory["outside"].string),
                .string(String(Machine.processID)),
            ],
            "mounts": [
                ["readOnly", .string(directory["bin"].string), "/bin-of-test"],
                ["readOnly", .string(directory["store"].string), "/store"],
                [
                    "overlay", .string(directory["lower"].string), .string(directory["upper"].string),
                    .string(directory["work"].string), "/build",
                ],
            ],
            "milliseconds": 30000,
        ]
    }
}

/// The attempts, compiled once for all tests.
actor HostileProgram {
    static let shared = HostileProgram()
    private var compiled: [UInt8]?

    func copy(to path: FilePath) async throws {
        if compiled == nil { compiled = try await compile() }
        let written = path.removingLastComponent().appending("hostile.new")
        try Files.write(compiled ?? [], to: written)
        try await StepRunner.install(written, at: path)
        try Files.remove(written)
    }

    private func compile() async throws -> [UInt8] {
        guard let compiler = StepRunner.compiler else { throw HostError(.notFound, "there is no C compiler") }
        let directory = try TemporaryDirectory()
        let source = FilePath(#filePath).removingLastComponent().appending("Resources/hostile.c")
        let outcome = try await ChildProcess.run(
            [compiler.string, "-O1", "-w", "-o", directory["hostile"].string, source.string],
            outputLimit: 1 << 20, timeLimit: .seconds(60))
        guard outcome.isSuccess else { throw HostError(.system, outcome.errorText) }
        return try Files.read(directory["hostile"], limit: 1 << 26)
    }
}
