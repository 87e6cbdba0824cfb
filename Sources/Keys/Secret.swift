/// A passphrase, a PIN or the bytes of a private key: never printed, logged or compared.
///
/// The bytes are not overwritten at the end, for Swift promises nothing about copies; a process that holds a key for
/// longer keeps its memory from others instead.
package struct Secret: Sendable {
    /// The bytes themselves, for whoever opens or writes a key.
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) {
        self.init(Array(text.utf8))
    }

    /// The content of a file that holds a secret: one line end at its end is the editor's and not part of it.
    package init(fileContent bytes: [UInt8]) {
        var bytes = bytes
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        self.init(bytes)
    }

    /// What a key derivation function takes. HMAC fills keys up with zeros, so one zero gives what no byte gives; the
    /// library's functions can't take an empty sequence.
    var derivable: [UInt8] { bytes.isEmpty ? [0] : bytes }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
