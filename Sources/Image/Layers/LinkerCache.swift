internal import Bytes

/// Writes `/etc/ld.so.cache` as glibc's ldconfig does (glibc 2.36, sysdeps/generic/dl-cache.h): format 1.1, without
/// reading anything but the libraries themselves, so for any architecture on any machine.
enum LinkerCache {
    /// A file that may be a library, or a link to one, in the directories that ldconfig looks at.
    struct File: Hashable, Sendable {
        /// Relative to the root.
        var path: String
        /// `nil` for a link.
        var library: SharedLibrary?
    }

    /// The flags of an entry (FLAG_ELF_LIBC6 with the architecture's), and Debian's name of its directories.
    private struct Target {
        var flags: UInt32
        var triplet: String
        var machine: SharedLibrary.Machine
    }

    private static func target(_ architecture: String) -> Target? {
        func machine(_ number: Int, is64Bit: Bool = true, isLittleEndian: Bool = true) -> SharedLibrary.Machine {
            SharedLibrary.Machine(number: number, is64Bit: is64Bit, isLittleEndian: isLittleEndian)
        }
        return switch architecture {
        case "amd64": Target(flags: 0x0303, triplet: "x86_64-linux-gnu", machine: machine(62))
        case "arm64": Target(flags: 0x0A03, triplet: "aarch64-linux-gnu", machine: machine(183))
        case "arm": Target(flags: 0x0903, triplet: "arm-linux-gnueabihf", machine: machine(40, is64Bit: false))
        case "386": Target(flags: 0x0003, triplet: "i386-linux-gnu", machine: machine(3, is64Bit: false))
        case "ppc64le": Target(flags: 0x0503, triplet: "powerpc64le-linux-gnu", machine: machine(21))
        case "s390x": Target(flags: 0x0403, triplet: "s390x-linux-gnu", machine: machine(22, isLittleEndian: false))
        case "riscv64": Target(flags: 0x1003, triplet: "riscv64-linux-gnu", machine: machine(243))
        default: nil
        }
    }

    /// Whether ldconfig would look at a file of this path.
    static func isCandidate(_ path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        return (name.hasPrefix("lib") || name.hasPrefix("ld-") || name.hasPrefix("ld.so")) && name.contains(".so")
            && (path.hasPrefix("lib") || path.hasPrefix("usr/lib") || path.hasPrefix("usr/local/lib"))
    }

    /// The cache for the libraries among `files`, or `nil` where there are none.
    static func bytes(_ files: [File], architecture: String, isMerged: Bool) -> [UInt8]? {
        guard let target = target(architecture) else { return nil }
        let paths = Set(files.map(\.path))
        var entries: [(name: String, path: String)] = []
        var seen: Set<String> = []
        for directory in directories(target.triplet) {
            let place = isMerged && directory.hasPrefix("lib") ? "usr/" + directory : directory
            for file in files where ImagePath.parent(file.path) == place {
                guard let library = file.library, library.machine == target.machine,
                    paths.contains("\(place)/\(library.soname)")
                else { continue }
                let path = "/\(directory)/\(library.soname)"
                if seen.insert("\(place)/\(library.soname)").inserted { entries.append((library.soname, path)) }
            }
        }
        guard !entries.isEmpty else { return nil }
        // The linker searches by halves, from the greatest name to the smallest; of equal names the first directory's.
        let sorted = entries.enumerated().sorted {
            let order = compare(Array($0.element.name.utf8), Array($1.element.name.utf8))
            return order != 0 ? order > 0 : $0.offset < $1.offset
        }.map(\.element)
        return encode(sorted, flags: target.flags, isLittleEndian: target.machine.isLittleEndian)
    }

    /// In the order of Debian's /etc/ld.so.conf.d, and then the linker's own.
    private static func directories(_ triplet: String) -> [String] {
        [
            "usr/local/lib/\(triplet)", "lib/\(triplet)", "usr/lib/\(triplet)", "usr/local/lib", "lib", "usr/lib",
            "lib64",
            "usr/lib64",
        ]
    }

    private static func encode(_ entries: [(name: String, path: String)], flags: UInt32, isLittleEndian: Bool)
        -> [UInt8]
    {
        var strings: [UInt8] = []
        var table: [UInt8] = []
        let start = 48 + entries.count * 24
        func number(_ value: Int, _ count: Int = 4) -> [UInt8] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
            return isLittleEndian ? bytes : bytes.reversed()
        }
        for entry in entries {
            let path = start + strings.count
            // The name is the end of the path, as ldconfig shares them.
            let name = path + entry.path.utf8.count - entry.name.utf8.count
            strings += Array(entry.path.utf8) + [0]
            table += number(Int(flags)) + number(name) + number(path) + number(0) + number(0, 8)
        }
        var out = Array("glibc-ld.so.cache1.1".utf8)
        out += number(entries.count) + number(strings.count)
        // The byte order of the numbers: 2 for little, 3 for big; then padding, and no extensions.
        out += [isLittleEndian ? 2 : 3, 0, 0, 0] + number(0) + number(0) + number(0) + number(0)
        return out + table + strings
    }

    /// `_dl_cache_libcmp`: runs of digits by their value, everything else by bytes.
    static func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var i = 0
        var j = 0
        func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }
        func value(_ bytes: [UInt8], _ at: inout Int) -> Int {
            var value = 0
            while at < bytes.count, isDigit(bytes[at]) {
                value = value &* 10 &+ Int(bytes[at] - 0x30)
                at += 1
            }
            return value
        }
        while i < left.count {
            if isDigit(left[i]) {
                guard j < right.count, isDigit(right[j]) else { return 1 }
                let difference = value(left, &i) - value(right, &j)
                if difference != 0 { return difference }
            } else {
                if j < right.count, isDigit(right[j]) { return -1 }
                let other = j < right.count ? Int(right[j]) : 0
                if Int(left[i]) != other { return Int(left[i]) - other }
                i += 1
                j += 1
            }
        }
        return j < right.count ? -Int(right[j]) : 0
    }
}
