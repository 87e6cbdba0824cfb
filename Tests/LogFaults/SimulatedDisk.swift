internal import Host
internal import Synchronization
package import TileLog

/// A disk in memory that keeps only what it promised.
///
/// What was written and not synchronised may survive a crash sector by sector, in any order; so may names and sizes. A
/// sync that fails throws the unwritten away and goes on showing it, as Linux does.
package final class SimulatedDisk: LogStorage {
    package static let sectorByteCount = 512

    private enum Change: Sendable {
        case write([UInt8], offset: Int)
        case resize(Int)
    }

    private struct Node: Sendable {
        var durable: [UInt8] = []
        /// What reads see.
        var current: [UInt8] = []
        var pending: [Change] = []
    }

    private struct State: Sendable {
        var nodes: [Node] = []
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var capacity = Int.max
        /// The sync that fails, counted down.
        var syncsUntilFailure: Int?
    }

    /// Guards the disk's content alone.
    private let state: Mutex<State>
    /// Called before each change, while the disk is as a crash would find it; with the change itself under way.
    private let beforeChange: Mutex<(@Sendable (SimulatedDisk) throws -> Void)?> = Mutex(nil)

    package init() { state = Mutex(State()) }

    private init(_ nodes: [Node], _ names: [String: Int]) {
        state = Mutex(State(nodes: nodes, names: names, durableNames: names))
    }

    /// Calls `body` before each change.
    package func observe(_ body: (@Sendable (SimulatedDisk) throws -> Void)?) { beforeChange.withLock { $0 = body } }

    /// Lets the disk hold this many bytes.
    package func limit(to byteCount: Int) { state.withLock { $0.capacity = byteCount } }

    /// Lets the sync after `count` others fail.
    package func failSync(after count: Int) { state.withLock { $0.syncsUntilFailure = count } }

    /// All files' names.
    package var fileNames: [String] { state.withLock { $0.names.keys.sorted() } }

    /// What a file shows; `nil` where it is absent.
    package func content(_ name: String) -> [UInt8]? {
        state.withLock { s in s.names[name].map { s.nodes[$0].current } }
    }

    /// Changes a file behind everybody's back.
    package func damage(_ name: String, _ body: (inout [UInt8]) -> Void) {
        state.withLock { state in
            guard let node = state.names[name] else { return }
            body(&state.nodes[node].current)
            state.nodes[node].durable = state.nodes[node].current
        }
    }

    /// The disk as it may be found after a loss of power now.
    package func crashed(_ choices: some Choices) -> SimulatedDisk {
        let (nodes, names, durableNames) = state.withLock { ($0.nodes, $0.names, $0.durableNames) }
        var survivors: [Node] = []
        for node in nodes {
            var bytes = node.durable
            for change in node.pending { Self.apply(change, to: &bytes, choices) }
            survivors.append(Node(durable: bytes, current: bytes))
        }
        var kept = durableNames
        for name in names.keys.sorted() where durableNames[name] != names[name] {
            if choices.choose(2) == 1 { kept[name] = names[name] }
        }
        return SimulatedDisk(survivors, kept)
    }

    /// The disk after the process ended and the system did not: everything that was written is there.
    package func restarted() -> SimulatedDisk {
        let (nodes, names, durableNames) = state.withLock { ($0.nodes, $0.names, $0.durableNames) }
        let disk = SimulatedDisk(nodes, names)
        disk.state.withLock { $0.durableNames = durableNames }
        return disk
    }

    private static func apply(_ change: Change, to bytes: inout [UInt8], _ choices: some Choices) {
        switch change {
        case .resize(let size): if choices.choose(2) == 1 { resize(&bytes, size) }
        case .write(let content, let offset):
            let count = (content.count + sectorByteCount - 1) / sectorByteCount
            let keeps: (Int) -> Bool
            if count <= 4 {
                let mask = choices.choose(1 << count)
                keeps = { mask >> $0 & 1 == 1 }
            } else {
                // None, all, the first, the last, all but one: what controllers do with long writes.
                let (kind, place) = (choices.choose(5), choices.choose(count))
                keeps = { sector in
                    switch kind {
                    case 0: false
                    case 1: true
                    case 2: sector <= place
                    case 3: sector >= place
                    default: sector != place
                    }
                }
            }
            for sector in 0..<count where keeps(sector) {
                let start = sector * sectorByteCount
                write(content[start..<min(start + sectorByteCount, content.count)], to: &bytes, offset + start)
            }
        }
    }

    private static func resize(_ bytes: inout [UInt8], _ size: Int) {
        if size < bytes.count {
            bytes.removeLast(bytes.count - size)
        } else {
            bytes += [UInt8](repeating: 0, count: size - bytes.count)
        }
    }

    private static func write(_ content: ArraySlice<UInt8>, to bytes: inout [UInt8], _ offset: Int) {
        if bytes.count < offset + content.count { resize(&bytes, offset + content.count) }
        bytes.replaceSubrange(offset..<(offset + content.count), with: content)
    }

    private func willChange() throws { try beforeChange.withLock { $0 }?(self) }
}

// MARK: - LogStorage

extension SimulatedDisk {
    package func makeDirectory(_ name: String) throws { try willChange() }

    package func list(_ directory: String) throws -> [String] {
        let prefix = directory.isEmpty ? "" : directory + "/"
        return Set(
            fileNames.filter { $0.hasPrefix(prefix) }
                .map { String($0.dropFirst(prefix.count).prefix { $0 != "/" }) }
        ).sorted()
    }

    package func open(_ name: String) throws -> (any LogFile)? {
        state.withLock { $0.names[name] }.map { File(disk: self, node: $0) }
    }

    package func create(_ name: String) throws -> any LogFile {
        try willChange()
        return try state.withLock { state in
            guard state.names[name] == nil else { throw HostError(.system, "\(name) exists already") }
            state.nodes.append(Node())
            state.names[name] = state.nodes.count - 1
            return File(disk: self, node: state.nodes.count - 1)
        }
    }

    package func replace(_ name: String, with bytes: [UInt8]) throws {
        try willChange()
        state.withLock { state in
            state.nodes.append(Node(durable: bytes, current: bytes))
            state.names[name] = state.nodes.count - 1
        }
        try willChange()
        state.withLock { $0.durableNames[name] = $0.names[name] }
    }

    package func remove(_ name: String) throws {
        try willChange()
        state.withLock { $0.names[name] = nil }
    }

    package func synchronizeNames(in directory: String) throws {
        try willChange()
        state.withLock { state in
            for (name, node) in state.names where name.hasPrefix(directory.isEmpty ? "" : directory + "/") {
                state.durableNames[name] = node
            }
        }
    }

    package func freeByteCount() throws -> UInt64 {
        state.withLock { UInt64(max(0, $0.capacity - $0.nodes.reduce(0) { $0 + $1.current.count })) }
    }

    package func unlock() {}

    private struct File: LogFile {
        let disk: SimulatedDisk
        let node: Int

        func size() throws -> Int { disk.state.withLock { $0.nodes[node].current.count } }

        func read(_ count: Int, at offset: Int) throws -> [UInt8] {
            disk.state.withLock { state in
                let bytes = state.nodes[node].current
                let start = min(offset, bytes.count)
                return Array(bytes[start..<min(start + count, bytes.count)])
            }
        }

        func write(_ bytes: [UInt8], at offset: Int) throws {
            let room = disk.state.withLock { state in
                state.capacity == .max
                    ? .max
                    : state.capacity - state.nodes.reduce(0) { $0 + $1.current.count } + state.nodes[node].current.count
            }
            // A full disk takes what fits.
            let fitting = offset + bytes.count <= room ? bytes : Array(bytes.prefix(max(0, room - offset)))
            disk.state.withLock { state in
                state.nodes[node].pending.append(.write(fitting, offset: offset))
                SimulatedDisk.write(fitting[...], to: &state.nodes[node].current, offset)
            }
            try disk.willChange()
            if fitting.count < bytes.count { throw HostError(.noSpace, "the simulated disk is full") }
        }

        func resize(to size: Int) throws {
            disk.state.withLock { state in
                state.nodes[node].pending.append(.resize(size))
                SimulatedDisk.resize(&state.nodes[node].current, size)
            }
            try disk.willChange()
        }

        func synchronize() throws {
            try disk.willChange()
            let isFailing = disk.state.withLock { state in
                guard let left = state.syncsUntilFailure else { return false }
                state.syncsUntilFailure = left == 0 ? nil : left - 1
                return left == 0
            }
            disk.state.withLock { state in
                if !isFailing { state.nodes[node].durable = state.nodes[node].current }
                state.nodes[node].pending = []
            }
            if isFailing { throw HostError(.system, "the simulated disk failed to write") }
        }

        func dropCached() {
            disk.state.withLock { state in
                guard state.nodes[node].pending.isEmpty else { return }
                state.nodes[node].current = state.nodes[node].durable
            }
        }
    }
}
