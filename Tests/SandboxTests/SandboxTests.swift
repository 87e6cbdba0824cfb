import Host
import Sandbox
import SystemPackage
import TestKit
import Testing

@Suite("A step in a sandbox")
struct SandboxTests {
    @Test("sees an overlay as one tree, and its changes go to the upper directory")
    func overlay() async throws {
        let temporary = try TemporaryDirectory()
        guard await Sandbox.probe().level == .full else { return }
        let sandbox = try Sandbox(level: .full, scratch: temporary["scratch"])
        for name in ["lower", "upper", "work"] { try Files.createDirectory(temporary[name]) }
        _ = try temporary.write("hello", to: "lower/a")
        let outcome = try await sandbox.run(
            SandboxRequest(
                command: ["sh", "-c", "cat a; echo x > b; exit 3"], environment: ["PATH": "/usr/bin:/bin"],
                mounts: [
                    .overlay(
                        lower: temporary["lower"], upper: temporary["upper"], work: temporary["work"], at: "/build")
                ]))
        #expect(outcome.end == .exited(3))
        #expect(outcome.output == Array("hello".utf8))
        #expect(try Files.list(temporary["upper"]) == ["b"])
    }
}
