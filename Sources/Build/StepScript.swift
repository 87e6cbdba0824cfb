internal import Bytes

/// The commands of a step as one program, so that a step is one action and one sandbox.
///
/// A single command is itself. Several become a shell script that holds each one quoted, so that no word of theirs is
/// taken for shell syntax, and that ends at the first that fails. The script is a file because one argument may have
/// at most 128 KiB.
struct StepScript {
    /// Where the script is in the step's file tree.
    static let path = "/martlet/step.sh"

    let content: [UInt8]

    /// `nil` when there is at most one command.
    init?(_ commands: [[String]]) {
        guard commands.count > 1 else { return nil }
        var text = "set -e\n"
        for command in commands where !command.isEmpty {
            text += command.map(Self.quote).joined(separator: " ") + "\n"
        }
        content = Array(text.utf8)
    }

    /// The argument vector that runs `commands`.
    static func arguments(for commands: [[String]]) -> [String] {
        let commands = commands.filter { !$0.isEmpty }
        switch commands.count {
        case 0: return ["true"]
        case 1: return commands[0]
        default: return ["/bin/sh", path]
        }
    }

    /// POSIX shell quoting: everything between single quotes is itself.
    static func quote(_ word: String) -> String {
        if !word.isEmpty, word.utf8.allSatisfy(isPlain) { return word }
        return "'" + word.replacing("'", with: "'\\''") + "'"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "/"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
