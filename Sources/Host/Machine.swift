internal import CHost
internal import Glibc

/// What machine this is.
package enum Machine {
    /// The processors that this process may use, at least 1.
    package static let processorCount = max(1, Int(martlet_processor_count()))

    /// The host's name as the kernel has it.
    package static var hostname: String { field(\.nodename) }

    /// The kernel's release, for instance `6.1.0-18-amd64`.
    package static var kernelRelease: String { field(\.release) }

    /// The operating system in Go's words (`GOOS`).
    package static let operatingSystem = "linux"

    /// The architecture in Go's words (`GOARCH`), which Leeway and OCI use: `amd64`, `arm64`.
    package static let architecture: String = {
        switch field(\.machine) {
        case "x86_64": "amd64"
        case "aarch64": "arm64"
        case "armv7l", "armv6l": "arm"
        case "i386", "i686": "386"
        case let other: other
        }
    }()

    /// The user that file access is checked for.
    package static var effectiveUserID: UInt32 { geteuid() }

    /// The group that file access is checked for.
    package static var effectiveGroupID: UInt32 { getegid() }

    /// The id of this process.
    package static var processID: Int32 { getpid() }

    private static func field<Tuple>(_ key: KeyPath<utsname, Tuple>) -> String {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return "" }
        var value = name[keyPath: key]
        return unsafe withUnsafeBytes(of: &value) { buffer in
            unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
