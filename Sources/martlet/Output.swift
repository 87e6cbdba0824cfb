internal import Bytes
internal import Host
internal import SystemPackage

/// What a command answers, on standard output.
enum Output {
    /// Prints text as it is, line feeds included. A closed pipe ends the program's output, not the program.
    static func write(_ text: String) { try? Terminal(.standardOutput).write(text) }

    /// Prints bytes as they are. A closed pipe is an error: whoever reads must not take a part for the whole.
    static func write(bytes: [UInt8]) throws { try Terminal(.standardOutput).write(bytes: bytes) }

    /// Prints the content of a file.
    static func write(file path: FilePath) throws {
        let file = try OpenFile(reading: path)
        while true {
            let piece = try file.read(1 << 20)
            if piece.isEmpty { return }
            try write(bytes: piece)
        }
    }

    /// Prints a JSON document.
    static func write(_ json: JSON) { write(json.text(indented: true) + "\n") }
}
