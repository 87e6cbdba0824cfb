/// A Linux system call by name, with its number on each architecture that martlet runs on.
package struct SystemCall: Hashable, Sendable {
    /// The numbers of one architecture, and how a filter recognises it.
    package enum Architecture: String, Sendable, CaseIterable {
        case x86_64
        case aarch64

        /// The architecture that this program was compiled for.
        package static var current: Architecture {
            #if arch(arm64)
                .aarch64
            #else
                .x86_64
            #endif
        }

        /// `AUDIT_ARCH_X86_64`, `AUDIT_ARCH_AARCH64` (linux/audit.h).
        package var auditValue: UInt32 {
            switch self {
            case .x86_64: 0xC000_003E
            case .aarch64: 0xC000_00B7
            }
        }
    }

    package var name: String

    package init(name: String) { self.name = name }

    /// nil if the architecture has no such call.
    package func number(on architecture: Architecture) -> UInt32? {
        guard let numbers = Self.numbers[name] else { return nil }
        let number = architecture == .x86_64 ? numbers.x86 : numbers.arm
        return number < 0 ? nil : UInt32(number)
    }

    /// The name of a call that the filter knows.
    package static func named(_ number: UInt32, on architecture: Architecture) -> String? {
        switch architecture {
        case .x86_64: namesX86[number]
        case .aarch64: namesARM[number]
        }
    }

    private static let namesX86 = names { $0.x86 }
    private static let namesARM = names { $0.arm }

    private static func names(_ number: ((x86: Int32, arm: Int32)) -> Int32) -> [UInt32: String] {
        var names: [UInt32: String] = [:]
        for (name, numbers) in numbers where number(numbers) >= 0 { names[UInt32(number(numbers))] = name }
        return names
    }

    /// arch/x86/entry/syscalls/syscall_64.tbl and scripts/syscall.tbl of Linux; -1 where there is none.
    private static let numbers: [String: (x86: Int32, arm: Int32)] = [
        "_sysctl": (156, -1), "access": (21, -1), "acct": (163, 89), "add_key": (248, 217), "adjtimex": (159, 171),
        "bpf": (321, 280), "chmod": (90, -1), "chroot": (161, 51), "clock_adjtime": (305, 266),
        "clock_settime": (227, 112), "clone": (56, 220), "clone3": (435, 435), "connect": (42, 203),
        "creat": (85, -1), "create_module": (174, -1), "delete_module": (176, 106), "execve": (59, 221),
        "execveat": (322, 281), "faccessat": (269, 48), "faccessat2": (439, 439), "fanotify_init": (300, 262),
        "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "finit_module": (313, 273),
        "fsconfig": (431, 431), "fsetxattr": (190, 7), "fsmount": (432, 432), "fsopen": (430, 430),
        "fspick": (433, 433), "init_module": (175, 105), "io_uring_enter": (426, 426),
        "io_uring_register": (427, 427), "io_uring_setup": (425, 425), "ioctl": (16, 29), "ioperm": (173, -1),
        "iopl": (172, -1), "kcmp": (312, 272), "kexec_file_load": (320, 294), "kexec_load": (246, 104),
        "keyctl": (250, 219), "kill": (62, 129), "listmount": (458, 458), "lookup_dcookie": (212, 18),
        "lsetxattr": (189, 6), "lstat": (6, -1), "mknod": (133, -1), "mknodat": (259, 33), "modify_ldt": (154, -1),
        "mount": (165, 40), "mount_setattr": (442, 442), "move_mount": (429, 429), "move_pages": (279, 239),
        "msgget": (68, 186), "name_to_handle_at": (303, 264), "newfstatat": (262, 79), "nfsservctl": (180, 42),
        "open": (2, -1), "open_by_handle_at": (304, 265), "open_tree": (428, 428), "open_tree_attr": (467, 467),
        "openat": (257, 56), "openat2": (437, 437), "perf_event_open": (298, 241), "pidfd_getfd": (438, 438),
        "pivot_root": (155, 41), "process_madvise": (440, 440), "process_vm_readv": (310, 270),
        "process_vm_writev": (311, 271), "ptrace": (101, 117), "quotactl": (179, 60), "quotactl_fd": (443, 443),
        "readlink": (89, -1), "readlinkat": (267, 78), "reboot": (169, 142), "request_key": (249, 218),
        "semget": (64, 190), "sendto": (44, 206), "setdomainname": (171, 162), "sethostname": (170, 161),
        "setfsgid": (123, 152), "setfsuid": (122, 151), "setgid": (106, 144), "setns": (308, 268),
        "setregid": (114, 143), "setresgid": (119, 149), "setresuid": (117, 147), "setreuid": (113, 145),
        "settimeofday": (164, 170), "setuid": (105, 146), "setxattr": (188, 5), "setxattrat": (463, 463),
        "shmget": (29, 194), "socket": (41, 198), "stat": (4, -1), "statmount": (457, 457), "statx": (332, 291),
        "swapoff": (168, 225), "swapon": (167, 224), "syslog": (103, 116), "tgkill": (234, 131), "tkill": (200, 130),
        "umount2": (166, 39), "unshare": (272, 97), "userfaultfd": (323, 282), "uselib": (134, -1),
        "vhangup": (153, 58),
    ]
}
