internal import Glibc
internal import SystemPackage

extension Terminal {
    /// Asks whoever sits at this process's terminal for a line, without showing what is typed.
    ///
    /// - Returns: the bytes without the line's end; `nil` where there is no terminal.
    /// - Throws: `CancellationError` at Control-C and at the end of input; `.tooLarge` for a line of more than 4096 bytes.
    package static func readSecret(_ prompt: String) throws -> [UInt8]? {
        guard let terminal = try? unsafe FileDescriptor.open("/dev/tty", .readWrite, options: .closeOnExec) else {
            return nil
        }
        defer { try? terminal.close() }
        var saved = termios()
        guard unsafe tcgetattr(terminal.rawValue, &saved) == 0 else { return nil }
        var silent = saved
        // Every key arrives as a byte at once, Control-C among them, so that nobody's terminal is left without an echo.
        silent.c_lflag &= ~tcflag_t(ECHO | ISIG | ICANON)
        unsafe withUnsafeMutableBytes(of: &silent.c_cc) { keys in
            unsafe keys[Int(VMIN)] = 1
            unsafe keys[Int(VTIME)] = 0
        }
        guard unsafe tcsetattr(terminal.rawValue, TCSAFLUSH, &silent) == 0 else { return nil }
        defer {
            unsafe tcsetattr(terminal.rawValue, TCSAFLUSH, &saved)
            _ = try? terminal.writeAll("\n".utf8)
        }
        _ = try terminal.writeAll(prompt.utf8)
        var line: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            let count = try unsafe withUnsafeMutableBytes(of: &byte) { try unsafe terminal.read(into: $0) }
            switch (count, byte) {
            case (1, UInt8(ascii: "\n")), (1, UInt8(ascii: "\r")): return line
            // Control-C, Control-D, Control-backslash.
            case (0, _), (1, 3), (1, 4), (1, 28): throw CancellationError()
            // Backspace takes back a character, of UTF-8 with all its bytes; Control-U everything.
            case (1, 8), (1, 127): while let last = line.popLast(), last & 0xC0 == 0x80 {}
            case (1, 21): line.removeAll()
            default: line.append(byte)
            }
            guard line.count <= 4096 else { throw HostError(.tooLarge, "the line is longer than 4096 bytes") }
        }
    }
}
