import CSandbox
import Host
import SystemPackage

/// A control group for one run: bounds on memory and processes that the kernel keeps, on cgroup v1 and v2.
struct ControlGroup {
    /// Where groups can be made, found once.
    struct Places: Sendable, Hashable {
        /// The v1 directories of the own group, or nil.
        var memory: FilePath?
        var processes: FilePath?
        /// A v2 directory whose children get the controllers `memory` and `pids`, or nil.
        var unified: FilePath?

        /// Whether both bounds can be kept.
        var isComplete: Bool { unified != nil || (memory != nil && processes != nil) }
    }

    let limits: SandboxRequest.Limits
    private let directories: [FilePath]
    private let memory: FilePath?
    private let processes: FilePath?
    /// The files to write "0" into.
    let joiners: [FileDescriptor]

    /// nil if no such group can be made; then resource limits and a watch take over.
    init?(_ places: Places, limits: SandboxRequest.Limits, name: String) {
        self.limits = limits
        var directories: [FilePath] = []
        var joiners: [FileDescriptor] = []
        // A process of one thread that moves itself by "tasks", which version 1 has, need not wait until no process of the
        // machine is about to fork: that takes the kernel 8 ms.
        func make(
            _ parent: FilePath, joinedBy joiner: String = "tasks",
            _ settings: [(file: String, value: String, isNeeded: Bool)]
        ) -> FilePath? {
            let directory = parent.appending(name)
            do {
                try Files.createDirectory(directory, mode: 0o755)
                directories.append(directory)
                for setting in settings {
                    do {
                        try Self.set(directory.appending(setting.file), setting.value)
                    } catch  where !setting.isNeeded {}
                }
                joiners.append(try FileDescriptor.open(directory.appending(joiner), .writeOnly))
                return directory
            } catch {
                return nil
            }
        }
        // bubblewrap and the stage count too.
        let most = String(limits.processes + 3)
        if let unified = places.unified {
            memory = make(
                unified, joinedBy: "cgroup.procs",
                [
                    ("memory.max", String(limits.memory), true), ("memory.swap.max", "0", false),
                    ("memory.oom.group", "1", false), ("pids.max", most, true),
                ])
            processes = memory
        } else {
            memory = places.memory.flatMap {
                make(
                    $0,
                    [
                        ("memory.limit_in_bytes", String(limits.memory), true),
                        ("memory.memsw.limit_in_bytes", String(limits.memory), false),
                    ])
            }
            processes = places.processes.flatMap { make($0, [("pids.max", most, true)]) }
        }
        self.directories = directories
        self.joiners = joiners
        guard memory != nil || processes != nil else {
            remove()
            return nil
        }
    }

    var boundsMemory: Bool { memory != nil }
    var boundsProcesses: Bool { processes != nil }

    /// The name of the bound that the group has met, if any.
    func exceeded() -> String? {
        if let memory {
            for file in ["memory.events", "memory.oom_control"]
            where Self.count("oom_kill", in: memory.appending(file)) > 0 {
                return "memory"
            }
        }
        if let processes, Self.count("max", in: processes.appending("pids.events")) > 0 { return "processes" }
        return nil
    }

    /// Whether no process is in it.
    var isEmpty: Bool { directories.allSatisfy { Self.members(of: $0).isEmpty } }

    /// Removes the group, whose processes must be gone.
    func remove() {
        for joiner in joiners { try? joiner.close() }
        for directory in directories { try? Files.removeEmptyDirectory(directory) }
    }

    /// Removes groups of martlets that are gone, with the processes that are left in them: bubblewrap can be killed
    /// at a moment when the process that it has just made does not yet end with it.
    static func sweep(_ places: Places) {
        for parent in [places.memory, places.processes, places.unified].compactMap({ $0 }) {
            for name in (try? Files.list(parent)) ?? [] where RunName.isStale(name) {
                let directory = parent.appending(name)
                for process in members(of: directory) {
                    let descriptor = csandbox_pid_descriptor(process)
                    guard descriptor >= 0 else { continue }
                    // Looked up again: now that we hold it, its number can't become another's.
                    if members(of: directory).contains(process) { _ = csandbox_kill(descriptor, 9) }
                    try? FileDescriptor(rawValue: descriptor).close()
                }
                try? Files.removeEmptyDirectory(directory)
            }
        }
    }

    private static func members(of directory: FilePath) -> [Int32] {
        let text = (try? Files.readText(directory.appending("cgroup.procs"), limit: 1 << 20)) ?? ""
        return text.split(separator: "\n").compactMap { Int32($0) }
    }

    private static func set(_ file: FilePath, _ value: String) throws {
        let descriptor = try FileDescriptor.open(file, .writeOnly)
        try descriptor.closeAfter { _ = try descriptor.writeAll(Array(value.utf8)) }
    }

    /// The number after `key` in a file of lines "key number".
    private static func count(_ key: String, in file: FilePath) -> Int {
        guard let text = try? Files.readText(file, limit: 1 << 16) else { return 0 }
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count == 2, fields[0] == key { return Int(fields[1]) ?? 0 }
        }
        return 0
    }
}

extension ControlGroup.Places {
    /// The places of this process.
    static func find() -> Self {
        guard let groups = try? Files.readText("/proc/self/cgroup", limit: 1 << 20),
            let mounts = try? Files.readText("/proc/self/mounts", limit: 8 << 20)
        else { return Self() }
        return Self(groups: groups, mounts: mounts)
    }

    /// - Parameters:
    ///   - groups: the text of `/proc/self/cgroup`.
    ///   - mounts: the text of `/proc/self/mounts`.
    init(groups: String, mounts: String) {
        self.init()
        var own: [String: String] = [:]
        for line in groups.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
                own[String(controller)] = String(fields[2])
            }
        }
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count >= 4 else { continue }
            let point = FilePath(String(fields[1]))
            let options = fields[3].split(separator: ",")
            if fields[2] == "cgroup" {
                if options.contains("memory"), let path = own["memory"] { memory = Self.below(point, path) }
                if options.contains("pids"), let path = own["pids"] { processes = Self.below(point, path) }
            } else if fields[2] == "cgroup2", let path = own[""] {
                unified = Self.delegated(Self.below(point, path), root: point)
            }
        }
    }

    private static func below(_ point: FilePath, _ path: String) -> FilePath {
        let rest = path.drop { $0 == "/" }
        let directory = rest.isEmpty ? point : point.appending(String(rest))
        // In a container the path may be the host's while the mount shows only a part.
        return (try? Files.exists(directory)) == true ? directory : point
    }

    /// The own group cannot have both processes and children with controllers, so the usual place is its parent.
    private static func delegated(_ own: FilePath, root: FilePath) -> FilePath? {
        let candidates = own == root ? [own] : [own, own.removingLastComponent()]
        return candidates.first { directory in
            let text = (try? Files.readText(directory.appending("cgroup.subtree_control"), limit: 1 << 12)) ?? ""
            let controllers = text.split { $0 == " " || $0 == "\n" }
            return controllers.contains("memory") && controllers.contains("pids")
        }
    }
}
