package import Bytes

/// Writes DER (X.690 section 10): the one place where certificates, requests and timestamps get their bytes from.
package enum DERWriting {
    /// Tag, length in as few bytes as it takes, and content.
    package static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        guard content.count >= 0x80 else { return [tag, UInt8(content.count)] + content }
        var length: [UInt8] = []
        var rest = content.count
        while rest > 0 {
            length.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        }
        return [tag, 0x80 | UInt8(length.count)] + length + content
    }

    package static func sequence(_ elements: [UInt8]...) -> [UInt8] { element(0x30, elements.flatMap(\.self)) }

    /// SET OF, in the order of the elements' bytes, as DER asks.
    package static func set(_ elements: [[UInt8]]) -> [UInt8] {
        element(0x31, elements.sorted { $0.lexicographicallyPrecedes($1) }.flatMap(\.self))
    }

    /// An integer from its big-endian bytes, taken as positive.
    package static func integer(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array(bytes.drop { $0 == 0 })
        let isNegative = digits.first.map { $0 & 0x80 != 0 } ?? false
        return element(0x02, digits.isEmpty ? [0] : (isNegative ? [0] : []) + digits)
    }

    package static func integer(_ value: UInt8) -> [UInt8] { integer([value]) }

    package static func octets(_ bytes: [UInt8]) -> [UInt8] { element(0x04, bytes) }

    package static func bits(_ bytes: [UInt8]) -> [UInt8] { element(0x03, [0] + bytes) }

    package static func boolean(_ value: Bool) -> [UInt8] { [0x01, 0x01, value ? 0xFF : 0x00] }

    package static let null: [UInt8] = [0x05, 0x00]

    package static func utf8(_ text: String) -> [UInt8] { element(0x0C, Array(text.utf8)) }

    /// An object identifier from its numbers.
    package static func identifier(_ numbers: UInt...) -> [UInt8] { identifier(numbers) }

    package static func identifier(_ numbers: [UInt]) -> [UInt8] {
        var content: [UInt8] = []
        for number in [numbers[0] * 40 + numbers[1]] + numbers[2...] {
            var digits = [UInt8(number & 0x7F)]
            var rest = number >> 7
            while rest > 0 {
                digits.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
                rest >>= 7
            }
            content += digits
        }
        return element(0x06, content)
    }

    /// An element of its own type inside the tag `[number]`.
    package static func explicit(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { element(0xA0 | number, content) }

    /// A moment to the second: UTCTime up to 2049, GeneralizedTime beyond (RFC 5280 section 4.1.2.5).
    package static func time(_ moment: Timestamp, isGeneralized: Bool = false) -> [UInt8] {
        // 2022-06-10T13:23:28[.18]Z
        let digits = moment.description.utf8.prefix(19).filter { 0x30...0x39 ~= $0 }
        guard isGeneralized || moment.seconds >= 2_524_608_000 else {
            return element(0x17, digits.dropFirst(2) + [0x5A])
        }
        return element(0x18, digits + [0x5A])
    }

    /// The AlgorithmIdentifier of a hash function.
    package static func algorithm(_ hash: HashAlgorithm) -> [UInt8] {
        let number: UInt =
            switch hash {
            case .sha256: 1
            case .sha384: 2
            case .sha512: 3
            }
        return sequence(identifier(2, 16, 840, 1, 101, 3, 4, 2, number))
    }
}
