internal import Synchronization

/// Puts a prefix before every line of a program's output, and hands on whole lines only.
final class LinePrefixer: Sendable {
    /// A line that does not end is handed on in pieces of this size.
    private static let lineLimit = 64 << 10

    private let prefix: String
    private let show: @Sendable (String) -> Void
    /// The beginning of a line that has not ended. The lock is held while lines are shown, so that they stay in order.
    private let rest = Mutex<[UInt8]>([])

    init(prefix: String, show: @escaping @Sendable (String) -> Void) {
        self.prefix = prefix
        self.show = show
    }

    func take(_ bytes: [UInt8]) {
        rest.withLock { rest in
            rest += bytes
            var text = ""
            var line = rest[...]
            while let end = line.firstIndex(of: UInt8(ascii: "\n")) {
                text += prefix + String(decoding: line[..<end], as: UTF8.self) + "\n"
                line = line[(end + 1)...]
            }
            if line.count > Self.lineLimit {
                text += prefix + String(decoding: line, as: UTF8.self) + "\n"
                line = []
            }
            rest = Array(line)
            if !text.isEmpty { show(text) }
        }
    }

    /// Shows what is left.
    func finish() {
        rest.withLock { rest in
            if !rest.isEmpty { show(prefix + String(decoding: rest, as: UTF8.self) + "\n") }
            rest = []
        }
    }
}
