import CSandbox
import Host
import SystemPackage

/// martlet's side of one running command: a loop that waits for its output, its reports and its end, and that ends
/// everything when a bound is passed. It blocks, so it has a thread of its own; that thread also starts the child,
/// because the kernel kills the child when the thread that started it goes.
struct SupervisedRun {
    /// What the loop needs to know.
    struct Settings: Sendable {
        var launch: csandbox_launch
        var limits: SandboxRequest.Limits
        var rules: [SystemCallRule]
        var network: SandboxRequest.Network
        /// Whether the command has a process namespace, which dies as a whole.
        var hasNamespace: Bool
        /// Ready when the run is to be ended.
        var wake: Int32
    }

    private static let watchInterval = Duration.milliseconds(100)
    private static let killPatience = Duration.seconds(30)

    private let settings: Settings
    private let group: ControlGroup?
    private let onOutput: @Sendable ([UInt8]) -> Void
    private var output: FileDescriptor?
    private var control: FileDescriptor?
    private var listener: FileDescriptor?
    /// The outermost process, our child.
    private var child: Int32 = -1
    private var childDescriptor: FileDescriptor?
    /// Process 1 of the namespace, or the stage.
    private var first: FileDescriptor?
    private var firstProcess: Int32 = -1

    private var wallsStand = false
    private var kept: [UInt8] = []
    private var outputCount = 0
    private var waitStatus: Int32?
    private var limit: String?
    private var failure: SandboxError?
    private var isCancelled = false
    private var killing: ContinuousClock.Instant?
    private var observer: CallObserver

    private init(
        _ settings: Settings, group: ControlGroup?, record: Int32, onOutput: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.settings = settings
        self.group = group
        self.onOutput = onOutput
        observer = CallObserver(rules: settings.rules, network: settings.network, record: record)
    }

    /// Runs to the end. The descriptors in `settings.launch` are the caller's; `output` and `control` are set here.
    static func perform(
        _ settings: Settings, group: ControlGroup?, onOutput: @escaping @Sendable ([UInt8]) -> Void
    ) throws -> SandboxOutcome {
        let started = ContinuousClock.now
        var settings = settings
        let record = try FileDescriptor.checked(csandbox_memory_file())
        defer { try? record.close() }
        let pipe = csandbox_pipe()
        guard pipe.error == 0 else { throw SandboxError(.system, "no pipe can be made", errorNumber: pipe.error) }
        let (reader, writer) = (FileDescriptor(rawValue: pipe.first), FileDescriptor(rawValue: pipe.second))
        let pair = csandbox_socket_pair()
        guard pair.error == 0 else {
            try? reader.close()
            try? writer.close()
            throw SandboxError(.system, "no socket can be made", errorNumber: pair.error)
        }
        let (ours, theirs) = (FileDescriptor(rawValue: pair.first), FileDescriptor(rawValue: pair.second))
        settings.launch.output = writer.rawValue
        settings.launch.control = theirs.rawValue
        let child = csandbox_start(settings.launch)
        try? writer.close()
        try? theirs.close()
        var run = SupervisedRun(settings, group: group, record: record.rawValue, onOutput: onOutput)
        run.output = reader
        run.control = ours
        defer { run.close() }
        guard child.error == 0 else { throw startFailure(child) }
        run.child = child.pid
        run.childDescriptor = FileDescriptor(rawValue: child.pid_descriptor)
        return try run.loop(started: started)
    }

    private mutating func loop(started: ContinuousClock.Instant) throws -> SandboxOutcome {
        let deadline = started.advanced(by: settings.limits.time)
        var nextWatch = started.advanced(by: Self.watchInterval)
        var isReaped = false
        while true {
            let now = ContinuousClock.now
            if killing == nil, now >= deadline { end("time") }
            if let killing, now > killing.advanced(by: Self.killPatience) {
                throw SandboxError(.system, "processes of the step do not end; the machine may be in trouble")
            }
            let ready = csandbox_wait(
                output?.rawValue ?? -1, control?.rawValue ?? -1, listener?.rawValue ?? -1,
                (isReaped ? first : childDescriptor)?.rawValue ?? -1, isCancelled ? -1 : settings.wake,
                pause(until: deadline))
            if ready.wake != 0 {
                isCancelled = true
                endEverything()
            }
            if ready.control != 0 { receive() }
            if ready.notify == 1 { answerCall() }
            if ready.notify == 2 { Self.drop(&listener) }
            if ready.output != 0 { readOutput() }
            if ready.child != 0 {
                if isReaped {
                    Self.drop(&first)
                } else {
                    _ = csandbox_reap(child)
                    isReaped = true
                    // What is left of the namespace must go as well.
                    if let first { _ = csandbox_kill(first.rawValue, 9) }
                    if killing == nil { killing = ContinuousClock.now }
                }
            }
            if killing != nil, !settings.hasNamespace {
                endTree()
            } else if killing == nil, now >= nextWatch {
                watch()
                nextWatch = now.advanced(by: Self.watchInterval)
            }
            let isOver = isReaped && first == nil && output == nil && control == nil
            if isOver { break }
        }
        if limit == nil, !isCancelled, let name = group?.exceeded() { limit = name }
        return try outcome(started: started)
    }

    private func outcome(started: ContinuousClock.Instant) throws -> SandboxOutcome {
        if isCancelled { throw CancellationError() }
        if let failure { throw failure }
        let duration = ContinuousClock.now - started
        func outcome(_ end: SandboxOutcome.End) -> SandboxOutcome {
            SandboxOutcome(
                end: end, duration: duration, violations: observer.violations, tracedFiles: observer.tracedFiles,
                output: kept)
        }
        if let limit { return outcome(.limit(limit)) }
        guard wallsStand else {
            let text = String(decoding: kept.prefix(2000), as: UTF8.self).filter { $0 != "\n" }
            throw SandboxError(
                .setup, "bubblewrap could not put up the sandbox: \(text.isEmpty ? "no reason given" : text)")
        }
        guard let waitStatus else {
            // The command was killed together with its namespace, for instance by a killer of the whole group.
            return outcome(.signalled(9))
        }
        let signal = waitStatus & 0x7F
        // SIGXFSZ
        if signal == 25 { return outcome(.limit("file-size")) }
        return outcome(signal == 0 ? .exited(waitStatus >> 8 & 0xFF) : .signalled(signal))
    }

    /// How long to wait at most, in milliseconds.
    private func pause(until deadline: ContinuousClock.Instant) -> Int32 {
        if killing != nil { return 20 }
        let rest = min(deadline - ContinuousClock.now, Self.watchInterval)
        return Int32(max(1, rest / .milliseconds(1)))
    }

    // MARK: Ending

    private mutating func end(_ name: String) {
        if limit == nil, killing == nil { limit = name }
        endEverything()
    }

    private mutating func endEverything() {
        if killing == nil { killing = ContinuousClock.now }
        guard settings.hasNamespace else { return endTree() }
        // Process 1 first: its parent's end would be enough, but this way nothing depends on the order.
        if let first {
            _ = csandbox_kill(first.rawValue, 9)
        } else if let childDescriptor {
            // Bubblewrap may have made process 1 and not yet let it go; then it would wait for ever, for it learns only
            // later to end with its parent. Bubblewrap is stopped so that it makes none while we look.
            _ = csandbox_kill(childDescriptor.rawValue, 19)
            for process in ProcessTree.below(child) { Self.kill(process.id) }
        }
        if let childDescriptor { _ = csandbox_kill(childDescriptor.rawValue, 9) }
    }

    private static func kill(_ process: Int32) {
        let descriptor = csandbox_pid_descriptor(process)
        guard descriptor >= 0 else { return }
        _ = csandbox_kill(descriptor, 9)
        try? FileDescriptor(rawValue: descriptor).close()
    }

    /// Without a namespace: every process below the stage, again and again, until the stage has no more children and
    /// goes by itself.
    private func endTree() {
        for process in ProcessTree.below(child) { Self.kill(process.id) }
        if !wallsStand, let childDescriptor { _ = csandbox_kill(childDescriptor.rawValue, 9) }
    }

    /// Looks at bounds that nothing reports.
    private mutating func watch() {
        if let name = group?.exceeded() { return end(name) }
        if let group, group.boundsMemory, group.boundsProcesses { return }
        let processes = ProcessTree.below(child)
        if processes.reduce(0, { $0 + $1.threads }) > settings.limits.processes + 1 { return end("processes") }
        if processes.reduce(0, { $0 + $1.memory }) > settings.limits.memory { end("memory") }
    }

    // MARK: Listening

    private mutating func readOutput() {
        guard let descriptor = output else { return }
        guard let bytes = try? descriptor.availableBytes(1 << 16) else { return }
        if bytes.isEmpty { return Self.drop(&output) }
        outputCount += bytes.count
        let room = settings.limits.output - kept.count
        let part = bytes.count <= room ? bytes : Array(bytes.prefix(max(0, room)))
        kept += part
        if wallsStand, !part.isEmpty { onOutput(part) }
        if outputCount > settings.limits.output { end("output") }
    }

    private mutating func receive() {
        guard let descriptor = control else { return }
        let message = csandbox_receive(descriptor.rawValue)
        switch message.kind {
        case Int32(CSANDBOX_SAYS_READY):
            // Only the stage can say this, and once: it speaks before the command exists.
            guard !wallsStand else { break }
            wallsStand = true
            kept = []
            outputCount = 0
            if message.descriptor >= 0 { listener = FileDescriptor(rawValue: message.descriptor) }
            firstProcess = message.pid
            let process = csandbox_pid_descriptor(message.pid)
            if process >= 0 { first = FileDescriptor(rawValue: process) }
            if killing != nil { endEverything() }
            return
        case Int32(CSANDBOX_SAYS_ENDED):
            if waitStatus == nil { waitStatus = message.value }
            if message.detail & Int32(CSANDBOX_LEFT_PROCESSES) != 0 {
                observer.add("background-process", "processes went on after the command's end and were killed")
                if !settings.hasNamespace { endEverything() }
            }
            if message.detail & Int32(CSANDBOX_FULL_TEMPORARY) != 0 {
                observer.add("full-disk", "/tmp was full; its bound is half of the step's memory limit")
            }
            if message.detail & Int32(CSANDBOX_FULL_SHARED_MEMORY) != 0 {
                observer.add("full-disk", "/dev/shm was full; its bound is a quarter of the step's memory limit")
            }
        case Int32(CSANDBOX_SAYS_NOT_RUN):
            let text = "martlet: the command cannot be run: \(Errno(rawValue: message.value))\n"
            kept += Array(text.utf8)
            onOutput(Array(text.utf8))
        case Int32(CSANDBOX_SAYS_FAILED):
            failure = Self.stageFailure(message)
            endEverything()
        case Int32(CSANDBOX_SAYS_END_OF_FILE): Self.drop(&control)
        default: break
        }
        if message.descriptor >= 0 { try? FileDescriptor(rawValue: message.descriptor).close() }
    }

    private mutating func answerCall() {
        guard let listener else { return }
        let call = csandbox_next_call(listener.rawValue)
        guard call.error == 0 else { return }
        let refusal = observer.decide(call, listener: listener.rawValue)
        if refusal == CallObserver.foreign {
            // It waits for our answer, so this process id is still its own.
            let process = csandbox_pid_descriptor(call.pid)
            if process >= 0 {
                _ = csandbox_kill(process, 9)
                try? FileDescriptor(rawValue: process).close()
            }
            _ = csandbox_answer(listener.rawValue, call.id, SystemCallRule.notPermitted)
        } else {
            _ = csandbox_answer(listener.rawValue, call.id, refusal)
        }
    }

    // MARK: Closing

    private static func drop(_ descriptor: inout FileDescriptor?) {
        try? descriptor?.close()
        descriptor = nil
    }

    private mutating func close() {
        Self.drop(&output)
        Self.drop(&control)
        Self.drop(&listener)
        Self.drop(&childDescriptor)
        Self.drop(&first)
    }

    private static func startFailure(_ child: csandbox_child) -> SandboxError {
        let step = UInt8(truncatingIfNeeded: child.failed_step)
        let (code, text): (SandboxError.Code, String) =
            switch step {
            case UInt8(ascii: "c"), UInt8(ascii: "u"), UInt8(ascii: "p"):
                (.unavailable, "this machine does not allow user or mount namespaces")
            case UInt8(ascii: "o"), UInt8(ascii: "b"):
                (.setup, "overlay \(child.failed_index) of the step cannot be mounted")
            case UInt8(ascii: "t"): (.setup, "mount \(child.failed_index) of the step cannot be prepared")
            case UInt8(ascii: "g"): (.setup, "the step cannot join its control group")
            case UInt8(ascii: "x"): (.unavailable, "bubblewrap cannot be started")
            default: (.system, "the sandbox cannot be started (step \(Character(Unicode.Scalar(step))))")
            }
        return SandboxError(code, text, errorNumber: child.error)
    }

    private static func stageFailure(_ message: csandbox_message) -> SandboxError {
        switch message.detail {
        case Int32(CSANDBOX_STEP_DIRECTORY):
            SandboxError(.request, "the working directory is not mounted in the sandbox", errorNumber: message.value)
        case Int32(CSANDBOX_STEP_FILTER):
            SandboxError(.unavailable, "the kernel refuses the filter of system calls", errorNumber: message.value)
        default: SandboxError(.system, "the first process of the sandbox failed", errorNumber: message.value)
        }
    }
}

extension FileDescriptor {
    /// A descriptor, or the errno that stands in its place as a negative number.
    static func checked(_ value: Int32) throws -> FileDescriptor {
        guard value >= 0 else { throw SandboxError(.system, "no more descriptors can be had", errorNumber: -value) }
        return FileDescriptor(rawValue: value)
    }

    /// A file in memory with these bytes, to be read from the start.
    static func memory(_ bytes: [UInt8]) throws -> FileDescriptor {
        let descriptor = try checked(csandbox_memory_file())
        do {
            try descriptor.writeAll(bytes)
            _ = csandbox_rewind(descriptor.rawValue)
            return descriptor
        } catch {
            try? descriptor.close()
            throw error
        }
    }
}
