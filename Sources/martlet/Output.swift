internal import Bytes
internal import Host
internal import SystemPackage

/// What a command answers, on standard output.
enum Output {
    /// Prints text as it is, line feeds included. A closed pipe ends the program's output, not the program.
    static func write(_ text: String) { try? Terminal(.standardOutput).write(text) }

    /// Prints a JSON document.
    static func write(_ json: JSON) { write(json.text(indented: true) + "\n") }
}
