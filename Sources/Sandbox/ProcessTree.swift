import Host
import SystemPackage

/// The processes that descend from one.
enum ProcessTree {
    struct Process: Hashable {
        var id: Int32
        var threads: Int
        /// Resident bytes of its own, shared files not counted.
        var memory: Int
    }

    private static let limit = 100_000

    /// Everything below `root`, without it.
    static func below(_ root: Int32) -> [Process] {
        var found: [Process] = []
        var waiting = children(root)
        while let id = waiting.popLast(), found.count < limit {
            found.append(process(id))
            waiting += children(id)
        }
        return found
    }

    private static func children(_ id: Int32) -> [Int32] {
        let tasks = FilePath("/proc/\(id)/task")
        return ((try? Files.list(tasks)) ?? []).flatMap { task -> [Int32] in
            let text = (try? Files.readText(tasks.appending(task).appending("children"), limit: 1 << 22)) ?? ""
            return text.split { $0 == " " || $0 == "\n" }.compactMap { Int32($0) }
        }
    }

    private static func process(_ id: Int32) -> Process {
        var process = Process(id: id, threads: 1, memory: 0)
        let text = (try? Files.readText(FilePath("/proc/\(id)/status"), limit: 1 << 16)) ?? ""
        for line in text.split(separator: "\n") {
            let fields = line.split { $0 == " " || $0 == "\t" }
            guard fields.count >= 2, let value = Int(fields[1]) else { continue }
            switch fields[0] {
            case "Threads:": process.threads = value
            case "RssAnon:", "RssShmem:": process.memory += value << 10
            default: break
            }
        }
        return process
    }
}
