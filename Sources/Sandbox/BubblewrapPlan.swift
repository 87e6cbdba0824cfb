import Host
import SystemPackage

/// A request as bubblewrap's arguments and the preparations that go before them.
struct BubblewrapPlan {
    /// Who the step is for the host.
    enum Identity: Hashable, Sendable {
        /// The user that runs martlet.
        case own
        /// martlet runs as root, the step as this user that exists for nothing else; its files are shown to it, and
        /// written by it, through id-mapped mounts in which root's files are its own.
        case mapped(user: UInt32, idMap: Int32)
    }

    /// The user and group that a step sees itself as.
    static let user = 1000
    static let group = 100

    var arguments: [String] = []
    /// The fields of launch.c's preparations.
    var preparations: [String] = []
    private var staged = 0

    private let machine: MachineRoots
    private let stages: Bool

    /// - Parameter files: where the content of the request's `file` mounts lies, in order.
    init(_ request: SandboxRequest, machine: MachineRoots, identity: Identity, files: [FilePath]) throws {
        self.machine = machine
        let hasOverlay = request.mounts.contains { if case .overlay = $0 { true } else { false } }
        stages = hasOverlay || identity != .own

        arguments = [
            "--unshare-user", "--unshare-pid", "--unshare-uts", "--unshare-ipc", "--unshare-cgroup-try",
            "--uid", String(Self.user), "--gid", String(Self.group), "--hostname", "localhost",
            "--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL",
        ]
        if request.network == .none { arguments.append("--unshare-net") }
        try addMachine(request)
        var files = files[...]
        for mount in request.mounts { try add(mount, files: &files) }
        if !request.mounts.contains(where: { MountPoints.contains($0.place, request.workingDirectory) }) {
            arguments += ["--dir", request.workingDirectory]
        }
        // What was made for mount points stays, but nothing can be added: an unbounded place to write otherwise.
        arguments += ["--remount-ro", "/"]
    }

    private mutating func addMachine(_ request: SandboxRequest) throws {
        for (place, target) in machine.links { arguments += ["--symlink", target, place] }
        for place in machine.directories { arguments += ["--ro-bind", place, place] }
        bind(machine.etc, at: "/etc", option: "--ro-bind")
        for place in machine.etcEntries { arguments += ["--ro-bind", place, place] }
        if request.network == .host, machine.hasResolver {
            arguments += ["--ro-bind", "/etc/resolv.conf", "/etc/resolv.conf"]
        }
        arguments += ["--proc", "/proc", "--size", "65536", "--tmpfs", "/dev"]
        for device in ["null", "zero", "full", "random", "urandom", "tty"] {
            arguments += ["--dev-bind", "/dev/\(device)", "/dev/\(device)"]
        }
        arguments += [
            "--symlink", "/proc/self/fd", "/dev/fd", "--symlink", "/proc/self/fd/0", "/dev/stdin",
            "--symlink", "/proc/self/fd/1", "/dev/stdout", "--symlink", "/proc/self/fd/2", "/dev/stderr",
            "--perms", "1777", "--size", String(max(1 << 20, request.limits.memory / 4)), "--tmpfs", "/dev/shm",
            "--remount-ro", "/dev",
            "--perms", "1777", "--size", String(max(1 << 20, request.limits.memory / 2)), "--tmpfs", "/tmp",
        ]
        for root in request.toolRoots where !machine.shows(root) {
            guard try Files.status(root) != nil else {
                throw SandboxError(.request, "there is no such tool root; install it or remove it", path: root)
            }
            try machine.makePlace(root.string)
            bind(root, at: root.string, option: "--ro-bind")
        }
    }

    private mutating func add(_ mount: SandboxRequest.Mount, files: inout ArraySlice<FilePath>) throws {
        guard mount.place.hasPrefix("/"), !mount.place.utf8.contains(0), mount.place != "/" else {
            throw SandboxError(.request, "a mount needs an absolute place below the root, not `\(mount.place)`")
        }
        switch mount {
        case .readOnly(let source, at: let place):
            try machine.makePlace(place)
            bind(source, at: place, option: "--ro-bind")
        case .writable(let source, at: let place):
            bind(source, at: place, option: "--bind")
        case .overlay(let lower, let upper, let work, at: let place):
            let (base, upperRest, workRest) = try Self.commonBase(upper, work)
            preparations += ["o", lower.string, base, upperRest, workRest]
            arguments += ["--bind", "/tmp/\(staged)", place]
            staged += 1
        case .temporary(at: let place, let byteLimit):
            arguments += ["--size", String(max(4096, byteLimit)), "--tmpfs", place]
        case .file(_, at: let place):
            guard let file = files.popFirst() else { return }
            try machine.makePlace(place, isFile: true)
            bind(file, at: place, option: "--ro-bind")
        case .link(to: let target, at: let place):
            arguments += ["--symlink", target, place]
        }
    }

    private mutating func bind(_ source: FilePath, at place: String, option: String) {
        if stages {
            preparations += ["t", source.string]
            arguments += [option, "/tmp/\(staged)", place]
            staged += 1
        } else {
            arguments += [option, source.string, place]
        }
    }

    /// The deepest directory that holds both, since an overlay wants both on one mount, and their paths below it.
    static func commonBase(_ upper: FilePath, _ work: FilePath) throws -> (base: String, upper: String, work: String) {
        let upperParts = upper.lexicallyNormalized().components.map(\.string)
        let workParts = work.lexicallyNormalized().components.map(\.string)
        var common = 0
        while common < min(upperParts.count, workParts.count), upperParts[common] == workParts[common] { common += 1 }
        let rests = [upperParts[common...], workParts[common...]].map { $0.joined(separator: "/") }
        // Mount options are separated by commas, and layers by colons.
        guard !rests.contains(where: { rest in rest.contains { ",:\\".contains($0) } }) else {
            throw SandboxError(
                .request, "an overlay's upper and work directories may not have `,`, `:` or `\\` in their names")
        }
        return ("/" + upperParts[..<common].joined(separator: "/"), rests[0], rests[1])
    }
}
