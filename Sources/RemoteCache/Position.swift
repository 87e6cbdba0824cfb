internal import Host
internal import Synchronization

/// How far a file has been read that is opened anew for each piece: a value that may wait in a stream for long holds no
/// descriptor.
final class Position: Sendable {
    /// Guards the offset. Nothing else is locked while it is held.
    private let offset = Mutex(0)

    /// The next bytes, at most `count`; `nil` at the end.
    func read(_ count: Int, _ open: () throws -> OpenFile) throws -> [UInt8]? {
        try offset.withLock { offset in
            let file = try open()
            try file.seek(to: offset)
            let bytes = try file.read(count)
            offset += bytes.count
            return bytes.isEmpty ? nil : bytes
        }
    }

    /// Whether nobody has asked before.
    func isFirst() -> Bool {
        offset.withLock { offset in
            defer { offset = 1 }
            return offset == 0
        }
    }
}
