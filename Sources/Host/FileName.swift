internal import Bytes
internal import SystemPackage

/// What file names martlet accepts.
package enum FileName {
    /// The text of a name's bytes. martlet's trees, keys and archives hold UTF-8 names only, so any other is an error
    /// that shows it with its odd bytes escaped.
    static func text(_ name: Span<UInt8>, in directory: FilePath) throws -> String {
        let text = unsafe name.withUnsafeBufferPointer { unsafe String(validating: $0, as: UTF8.self) }
        guard let text else {
            let escaped = escape(bytes(name))
            throw HostError(
                .input, "holds the name '\(escaped)', which is not UTF-8; rename or exclude that file", path: directory)
        }
        return text
    }

    /// Whether a name's bytes are UTF-8.
    static func isText(_ name: [UInt8]) -> Bool {
        name.allSatisfy { $0 < 0x80 } || String(validating: name, as: UTF8.self) != nil
    }

    static func bytes(_ name: Span<UInt8>) -> [UInt8] { unsafe name.withUnsafeBufferPointer { unsafe Array($0) } }

    /// `bytes` for a message: printable ASCII as it is, anything else as `\xNN`.
    package static func escape(_ bytes: [UInt8]) -> String {
        var out = ""
        for byte in bytes {
            if byte >= 0x20, byte < 0x7f, byte != 0x5c {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                out += "\\x" + Hex.encode([byte])
            }
        }
        return out
    }
}
