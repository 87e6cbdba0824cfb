/// What a step's system calls meet: the deny list as data, from which both the filter program and the reports come.
package struct SystemCallRule: Hashable, Sendable {
    /// A test of one argument, counted from 0. Only the low 32 bits matter unless it says otherwise: the kernel itself
    /// cuts these arguments to that size.
    package enum Condition: Hashable, Sendable {
        case equals(argument: Int, value: UInt32)
        /// `argument & mask == value`.
        case masked(argument: Int, mask: UInt32, value: UInt32)
        case anyBit(argument: Int, mask: UInt32)
        case noneOf(argument: Int, values: [UInt32])
        /// All 64 bits count.
        case isNotZero(argument: Int)

        package func holds(for arguments: [UInt64]) -> Bool {
            switch self {
            case .equals(let argument, let value): UInt32(truncatingIfNeeded: arguments[argument]) == value
            case .masked(let argument, let mask, let value):
                UInt32(truncatingIfNeeded: arguments[argument]) & mask == value
            case .anyBit(let argument, let mask): UInt32(truncatingIfNeeded: arguments[argument]) & mask != 0
            case .noneOf(let argument, let values):
                !values.contains(UInt32(truncatingIfNeeded: arguments[argument]))
            case .isNotZero(let argument): arguments[argument] != 0
            }
        }
    }

    /// What is looked at in a call that may proceed.
    package enum Observation: Hashable, Sendable {
        /// The socket address in these arguments.
        case address(argument: Int, length: Int)
        /// A signal to the process in the first argument.
        case signal
        /// A search for a System V object that someone else made.
        case sharedObject
        /// A file used by path: the directory descriptor's argument (nil: the working directory) and the path's.
        case path(directory: Int?, path: Int, flags: Int? = nil, follows: Bool = true)
    }

    package enum Verdict: Hashable, Sendable {
        /// Refused with EPERM and reported under this name.
        case refuse(String)
        /// Refused with this errno and not reported: programs ask for it as a matter of course.
        case answer(Int32)
        /// Allowed after a look.
        case observe(Observation)
    }

    package var calls: [String]
    /// All of them must hold; none means always.
    package var conditions: [Condition]
    package var verdict: Verdict

    init(_ calls: String, when conditions: Condition..., then verdict: Verdict) {
        self.calls = calls.split(separator: " ").map(String.init)
        self.conditions = conditions
        self.verdict = verdict
    }

    static let notPermitted: Int32 = 1
    static let notImplemented: Int32 = 38
    static let notSupported: Int32 = 95

    private static let createFlags: UInt32 = 0x40 | 0x40_0000
    private static let setIDBits: UInt32 = 0o6000
    private static let namespaceFlags: UInt32 = 0x7E02_0000

    /// What every step meets.
    private static let always: [SystemCallRule] = [
        // clone3 passes its flags in memory, where a filter can't look; C libraries fall back to clone.
        .init("clone3", then: .answer(notImplemented)),
        // Likewise the mode of a file that openat2 makes.
        .init("openat2", then: .answer(notImplemented)),
        .init("clone", when: .anyBit(argument: 0, mask: namespaceFlags), then: .refuse("namespace")),
        .init("unshare", when: .anyBit(argument: 0, mask: namespaceFlags | 0x80), then: .refuse("namespace")),
        .init("setns", then: .refuse("namespace")),
        .init(
            "mount umount2 pivot_root open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick mount_setattr",
            then: .refuse("mount")),
        .init("chroot", then: .refuse("chroot")),
        .init("ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise", then: .refuse("ptrace")),
        .init("add_key request_key keyctl", then: .refuse("keyring")),
        .init("bpf", then: .refuse("bpf")),
        .init("perf_event_open", then: .refuse("perf")),
        .init("userfaultfd", then: .refuse("userfaultfd")),
        .init("io_uring_setup io_uring_enter io_uring_register", then: .refuse("io_uring")),
        .init("kexec_load kexec_file_load", then: .refuse("kexec")),
        .init("reboot", then: .refuse("reboot")),
        .init("swapon swapoff", then: .refuse("swap")),
        .init("init_module finit_module delete_module create_module", then: .refuse("module")),
        .init("open_by_handle_at name_to_handle_at", then: .refuse("file-handle")),
        .init("clock_settime settimeofday clock_adjtime adjtimex", then: .refuse("clock")),
        .init("sethostname setdomainname", then: .refuse("hostname")),
        .init("acct", then: .refuse("accounting")),
        .init("quotactl quotactl_fd", then: .refuse("quota")),
        .init("syslog", then: .refuse("kernel-log")),
        .init("fanotify_init", then: .refuse("fanotify")),
        .init("iopl ioperm", then: .refuse("io-port")),
        .init("vhangup", then: .refuse("terminal")),
        // User 0 and group 0 are not in the sandbox's namespace; the kernel refuses them without a word.
        .init("setuid setgid setfsuid setfsgid", when: .equals(argument: 0, value: 0), then: .refuse("become-root")),
        .init(
            "setreuid setregid setresuid setresgid", when: .equals(argument: 0, value: 0), then: .refuse("become-root")),
        .init(
            "setreuid setregid setresuid setresgid", when: .equals(argument: 1, value: 0), then: .refuse("become-root")),
        .init("setresuid setresgid", when: .equals(argument: 2, value: 0), then: .refuse("become-root")),
        .init("_sysctl nfsservctl lookup_dcookie uselib move_pages modify_ldt", then: .answer(notImplemented)),
        // TIOCSTI types into a terminal, TIOCLINUX pastes into a console.
        .init("ioctl", when: .equals(argument: 1, value: 0x5412), then: .refuse("terminal")),
        .init("ioctl", when: .equals(argument: 1, value: 0x541C), then: .refuse("terminal")),
        .init("chmod fchmod", when: .anyBit(argument: 1, mask: setIDBits), then: .refuse("setuid")),
        .init("fchmodat fchmodat2", when: .anyBit(argument: 2, mask: setIDBits), then: .refuse("setuid")),
        .init("creat mknod", when: .anyBit(argument: 1, mask: setIDBits), then: .refuse("setuid")),
        .init("mknodat", when: .anyBit(argument: 2, mask: setIDBits), then: .refuse("setuid")),
        .init(
            "open", when: .anyBit(argument: 1, mask: createFlags), .anyBit(argument: 2, mask: setIDBits),
            then: .refuse("setuid")),
        .init(
            "openat", when: .anyBit(argument: 2, mask: createFlags), .anyBit(argument: 3, mask: setIDBits),
            then: .refuse("setuid")),
        // Character device 0:0 needs no right at all, and is how an overlay marks a deleted file.
        .init("mknod", when: .masked(argument: 1, mask: 0o170000, value: 0o020000), then: .refuse("device")),
        .init("mknod", when: .masked(argument: 1, mask: 0o170000, value: 0o060000), then: .refuse("device")),
        .init("mknodat", when: .masked(argument: 2, mask: 0o170000, value: 0o020000), then: .refuse("device")),
        .init("mknodat", when: .masked(argument: 2, mask: 0o170000, value: 0o060000), then: .refuse("device")),
        // Attributes are no part of an output; copying programs take this answer.
        .init("setxattr lsetxattr fsetxattr setxattrat", then: .answer(notSupported)),
        // AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK, which address lookups use.
        .init("socket", when: .noneOf(argument: 0, values: [1, 2, 10, 16]), then: .refuse("socket-family")),
        .init("kill", when: .isNotZero(argument: 1), then: .observe(.signal)),
        .init("shmget", when: .masked(argument: 2, mask: 0o1000, value: 0), then: .observe(.sharedObject)),
        .init("semget", when: .masked(argument: 2, mask: 0o1000, value: 0), then: .observe(.sharedObject)),
        .init("msgget", when: .masked(argument: 1, mask: 0o1000, value: 0), then: .observe(.sharedObject)),
    ]

    /// With no network, attempts to reach it fail by themselves; these rules make them known.
    private static let withoutNetwork: [SystemCallRule] = [
        .init("connect", then: .observe(.address(argument: 1, length: 2))),
        .init("sendto", when: .isNotZero(argument: 4), then: .observe(.address(argument: 4, length: 5))),
    ]

    private static let emptyPath: UInt32 = 0x1000

    private static let tracing: [SystemCallRule] = [
        .init("open", then: .observe(.path(directory: nil, path: 0, flags: 1))),
        .init("openat", then: .observe(.path(directory: 0, path: 1, flags: 2))),
        .init("creat execve stat access", then: .observe(.path(directory: nil, path: 0))),
        .init("lstat readlink", then: .observe(.path(directory: nil, path: 0, follows: false))),
        .init(
            "execveat", when: .masked(argument: 4, mask: emptyPath, value: 0),
            then: .observe(.path(directory: 0, path: 1))),
        .init(
            "newfstatat", when: .masked(argument: 3, mask: emptyPath, value: 0),
            then: .observe(.path(directory: 0, path: 1, follows: false))),
        .init(
            "statx", when: .masked(argument: 2, mask: emptyPath, value: 0),
            then: .observe(.path(directory: 0, path: 1, follows: false))),
        .init("faccessat faccessat2", then: .observe(.path(directory: 0, path: 1))),
        .init("readlinkat", then: .observe(.path(directory: 0, path: 1, follows: false))),
    ]

    /// The rules for a step, the first that fits decides.
    package static func rules(network: SandboxRequest.Network, traceInputs: Bool) -> [SystemCallRule] {
        always + (network == .none ? withoutNetwork : []) + (traceInputs ? tracing : [])
    }

    /// The rule that decides about a call.
    package static func deciding(_ rules: [SystemCallRule], call name: String, arguments: [UInt64]) -> SystemCallRule? {
        rules.first { rule in
            rule.calls.contains(name) && rule.conditions.allSatisfy { $0.holds(for: arguments) }
        }
    }
}
