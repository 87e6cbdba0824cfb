import Bytes
import Host
import Sandbox
import SystemPackage
import TestKit
import Testing

/// One attempt and how it must be reported.
struct HostileStep: Sendable, CustomTestStringConvertible {
    /// Where the report stands.
    enum Report: Sendable {
        /// In `violations`, under this name.
        case violation(String)
        /// As the run's end, `limit` of this name.
        case limit(String)
        /// In the trace: this path was looked for and is not there.
        case missing(String)
        /// In `violations` of a traced run.
        case traced(String)
    }

    var name: String
    var report: Report
    var settings: JSONObject

    init(_ name: String, _ report: Report, _ settings: JSONObject = [:]) {
        self.name = name
        self.report = report
        self.settings = settings
    }

    var testDescription: String { name }

    static let all: [HostileStep] = [
        .init("signer-socket", .violation("unix-socket")), .init("abstract-socket", .violation("unix-socket")),
        .init("tcp", .violation("network")), .init("udp", .violation("network")),
        .init("key-file", .missing("outside/key")), .init("host-name", .missing("/etc/hostname")),
        .init("shadow", .missing("/etc/shadow")), .init("dot-dot", .missing("/etc/hostname")),
        .init("host-shared-memory-file", .missing("/dev/shm/martlet-outside")),
        .init("proc-root", .missing("/root/etc/passwd")), .init("first-process-root", .traced("process-file")),
        .init("first-process-memory", .traced("process-file")),
        .init("first-process-environment", .traced("process-file")),
        .init("ptrace", .violation("ptrace")), .init("process-memory", .violation("ptrace")),
        .init("process-descriptor", .violation("ptrace")), .init("kill", .violation("signal")),
        .init("keyring", .violation("keyring")), .init("add-key", .violation("keyring")),
        .init("system-v-memory", .violation("shared-memory")),
        .init("store-write", .traced("read-only")), .init("store-link", .traced("read-only")),
        .init("store-mode", .traced("read-only")), .init("tool-write", .traced("read-only")),
        .init("root-write", .traced("read-only")), .init("device-write", .traced("read-only")),
        .init("character-device", .violation("device")), .init("block-device", .violation("device")),
        .init("false-whiteout", .violation("device")),
        .init("mount", .violation("mount")), .init("unmount", .violation("mount")),
        .init("pivot-root", .violation("mount")), .init("new-mount-calls", .violation("mount")),
        .init("setuid-mode", .violation("setuid")), .init("setuid-at-birth", .violation("setuid")),
        .init("setgid-mode", .violation("setuid")), .init("link-out", .missing("/build/out")),
        .init("daemon", .violation("background-process")),
        .init("control-group", .missing("/sys/fs/cgroup/memory/cgroup.procs")),
        .init("terminal-input", .violation("terminal")), .init("terminal-input-high-bits", .violation("terminal")),
        .init("clock", .violation("clock")), .init("time-of-day", .violation("clock")),
        .init("reboot", .violation("reboot")), .init("bpf", .violation("bpf")), .init("perf", .violation("perf")),
        .init("userfaultfd", .violation("userfaultfd")), .init("io-uring", .violation("io_uring")),
        .init("file-handle", .violation("file-handle")), .init("set-namespace", .violation("namespace")),
        .init("unshare-user", .violation("namespace")), .init("clone-user", .violation("namespace")),
        .init("kexec", .violation("kexec")), .init("swap-on", .violation("swap")),
        .init("module", .violation("module")), .init("chroot", .violation("chroot")),
        .init("sysctl", .traced("kernel-file")), .init("kernel-memory", .traced("kernel-file")),
        .init("system-request", .traced("kernel-file")), .init("kernel-log", .violation("kernel-log")),
        .init("fanotify", .violation("fanotify")), .init("host-name-set", .violation("hostname")),
        .init("accounting", .violation("accounting")), .init("quota", .violation("quota")),
        .init("vsock", .violation("socket-family")), .init("packet-socket", .violation("socket-family")),
        .init("kernel-crypto-socket", .violation("socket-family")),
        .init("become-root", .violation("become-root")), .init("become-group-root", .violation("become-root")),
        .init("become-root-again", .violation("become-root")),
        .init("inherited-descriptor", .missing("/proc/self/fd/3")),
        .init("fill-tmp", .violation("full-disk"), ["memory": .integer(64 << 20)]),
        .init("fill-shared-memory", .violation("full-disk"), ["memory": .integer(64 << 20)]),
        .init("fork-bomb", .limit("processes"), ["processes": 40]),
        .init("memory-hog", .limit("memory"), ["memory": .integer(64 << 20)]),
        .init("memory-family", .limit("memory"), ["memory": .integer(64 << 20)]),
        .init("big-file", .limit("file-size"), ["fileSize": .integer(1 << 20)]),
        .init("huge-output", .limit("output"), ["output": .integer(1 << 20)]),
        .init("thread-of-time", .limit("time"), ["milliseconds": 300]),
    ]
}

/// Real attempts take a process and a mount tree each, so these tests are slower than others.
@Suite("A hostile step", .enabled(if: StepRunner.compiler != nil, "needs a C compiler"))
struct HostileStepTests {
    @Test("is refused and reported by name", arguments: HostileStep.all, HostUser.available)
    func isRefusedAndReported(_ step: HostileStep, _ user: HostUser) async throws {
        guard await StepRunner.level.value() == .full else { return }
        let runner = try await StepRunner(user)
        var request = runner.attempt(step.name)
        for member in step.settings { request[member.key] = member.value }
        switch step.report {
        case .missing, .traced: request["trace"] = true
        default: break
        }
        let report = try await runner.run(.object(request))
        switch step.report {
        case .violation(let name), .traced(let name):
            #expect(report.violations.contains(name), "\(report)")
            #expect(report.end == "exited 0", "\(report)")
        case .missing(let path):
            #expect(report.missing.contains { $0.hasSuffix(path) }, "\(report)")
            #expect(report.end == "exited 0", "\(report)")
        case .limit(let name): #expect(report.end == "limit \(name)", "\(report)")
        }
        #expect(try runner.directory.read("store/blob") == "blob")
        #expect(try runner.directory.read("lower/file") == "lower")
        #expect(try Files.list(runner.directory["outside"]) == ["key"])
        #expect(try Files.list(runner.directory["scratch"]) == ["etc"])
    }

    @Test("dies with a martlet that is killed, and the next martlet sweeps what is left", arguments: HostUser.available)
    func diesWithMartlet(_ user: HostUser) async throws {
        guard await StepRunner.level.value() == .full else { return }
        let runner = try await StepRunner(user)
        // The step tells its process namespace, which no process may be in afterwards, and then stays.
        var request = runner.attempt("daemon")
        request["command"] = [
            "sh", "-c", "readlink /proc/self/ns/pid > /build/namespace; setsid sleep 1000 & sleep 1000",
        ]
        #expect(try await runner.runUntilKilled(.object(request)) { try runner.hasWritten("upper/namespace") })
        let namespace = try runner.directory.read("upper/namespace").split(separator: "\n")[0]
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: .seconds(20))
        while try StepRunner.processes(inNamespace: String(namespace)) > 0, clock.now < deadline { await Task.yield() }
        #expect(try StepRunner.processes(inNamespace: String(namespace)) == 0)
        _ = try await runner.run(.object(runner.attempt("mount")))
        #expect(try Files.list(runner.directory["scratch"]) == ["etc"])
    }
}
