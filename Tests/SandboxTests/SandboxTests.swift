import Host
import Sandbox
import Synchronization
import SystemPackage
import TestKit
import Testing

/// Each of these starts processes and mounts, so they are slower than others.
@Suite("A step in a sandbox")
struct SandboxTests {
    private let temporary: TemporaryDirectory

    init() throws {
        temporary = try TemporaryDirectory()
        for name in ["lower", "upper", "work"] { try Files.createDirectory(temporary[name]) }
        try temporary.write("hello", to: "lower/a")
    }

    private var overlay: SandboxRequest.Mount {
        .overlay(lower: temporary["lower"], upper: temporary["upper"], work: temporary["work"], at: "/build")
    }

    private func sandbox(_ level: SandboxLevel = .full, groups: Bool = true) async throws -> Sandbox? {
        guard await StepRunner.level.value() >= level else { return nil }
        return try Sandbox(level: level, scratch: temporary["scratch"], usesControlGroups: groups)
    }

    private func shell(_ script: String, _ mounts: [SandboxRequest.Mount] = []) -> SandboxRequest {
        SandboxRequest(
            command: ["sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"], mounts: mounts)
    }

    private func text(_ outcome: SandboxOutcome) -> String { String(decoding: outcome.output, as: UTF8.self) }

    @Test("sees an overlay as one tree, and its changes go to the upper directory")
    func overlays() async throws {
        guard let sandbox = try await sandbox() else { return }
        let outcome = try await sandbox.run(shell("cat a; echo x > b; exit 3", [overlay]))
        #expect(outcome.end == .exited(3))
        #expect(text(outcome) == "hello")
        #expect(try Files.list(temporary["upper"]) == ["b"])
        #expect(try Files.list(temporary["scratch"]) == ["etc"])
    }

    @Test("leaves files that martlet can read and remove, whatever modes it gave them")
    func ownership() async throws {
        guard let sandbox = try await sandbox() else { return }
        let outcome = try await sandbox.run(
            shell("mkdir -p d/e; echo x > d/e/f; chmod 000 d/e/f d/e d; rm a; exit 0", [overlay]))
        #expect(outcome.succeeded, "\(text(outcome))")
        let status = try #require(try Files.status(temporary["upper/d"]))
        #expect(status.owner == Machine.effectiveUserID)
        try Files.removeTree(temporary["upper"])
        #expect(try Files.status(temporary["upper"]) == nil)
    }

    @Test("sees a fixed user, host name, working directory and nothing of the host")
    func environment() async throws {
        guard let sandbox = try await sandbox() else { return }
        var request = shell(
            "id -u; id -g; uname -n; pwd; umask; env | sort; ls /; ls /etc; cat <&0; ls /proc/self/fd | wc -l")
        request.environment["HOME"] = "/homeless"
        let outcome = try await sandbox.run(request)
        let lines = text(outcome).split(separator: "\n").map(String.init)
        #expect(lines.prefix(5) == ["1000", "100", "localhost", "/build", "0022"])
        #expect(lines.contains("HOME=/homeless"))
        #expect(!lines.contains { $0.hasPrefix("root") || $0.hasPrefix("home") || $0 == "hostname" })
        #expect(!lines.contains { $0.hasPrefix("LD_") || $0.hasPrefix("USER") })
        #expect(outcome.violations.isEmpty)
    }

    @Test("gives the exact end: a status or a signal")
    func ends() async throws {
        guard let sandbox = try await sandbox() else { return }
        #expect(try await sandbox.run(shell("exit 143")).end == .exited(143))
        #expect(try await sandbox.run(shell("kill -TERM $$")).end == .signalled(15))
        let absent = try await sandbox.run(SandboxRequest(command: ["no-such-program"]))
        #expect(absent.end == .exited(127))
        #expect(text(absent).contains("cannot be run"))
    }

    @Test("streams its output in order")
    func output() async throws {
        guard let sandbox = try await sandbox() else { return }
        let parts = Mutex<[UInt8]>([])
        let outcome = try await sandbox.run(shell("for i in 1 2 3; do echo $i; echo e$i >&2; done")) { bytes in
            parts.withLock { $0 += bytes }
        }
        #expect(text(outcome) == "1\ne1\n2\ne2\n3\ne3\n")
        #expect(parts.withLock { $0 } == outcome.output)
    }

    @Test("gets files, links, trees and memory where the request puts them, and leaves no trace of mount points")
    func mounts() async throws {
        guard let sandbox = try await sandbox() else { return }
        try temporary.write("dependency", to: "dependency/file")
        let outcome = try await sandbox.run(
            shell(
                "cat deps/one/file config here/file; echo y > mem/x; echo z >> deps/one/file; ls -A",
                [
                    overlay, .readOnly(temporary["dependency"], at: "/build/deps/one"),
                    .file(Array("data".utf8), at: "/build/config"), .link(to: "deps/one", at: "/build/here"),
                    .temporary(at: "/build/mem", byteLimit: 1 << 20),
                ]))
        #expect(text(outcome).hasPrefix("dependencydatadependency"), "\(text(outcome))")
        #expect(text(outcome).contains("Read-only file system"))
        #expect(try Files.list(temporary["upper"]).isEmpty)
    }

    @Test("shows a tool root and reports one that is absent")
    func toolRoots() async throws {
        guard let sandbox = try await sandbox() else { return }
        try temporary.write("#!/bin/sh\necho tool\n", to: "tools/bin/tool", mode: 0o755)
        var request = shell("tool")
        request.toolRoots = [temporary["tools"]]
        request.environment["PATH"] = temporary["tools/bin"].string + ":/usr/bin:/bin"
        #expect(text(try await sandbox.run(request)) == "tool\n")
        request.toolRoots = [temporary["none"]]
        await #expect(throws: SandboxError.self) { try await sandbox.run(request) }
    }

    @Test("is killed with everything it started when the task is cancelled")
    func cancellation() async throws {
        guard let sandbox = try await sandbox() else { return }
        let (started, signal) = AsyncStream.makeStream(of: Void.self)
        let request = shell("setsid sleep 1000 & echo; sleep 1000")
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await sandbox.run(request) { _ in signal.yield() } }
                for await _ in started { break }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
        #expect(try Files.list(temporary["scratch"]) == ["etc"])
    }

    @Test("ends at its limits also without control groups", arguments: ["memory", "processes", "time", "output"])
    func limits(_ name: String) async throws {
        guard let sandbox = try await sandbox(groups: false) else { return }
        var request = shell("")
        switch name {
        case "memory":
            request.command[2] = "x=$(head -c 150000000 /dev/zero | tr '\\0' x); sleep 100"
            request.limits.memory = 100 << 20
        case "processes":
            request.command[2] = "for i in $(seq 30); do sleep 100 & done; wait"
            request.limits.processes = 20
        case "time":
            request.command[2] = "sleep 100"
            request.limits.time = .milliseconds(200)
        default:
            request.command[2] = "yes"
            request.limits.output = 100_000
        }
        let outcome = try await sandbox.run(request)
        #expect(outcome.end == .limit(name))
        #expect(outcome.output.count <= request.limits.output)
    }

    @Test("without overlays works on a copy")
    func copies() async throws {
        guard let sandbox = try await sandbox(.namespaces) else { return }
        #expect(sandbox.capturesWholeDirectory)
        let outcome = try await sandbox.run(shell("cat a; echo x >> a; echo y > b", [overlay]))
        #expect(text(outcome) == "hello")
        #expect(try Files.list(temporary["upper"]) == ["a", "b"])
        #expect(try temporary.read("lower/a") == "hello")
    }

    @Test("without walls runs in a private directory, with paths rewritten, and leaves nothing running")
    func unconfined() async throws {
        guard let sandbox = try await sandbox(.off) else { return }
        try temporary.write("dependency", to: "dependency/file")
        let outcome = try await sandbox.run(
            shell(
                "cat a; cat /build/deps/file; cat \"$DEPS\"/file; echo x > b; sleep 1000 & exit 0",
                [overlay, .readOnly(temporary["dependency"], at: "/build/deps")]
            ).with { $0.environment["DEPS"] = "/build/deps" })
        #expect(text(outcome) == "hellodependencydependency")
        #expect(outcome.succeeded)
        #expect(outcome.violations.map(\.name) == ["background-process"])
        #expect(try Files.list(temporary["upper"]) == ["a", "b"])
        #expect(try Files.list(temporary["scratch"]) == ["etc"])
    }

    @Test("without walls is ended by its time limit with everything it started")
    func unconfinedLimit() async throws {
        guard let sandbox = try await sandbox(.off) else { return }
        let request = shell("setsid sleep 1000 & sleep 1000").with { $0.limits.time = .milliseconds(200) }
        #expect(try await sandbox.run(request).end == .limit("time"))
    }

    @Test("tells which files it used and looked for, when asked")
    func tracing() async throws {
        guard let sandbox = try await sandbox() else { return }
        let request = shell("cat a; cat missing/../nothing; test -e /absent", [overlay]).with { $0.traceInputs = true }
        let outcome = try await sandbox.run(request)
        let used = Dictionary(outcome.tracedFiles.map { ($0.path, $0.found) }, uniquingKeysWith: { $0 || $1 })
        #expect(used["/build/a"] == true)
        #expect(used["/build/nothing"] == false)
        #expect(used["/absent"] == false)
        #expect(try await sandbox.run(shell("cat a", [overlay])).tracedFiles.isEmpty)
    }

    @Test("a request that can't be is refused before anything starts")
    func badRequests() async throws {
        guard let sandbox = try await sandbox() else { return }
        for request in [
            SandboxRequest(command: []), shell("a\0b"), shell("", [.link(to: "a", at: "relative")]),
            shell("").with { $0.workingDirectory = "relative" },
            shell("").with { $0.environment["A=B"] = "c" },
            shell("", [.readOnly("/no/such/source", at: "/build")]),
        ] {
            await #expect(throws: SandboxError.self) { try await sandbox.run(request) }
        }
        #expect(try Files.list(temporary["scratch"]) == ["etc"])
    }

    @Test("many run at the same time")
    func parallel() async throws {
        guard let sandbox = try await sandbox() else { return }
        try await withThrowingTaskGroup(of: String.self) { group in
            for index in 0..<20 {
                group.addTask { String(decoding: try await sandbox.run(shell("echo \(index)")).output, as: UTF8.self) }
            }
            var seen: Set<String> = []
            for try await line in group { seen.insert(line) }
            #expect(seen.count == 20)
        }
    }

    @Test("the walls of a machine without bubblewrap are none, with a reason")
    func noBubblewrap() async {
        let found = await Sandbox.probe(bubblewrap: "/no/bwrap", scratch: temporary.path)
        #expect(found.level == .off)
        #expect(found.reason?.contains("install") == true)
    }
}

extension SandboxRequest {
    fileprivate func with(_ change: (inout SandboxRequest) -> Void) -> SandboxRequest {
        var request = self
        change(&request)
        return request
    }
}
