/// A program that signs with a key of its own, such as one in a key management service, by its reference
/// `exec:PROGRAM?key=NAME`.
///
/// The program is an absolute path, or a name that is looked for on the `PATH`. It is run without a shell.
package struct ExternalProgram: Hashable, Sendable {
    package let program: String
    /// Which of its keys is meant, in the program's own words; it is not secret.
    package let key: String?

    package static let scheme = "exec:"

    /// Reads a reference. `%` and two hexadecimal digits stand for a byte in both parts.
    package init(_ text: String) throws(KeyError) {
        guard text.hasPrefix(Self.scheme), text.utf8.count <= 4096 else {
            throw KeyError(.malformed, "a program that signs is named as exec:PROGRAM?key=NAME")
        }
        let parts = text.dropFirst(Self.scheme.count).split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        program = try Self.decoded(parts[0])
        guard !program.isEmpty, program.hasPrefix("/") || !program.contains("/") else {
            throw KeyError(
                .malformed, "exec: is followed by the absolute path of a program, or by a name that is on the PATH")
        }
        guard parts.count > 1 else {
            key = nil
            return
        }
        guard parts[1].hasPrefix("key="), !parts[1].contains("&") else {
            throw KeyError(.malformed, "exec:PROGRAM is followed by nothing, or by ?key=NAME with & written as %26")
        }
        key = try Self.decoded(parts[1].dropFirst("key=".count))
    }

    private static func decoded(_ text: Substring) throws(KeyError) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw KeyError(.malformed, "exec: has a '%' without two hexadecimal digits")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw KeyError(.malformed, "exec: names a program or a key that is not UTF-8 text")
        }
        return text
    }
}
