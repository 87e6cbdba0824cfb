/// Base 16 as RFC 4648 section 8 has it, in lower case only.
package enum Hex {
    /// Two lower-case digits a byte.
    package static func encode(_ bytes: some Collection<UInt8>) -> String { encode(Array(bytes)) }

    /// Two lower-case digits a byte; not generic, for the many hashes of a workspace.
    package static func encode(_ bytes: [UInt8]) -> String {
        func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
        return unsafe String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            var place = 0
            for byte in bytes {
                unsafe buffer[place] = digit(byte >> 4)
                unsafe buffer[place + 1] = digit(byte & 15)
                place += 2
            }
            return place
        }
    }

    /// The bytes of an even number of lower-case digits; `nil` for anything else.
    ///
    /// Upper case is refused so that a digest has one spelling and can be compared as text.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let utf8 = text.utf8
        var out: [UInt8] = []
        out.reserveCapacity(utf8.count / 2)
        var high: UInt8?
        for character in utf8 {
            let value: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let first = high {
                out.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? out : nil
    }
}
