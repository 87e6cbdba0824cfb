import Host
import SystemPackage
import TestKit
import Testing

@Suite struct ChildProcessTests {
    private func shell(
        _ script: String, environment: [String: String]? = nil, input: [UInt8] = [], limit: Int = 1000,
        time: Duration = .seconds(60)
    ) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            ["/bin/sh", "-c", script], environment: environment, input: input, outputLimit: limit, timeLimit: time)
    }

    @Test("output, error, exit code and input are passed on")
    func basics() async throws {
        let outcome = try await shell("cat; echo no >&2; exit 3", input: Array("hello".utf8))
        #expect(outcome.status == .exited(3) && !outcome.isSuccess)
        #expect(outcome.outputText == "hello" && outcome.errorText == "no\n")
        #expect(try await shell("kill -9 $$").status == .signalled(9))
    }

    @Test("the environment is exactly what was given")
    func environment() async throws {
        let outcome = try await ChildProcess.run(
            ["/usr/bin/env"], environment: ["A": "1=2"], outputLimit: 1000, timeLimit: .seconds(60))
        #expect(outcome.outputText == "A=1=2\n")
    }

    @Test("a program over its time limit is ended with its children")
    func timeLimit() async throws {
        let directory = try TemporaryDirectory()
        let marker = directory["pid"]
        // On a busy machine the shell may need longer to come so far.
        for limit in [200, 2000, 20_000] where try Files.status(marker)?.size ?? 0 == 0 {
            let outcome = try await shell(
                "sleep 600 & echo $! > '\(marker)'; wait", time: .milliseconds(limit))
            #expect(outcome.status == .timedOut)
        }
        let child = try directory.read("pid").split(separator: "\n")[0]
        // A killed orphan may stay as a zombie until init reaps it.
        let state = try? Files.readText(FilePath("/proc/\(child)/stat"), limit: 4096)
        #expect(state == nil || state?.contains(") Z ") == true)
    }

    @Test("a program that leaves a child with its output open does not hold us up")
    func orphan() async throws {
        let outcome = try await shell("sleep 600 & echo $!")
        #expect(outcome.isSuccess)
        _ = try await shell("kill \(outcome.outputText)")
    }

    @Test("too much output ends the program")
    func outputLimit() async throws {
        let error = await #expect(throws: HostError.self) { try await shell("yes", limit: 5000) }
        #expect(error?.code == .tooLarge)
    }

    @Test("a program that does not read its input does no harm")
    func unreadInput() async throws {
        let outcome = try await shell("exec <&-; echo x", input: [UInt8](repeating: 1, count: 1 << 20))
        #expect(outcome.outputText == "x\n")
    }

    @Test("a missing program is named")
    func missing() async throws {
        let error = await #expect(throws: HostError.self) {
            try await ChildProcess.run(["no-such-program"], outputLimit: 1, timeLimit: .seconds(1))
        }
        #expect(error?.code == .notFound && error?.message.contains("no-such-program") == true)
    }

    @Test("cancellation ends the program")
    func cancellation() async throws {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    _ = try await shell("sleep 600")
                    return false
                } catch { return true }
            }
            group.cancelAll()
            #expect(await group.next() == true)
        }
    }

    @Test("tools are found on the path, with links resolved")
    func toolPath() throws {
        let directory = try TemporaryDirectory()
        try directory.write("", to: "real/tool", mode: 0o755)
        try directory.write("", to: "first/tool", mode: 0o644)
        try Files.createDirectories(directory["bin"])
        try Files.symlink("../real/tool", at: directory["bin/tool"])
        let path = "relative:\(directory["first"]):\(directory["bin"])"
        #expect(ToolPath.find("tool", path: path) == directory["real/tool"])
        #expect(ToolPath.find("other", path: path) == nil)
    }
}
