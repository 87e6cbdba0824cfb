import CSandbox
import Host
import SystemPackage

/// Decides about system calls that the filter passes on, and writes down what they tried.
struct CallObserver {
    /// The answer that stands for "a call of a foreign architecture: kill its process".
    static let foreign: Int32 = -1

    private(set) var violations: [SandboxOutcome.Violation] = []
    private(set) var tracedFiles: [SandboxOutcome.TracedFile] = []

    private var seen: Set<SandboxOutcome.Violation> = []
    private var traced: [String: Int] = [:]
    private let rules: [String: [SystemCallRule]]
    private let network: SandboxRequest.Network
    private let record: Int32

    /// More than this many reports say nothing new.
    private static let violationLimit = 256
    private static let traceLimit = 1_000_000
    /// Services that C libraries ask for without need.
    private static let expectedSockets: Set<String> = ["/var/run/nscd/socket", "/run/nscd/socket", "/dev/log"]

    private static let kernelFiles: Set<String> = [
        "/proc/kcore", "/proc/kmsg", "/proc/kallsyms", "/proc/kpagecount", "/proc/kpageflags", "/proc/kpagecgroup",
        "/proc/sysrq-trigger", "/proc/keys", "/proc/key-users", "/proc/timer_list", "/proc/vmallocinfo",
    ]

    init(rules: [SystemCallRule], network: SandboxRequest.Network, record: Int32) {
        var byCall: [String: [SystemCallRule]] = [:]
        for rule in rules {
            for call in rule.calls { byCall[call, default: []].append(rule) }
        }
        self.rules = byCall
        self.network = network
        self.record = record
    }

    mutating func add(_ name: String, _ detail: String) {
        let violation = SandboxOutcome.Violation(name: name, detail: detail)
        guard violations.count < Self.violationLimit, seen.insert(violation).inserted else { return }
        violations.append(violation)
    }

    /// The errno to refuse the call with, 0 to let it proceed, or `foreign`.
    mutating func decide(_ call: csandbox_call, listener: Int32) -> Int32 {
        let architecture = SystemCall.Architecture.current
        let number = UInt32(bitPattern: call.number)
        guard call.architecture == architecture.auditValue, architecture != .x86_64 || number < 0x4000_0000 else {
            add("foreign-architecture", "system call \(number & 0x3FFF_FFFF) of another architecture")
            return Self.foreign
        }
        let arguments = [
            call.argument0, call.argument1, call.argument2, call.argument3, call.argument4, call.argument5,
        ]
        guard let name = SystemCall.named(number, on: architecture),
            let rule = rules[name]?.first(where: { $0.conditions.allSatisfy { $0.holds(for: arguments) } })
        else {
            // The filter passes on only what is in the rules.
            add("unknown", "system call \(number)")
            return SystemCallRule.notPermitted
        }
        switch rule.verdict {
        case .refuse(let violation):
            add(violation, name)
            return SystemCallRule.notPermitted
        case .answer(let errno): return errno
        case .observe(let observation):
            observe(observation, call, arguments, name: name, listener: listener)
            return 0
        }
    }

    private mutating func observe(
        _ observation: SystemCallRule.Observation, _ call: csandbox_call, _ arguments: [UInt64], name: String,
        listener: Int32
    ) {
        switch observation {
        case .signal:
            let target = Int32(truncatingIfNeeded: arguments[0])
            if target > 0, csandbox_examine_process(call.pid, target) == 0 {
                add("signal", "\(name) \(arguments[1] & 0xFF) to process \(target), which is not the step's")
            }
        case .sharedObject:
            // Key 0 (IPC_PRIVATE) always makes a new one.
            if UInt32(truncatingIfNeeded: arguments[0]) != 0 {
                add("shared-memory", "\(name) of key \(UInt32(truncatingIfNeeded: arguments[0]))")
            }
        case .address(let argument, let length):
            let found = csandbox_examine_address(
                listener, call.id, call.pid, arguments[argument], arguments[length], record)
            guard found.error == 0, found.found == 0 else { return }
            let text = recorded(found.length)
            let words = text.split(separator: " ", maxSplits: 1).map(String.init)
            if words.first == "unix" {
                guard words.count == 2, !Self.expectedSockets.contains(words[1]) else { return }
                add("unix-socket", "\(name) to \(words[1])")
            } else {
                add("network", "\(name) to \(text)")
            }
        case .path(let directory, let path, let flags, let follows):
            let base = directory.map { Int32(truncatingIfNeeded: arguments[$0]) } ?? -100
            let found = csandbox_examine_path(
                listener, call.id, call.pid, base, arguments[path], follows ? 1 : 0, record)
            guard found.error == 0 else { return }
            let text = FilePath(recorded(found.length)).lexicallyNormalized().string
            trace(text, found: found.found != 0)
            if Self.kernelFiles.contains(text) { add("kernel-file", "\(name) of \(text)") }
            if text.hasPrefix("/proc/1/") { add("process-file", "\(name) of \(text)") }
            // Access modes other than reading, O_CREAT, O_TRUNC.
            guard let flags, arguments[flags] & 0o1103 != 0 else { return }
            if text.hasPrefix("/proc/sys/") { add("kernel-file", "\(name) for writing of \(text)") }
            if found.read_only != 0 { add("read-only", "\(name) for writing of \(text)") }
        }
    }

    private mutating func trace(_ path: String, found: Bool) {
        if let index = traced[path] {
            // What a step made itself and then read was not there at first.
            tracedFiles[index].found = tracedFiles[index].found || found
            return
        }
        guard tracedFiles.count < Self.traceLimit else { return }
        traced[path] = tracedFiles.count
        tracedFiles.append(SandboxOutcome.TracedFile(path: path, found: found))
    }

    private func recorded(_ length: Int32) -> String {
        let bytes = try? FileDescriptor(rawValue: record).bytes(Int(max(0, length)), at: 0)
        return String(decoding: bytes ?? [], as: UTF8.self)
    }
}
