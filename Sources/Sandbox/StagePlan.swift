import CSandbox

/// What the stage inside the walls does: the filter, the limits and the command, as bytes that stage.c reads.
struct StagePlan {
    /// A resource limit, by its number in <sys/resource.h> (the same on x86_64 and aarch64).
    struct Limit: Hashable {
        var resource: UInt32
        var value: UInt64

        static func fileSize(_ bytes: Int) -> Limit { Limit(resource: 1, value: UInt64(max(0, bytes))) }
        static func data(_ bytes: Int) -> Limit { Limit(resource: 2, value: UInt64(max(0, bytes))) }
        static let noCoreFiles = Limit(resource: 4, value: 0)
        static func processes(_ count: Int) -> Limit { Limit(resource: 6, value: UInt64(max(0, count))) }
        /// Those of every step.
        static func standard(_ limits: SandboxRequest.Limits) -> [Limit] {
            [.fileSize(limits.fileSize), noCoreFiles, openFiles, lockedMemory, messageQueues]
        }

        static let openFiles = Limit(resource: 7, value: 65536)
        static let lockedMemory = Limit(resource: 8, value: 8 << 20)
        static let messageQueues = Limit(resource: 12, value: 1 << 20)
    }

    var command: [String]
    var environment: [String: String]
    var workingDirectory: String
    var limits: [Limit]
    var filter: FilterProgram?
    var notifies: Bool
    /// Whether the stage itself must collect orphans, as outside of a process namespace.
    var collectsOrphans: Bool

    var bytes: [UInt8] {
        var words = [UInt32](repeating: 0, count: Int(CSANDBOX_PLAN_WORDS))
        var tail: [UInt8] = []
        let start = words.count * 4
        func here() -> UInt32 { UInt32(start + tail.count) }
        func add(_ text: String) {
            tail.append(contentsOf: text.utf8)
            tail.append(0)
        }
        words[0] = UInt32(CSANDBOX_PLAN_MAGIC)
        words[Int(CSANDBOX_PLAN_FILTER)] = here()
        words[Int(CSANDBOX_PLAN_FILTER_COUNT)] = UInt32(filter?.instructions.count ?? 0)
        if let filter { tail += filter.bytes }
        words[Int(CSANDBOX_PLAN_LIMITS)] = here()
        words[Int(CSANDBOX_PLAN_LIMIT_COUNT)] = UInt32(limits.count)
        for limit in limits {
            for word in [
                limit.resource, UInt32(truncatingIfNeeded: limit.value), UInt32(truncatingIfNeeded: limit.value >> 32),
            ] {
                tail += Self.littleEndian(word)
            }
        }
        words[Int(CSANDBOX_PLAN_ARGUMENTS)] = here()
        words[Int(CSANDBOX_PLAN_ARGUMENT_COUNT)] = UInt32(command.count)
        for argument in command { add(argument) }
        words[Int(CSANDBOX_PLAN_ENVIRONMENT)] = here()
        words[Int(CSANDBOX_PLAN_ENVIRONMENT_COUNT)] = UInt32(environment.count)
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) { add("\(name)=\(value)") }
        words[Int(CSANDBOX_PLAN_DIRECTORY)] = here()
        add(workingDirectory)
        words[Int(CSANDBOX_PLAN_SEARCH)] = here()
        add(environment["PATH"] ?? "/usr/bin:/bin")
        words[Int(CSANDBOX_PLAN_FLAGS)] =
            (notifies && filter != nil ? UInt32(CSANDBOX_PLAN_NOTIFY) : 0)
            | (collectsOrphans ? UInt32(CSANDBOX_PLAN_COLLECT) : 0)
        return words.flatMap(Self.littleEndian) + tail
    }

    private static func littleEndian(_ word: UInt32) -> [UInt8] {
        [UInt8(word & 0xFF), UInt8(word >> 8 & 0xFF), UInt8(word >> 16 & 0xFF), UInt8(word >> 24)]
    }
}
