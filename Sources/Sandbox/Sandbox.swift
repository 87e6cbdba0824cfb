import CSandbox
import Dispatch
import Host
import Synchronization
package import SystemPackage

/// Runs commands that see and reach only what their requests declare. One for a whole program run; runs may overlap.
///
/// The walls are bubblewrap's namespaces. Before it, a child of martlet mounts overlays and, for root, id-mapped
/// views; inside it, a small first process loads the filter of system calls and starts the command. A step is user
/// 1000, group 100. If martlet runs as an ordinary user, that is the same user of the host. If martlet runs as root,
/// it is `stepUser` of the host, which owns nothing, and martlet's files are shown to it through id-mapped mounts: what
/// it writes belongs to root on the disk, and it has no right over anything that is not in its request. Where the
/// file system knows no id maps, the step is root's own user without any capability.
package final class Sandbox: Sendable {
    /// The user and group of the host that steps are when martlet is root.
    static let stepUser: UInt32 = 1_900_000_000

    /// How strong the walls are.
    package let level: SandboxLevel

    let scratch: FilePath
    let bubblewrap: FilePath
    let machine: MachineRoots
    let groups: ControlGroup.Places
    private let stage: FileDescriptor
    private let onRefusal: @Sendable () -> Void
    /// Guards the one decision of this program run about who steps are.
    private let identity = Mutex<BubblewrapPlan.Identity?>(nil)
    private let filters = FilterSet()
    /// Groups that no run is in, to be used again: making and removing one costs more than what it bounds. Guards
    /// nothing else.
    private let idleGroups = Mutex<[ControlGroup]>([])

    /// Whether the caller finds a step's results by looking at the whole directory `upper` of an overlay rather than at
    /// the changes in it: below level `full`, `upper` starts as a copy of `lower`.
    package var capturesWholeDirectory: Bool { level != .full }

    /// - Parameters:
    ///   - level: at most what `probe()` found.
    ///   - scratch: a directory of martlet's own for small files; leftovers of martlets that were killed go.
    ///   - onRefusal: called when walls don't stand that a trial found to stand.
    ///   - hasOwnUser: what `probe()` found of it, on the same file system; `nil` to try again.
    package init(
        level: SandboxLevel, scratch: FilePath, bubblewrap: FilePath = "/usr/bin/bwrap", usesControlGroups: Bool = true,
        hasOwnUser: Bool? = nil, onRefusal: @escaping @Sendable () -> Void = {}
    ) throws {
        self.level = level
        self.onRefusal = onRefusal
        self.scratch = scratch
        self.bubblewrap = bubblewrap
        try Files.createDirectories(scratch)
        for name in try Files.list(scratch) where RunName.isStale(name) {
            try? Files.removeTree(scratch.appending(name))
        }
        machine = try MachineRoots(scratch: scratch)
        groups = usesControlGroups && level != .off ? ControlGroup.Places.find() : ControlGroup.Places()
        ControlGroup.sweep(groups)
        let writable = try FileDescriptor.checked(csandbox_memory_file())
        defer { try? writable.close() }
        guard csandbox_write_stage(writable.rawValue) == 0 else {
            throw SandboxError(.system, "there is no memory for the first process of a sandbox")
        }
        stage = try FileDescriptor.checked(csandbox_reopen(writable.rawValue))
        if let hasOwnUser {
            let known = hasOwnUser ? Self.ownUser() : .own
            identity.withLock { $0 = known }
        }
    }

    /// The identity of a user that exists for steps alone; `nil` where the kernel makes no such map.
    private static func ownUser() -> BubblewrapPlan.Identity? {
        let idMap = csandbox_id_map(0, stepUser, 0, stepUser)
        return idMap >= 0 ? .mapped(user: stepUser, idMap: idMap) : nil
    }

    deinit {
        try? stage.close()
        for group in idleGroups.withLock({ $0 }) { group.remove() }
        if case .mapped(_, let idMap) = identity.withLock({ $0 }) { try? FileDescriptor(rawValue: idMap).close() }
    }

    /// Runs one command to its end, with everything that it started.
    ///
    /// Cancelling the task kills all its processes at once. Whatever happens, no process, mount or control group stays.
    /// Empty directories and files that mounts inside an overlay's `upper` needed as mount points are removed again.
    /// - Parameter onOutput: called with output as it comes, on a thread of its own; keep it short.
    /// - Throws: `SandboxError` if the command could not be put into a sandbox, `HostError`, `CancellationError`.
    package func run(
        _ request: SandboxRequest, onOutput: @escaping @Sendable ([UInt8]) -> Void = { _ in }
    ) async throws -> SandboxOutcome {
        try Self.check(request)
        let identity = level == .off ? .own : try await decidedIdentity()
        do {
            return try await run(request, identity: identity, onOutput: onOutput)
        } catch let error as SandboxError where error.code == .unavailable || error.code == .setup {
            onRefusal()
            throw error
        }
    }

    func run(
        _ request: SandboxRequest, identity: BubblewrapPlan.Identity,
        onOutput: @escaping @Sendable ([UInt8]) -> Void = { _ in }
    ) async throws -> SandboxOutcome {
        try Task.checkCancellation()
        let wake = try FileDescriptor.checked(csandbox_event_descriptor())
        defer { try? wake.close() }
        return try await withTaskCancellationHandler {
            try await Self.onOwnThread {
                try self.runBlocking(request, identity: identity, wake: wake.rawValue, onOutput: onOutput)
            }
        } onCancel: {
            _ = csandbox_signal_event(wake.rawValue)
        }
    }

    private static func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws
        -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            // A serial queue of its own: a blocking loop must not sit in the shared pools, and the thread must last as
            // long as the child.
            DispatchQueue(label: "martlet.sandbox").async {
                continuation.resume(with: Result(catching: work))
            }
        }
    }

    private func runBlocking(
        _ request: SandboxRequest, identity: BubblewrapPlan.Identity, wake: Int32,
        onOutput: @escaping @Sendable ([UInt8]) -> Void
    ) throws -> SandboxOutcome {
        let name = RunName.next()
        let directory = scratch.appending(name)
        defer { try? Files.removeTree(directory) }
        if level == .off {
            return try runUnconfined(request, directory: directory, wake: wake, onOutput: onOutput)
        }
        var request = request
        if level != .full { request = try TreeCopy.replacingOverlays(request) }
        let points = try MountPoints(request.mounts)
        defer { points.remove() }
        // The kernel refuses a work directory that it has used before, as after a martlet that was killed.
        for case .overlay(_, _, let work, _) in request.mounts { try Files.removeTree(work.appending("work")) }
        let files = try Self.writeFiles(request, directory)
        let plan = try BubblewrapPlan(request, machine: machine, identity: identity, files: files)

        let group = takeGroup(request.limits, name: name)
        defer { if let group { giveBack(group) } }
        let filter = filters.filter(network: request.network, traceInputs: request.traceInputs)
        var limits = StagePlan.Limit.standard(request.limits)
        // Without a group the run is watched; these bounds only hold what grows faster than the watch looks, and lie
        // above the limit so that it is the watch that tells. Address space is no measure: many runtimes reserve it.
        if group?.boundsMemory != true { limits.append(.data(min(request.limits.memory, .max / 2) * 2)) }
        if group?.boundsProcesses != true { limits.append(.processes(request.limits.processes + 64)) }
        let stagePlan = StagePlan(
            command: request.command, environment: request.environment, workingDirectory: request.workingDirectory,
            limits: limits, filter: filter.program, notifies: true,
            collectsOrphans: false)

        var descriptors: [FileDescriptor] = []
        defer { for descriptor in descriptors { try? descriptor.close() } }
        func hold(_ descriptor: FileDescriptor) -> Int32 {
            descriptors.append(descriptor)
            return descriptor.rawValue
        }
        var launch = csandbox_launch.empty
        do {
            launch.program = hold(try FileDescriptor.open(bubblewrap, .readOnly))
        } catch {
            throw SandboxError(.unavailable, "install bubblewrap, or build with --sandbox=off", path: bubblewrap)
        }
        launch.command = hold(try .memory(Self.zeroEnded(["bwrap", "--args", "3", "--", "/proc/self/fd/5"])))
        launch.arguments = hold(try .memory(Self.zeroEnded(plan.arguments)))
        launch.plan = hold(try .memory(stagePlan.bytes))
        launch.stage = stage.rawValue
        if !plan.preparations.isEmpty {
            launch.preparations = hold(try .memory(Self.zeroEnded(plan.preparations)))
            launch.new_mounts = 1
        }
        switch identity {
        case .own: launch.new_user = launch.new_mounts == 1 && Machine.effectiveUserID != 0 ? 1 : 0
        case .mapped(let user, let idMap):
            launch.user = Int64(user)
            launch.group = Int64(user)
            launch.id_map = idMap
        }
        let joiners = group?.joiners.map(\.rawValue) ?? []
        if joiners.count > 0 { launch.group0 = joiners[0] }
        if joiners.count > 1 { launch.group1 = joiners[1] }
        let settings = SupervisedRun.Settings(
            launch: launch, limits: request.limits, rules: filter.rules, network: request.network, hasNamespace: true,
            wake: wake)
        return try SupervisedRun.perform(settings, group: group, onOutput: onOutput)
    }

    private func takeGroup(_ limits: SandboxRequest.Limits, name: String) -> ControlGroup? {
        let idle = idleGroups.withLock { groups in
            groups.firstIndex { $0.limits.memory == limits.memory && $0.limits.processes == limits.processes }
                .map { groups.remove(at: $0) }
        }
        return idle ?? ControlGroup(groups, limits: limits, name: name)
    }

    /// - Parameter group: its processes are gone.
    private func giveBack(_ group: ControlGroup) {
        // Its counts tell the next run nothing, and it may still hold processes when a run could not be ended.
        guard group.isEmpty, group.exceeded() == nil else { return group.remove() }
        let isKept = idleGroups.withLock { groups in
            guard groups.count < 16 else { return false }
            groups.append(group)
            return true
        }
        if !isKept { group.remove() }
    }

    private func runUnconfined(
        _ request: SandboxRequest, directory: FilePath, wake: Int32, onOutput: @escaping @Sendable ([UInt8]) -> Void
    ) throws -> SandboxOutcome {
        let layout = try UnconfinedLayout(request, root: directory)
        defer { layout.remove() }
        let stagePlan = StagePlan(
            command: request.command.map(layout.rewritten),
            environment: request.environment.mapValues(layout.rewritten),
            workingDirectory: layout.place(request.workingDirectory).string,
            limits: StagePlan.Limit.standard(request.limits) + [.data(min(request.limits.memory, .max / 2) * 2)],
            filter: nil,
            notifies: false,
            collectsOrphans: true)
        let command = try FileDescriptor.memory(Self.zeroEnded(["martlet-step"]))
        defer { try? command.close() }
        let plan = try FileDescriptor.memory(stagePlan.bytes)
        defer { try? plan.close() }
        var launch = csandbox_launch.empty
        launch.program = stage.rawValue
        launch.command = command.rawValue
        launch.plan = plan.rawValue
        let settings = SupervisedRun.Settings(
            launch: launch, limits: request.limits, rules: [], network: request.network, hasNamespace: false,
            wake: wake)
        return try SupervisedRun.perform(settings, group: nil, onOutput: onOutput)
    }

    private static func check(_ request: SandboxRequest) throws {
        guard let program = request.command.first, !program.isEmpty else {
            throw SandboxError(.request, "there is no command to run")
        }
        guard request.workingDirectory.hasPrefix("/") else {
            throw SandboxError(.request, "the working directory must be absolute, not `\(request.workingDirectory)`")
        }
        let texts = request.command + request.environment.keys + request.environment.values
        guard !texts.contains(where: { $0.utf8.contains(0) }) else {
            throw SandboxError(.request, "an argument or variable holds a zero byte, which no program can be given")
        }
        guard !request.environment.keys.contains(where: { $0.isEmpty || $0.contains("=") }) else {
            throw SandboxError(.request, "the name of a variable is empty or holds `=`")
        }
    }

    /// The content of `file` mounts, where bubblewrap can take it from.
    private static func writeFiles(_ request: SandboxRequest, _ directory: FilePath) throws -> [FilePath] {
        var files: [FilePath] = []
        for case .file(let bytes, at: _) in request.mounts {
            if files.isEmpty { try Files.createDirectory(directory, mode: 0o700) }
            files.append(directory.appending("file\(files.count)"))
            try Files.write(bytes, to: files[files.count - 1], mode: 0o444)
        }
        return files
    }

    static func zeroEnded(_ strings: [String]) -> [UInt8] { strings.flatMap { Array($0.utf8) + [0] } }

    // MARK: Identity

    /// Who steps are: tried once, as only a real mount tells whether id maps work here.
    private func decidedIdentity() async throws -> BubblewrapPlan.Identity {
        if let known = identity.withLock({ $0 }) { return known }
        var decided = BubblewrapPlan.Identity.own
        if Machine.effectiveUserID == 0, let mapped = Self.ownUser() {
            if try await obstacle(mapped, overlay: level == .full) == nil {
                decided = mapped
            } else if case .mapped(_, let idMap) = mapped {
                try? FileDescriptor(rawValue: idMap).close()
            }
        }
        return identity.withLock { current in
            // Another run may have decided meanwhile; one of the two is enough.
            if let current {
                if case .mapped(_, let idMap) = decided { try? FileDescriptor(rawValue: idMap).close() }
                return current
            }
            current = decided
            return decided
        }
    }

    /// Whether steps are a user of the host that exists for nothing else. That was tried with an overlay when the level
    /// is full.
    func hasOwnUser() async throws -> Bool { try await decidedIdentity() != .own }

    /// Puts up walls around a command that does not exist; the reason if they don't stand.
    /// - Parameter identity: nil for the one that steps have.
    func obstacle(_ identity: BubblewrapPlan.Identity?, overlay: Bool) async throws -> String? {
        let directory = scratch.appending(RunName.next())
        try Files.createDirectory(directory, mode: 0o700)
        defer { try? Files.removeTree(directory) }
        var request = SandboxRequest(command: ["/nonexistent"], limits: .init(time: .seconds(20)))
        if overlay {
            for name in ["lower", "upper", "work"] { try Files.createDirectory(directory.appending(name)) }
            request.mounts = [
                .overlay(
                    lower: directory.appending("lower"), upper: directory.appending("upper"),
                    work: directory.appending("work"), at: "/build")
            ]
        }
        do {
            let outcome =
                if let identity { try await run(request, identity: identity) } else { try await run(request) }
            return outcome.end == .exited(127) ? nil : "a trial run ended with \(outcome.end)"
        } catch let error as SandboxError {
            return error.description
        }
    }
}

extension csandbox_launch {
    /// Nothing set.
    static var empty: csandbox_launch {
        csandbox_launch(
            program: -1, command: -1, preparations: -1, arguments: -1, control: -1, stage: -1, plan: -1, output: -1,
            group0: -1, group1: -1, group2: -1, group3: -1, new_mounts: 0, new_user: 0, user: -1, group: -1, id_map: -1)
    }
}
