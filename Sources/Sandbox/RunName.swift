import CSandbox
import Host
import Synchronization
import SystemPackage

/// Names of what one run leaves on the machine while it lasts, by which the next martlet finds what a killed one left.
enum RunName {
    /// Process ids are those of a namespace, and others may be at work in the same directories.
    private static let prefix: String = {
        let namespace = (try? Files.readLink("/proc/self/ns/pid")) ?? ""
        return "martlet-run-\(namespace.filter(\.isNumber))-"
    }()
    /// Guards nothing but itself.
    private static let counter = Atomic<Int>(0)

    static func next() -> String {
        "\(prefix)\(Machine.processID)-\(counter.add(1, ordering: .relaxed).newValue)"
    }

    /// Whether the name is of a run whose martlet is gone.
    static func isStale(_ name: String) -> Bool {
        guard name.hasPrefix(prefix), let pid = name.dropFirst(prefix.count).split(separator: "-").first,
            let pid = Int32(pid), pid > 0
        else { return false }
        return csandbox_process_exists(pid) == 0
    }
}
