internal import Glibc
internal import Synchronization
package import SystemPackage

/// The variables that this process was started with.
package enum ProcessEnvironment {
    private static let byteLimit = 16 << 20

    /// All of them. Of two with one name the first counts; one that is not UTF-8 is left out.
    package static var variables: [String: String] {
        let names = withheld.withLock { $0 }
        return names.isEmpty ? all : all.filter { !names.contains($0.key) }
    }

    /// Names that `variables` leaves out. The lock guards that.
    private static let withheld = Mutex<Set<String>>([])

    /// Takes variables away from everything that this process does and starts from now on, because they hold secrets
    /// that whoever needed them has. To be called before other work has begun: the C library's environment changes.
    package static func withhold(_ names: some Sequence<String>) {
        withheld.withLock { $0.formUnion(names) }
        for name in names { unsafe unsetenv(name) }
    }

    private static let all: [String: String] = {
        guard let bytes = try? Files.read("/proc/self/environ", limit: byteLimit) else { return [:] }
        var variables: [String: String] = [:]
        for entry in bytes.split(separator: 0) {
            guard let equals = entry.firstIndex(of: UInt8(ascii: "=")),
                let name = String(validating: entry[..<equals], as: UTF8.self),
                let value = String(validating: entry[(equals + 1)...], as: UTF8.self), variables[name] == nil
            else { continue }
            variables[name] = value
        }
        return variables
    }()

    /// The directory that this process was started in.
    package static var directory: FilePath {
        get throws {
            guard let path = ToolPath.resolve("/proc/self/cwd") else {
                throw HostError(.notFound, "the current directory is gone; go to one that exists")
            }
            return path
        }
    }
}
