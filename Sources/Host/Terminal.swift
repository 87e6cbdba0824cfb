internal import CHost
package import SystemPackage

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// A file descriptor that people may be looking at.
package struct Terminal: Sendable {
    /// Where text goes.
    package var descriptor: FileDescriptor

    package init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Whether the descriptor is a terminal rather than a file or a pipe.
    package var isTerminal: Bool { isatty(descriptor.rawValue) == 1 }

    /// The columns and rows, asked anew at each call because people resize windows. `nil` when it is no terminal or
    /// doesn't know its size.
    package var size: (columns: Int, rows: Int)? {
        var columns: Int32 = 0
        var rows: Int32 = 0
        guard unsafe martlet_terminal_size(descriptor.rawValue, &columns, &rows) == 0, columns > 0, rows > 0 else {
            return nil
        }
        return (Int(columns), Int(rows))
    }

    /// Writes all of `text`, waiting while the reader is busy, also where someone else made the descriptor
    /// non-blocking.
    package func write(_ text: String) throws(HostError) { try write(bytes: Array(text.utf8)) }

    /// Writes all of `bytes`, as `write` does.
    package func write(bytes: [UInt8]) throws(HostError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            do {
                let count = try unsafe rest.withUnsafeBytes { try unsafe descriptor.write($0) }
                rest = rest.dropFirst(count)
            } catch Errno.resourceTemporarilyUnavailable {
                var wait = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
                unsafe poll(&wait, 1, 1000)
            } catch let error as Errno {
                throw HostError(.system, "can't write to it: \(error)", errorNumber: error.rawValue)
            } catch {
                throw HostError(.system, "can't write to it: \(error)")
            }
        }
    }
}
