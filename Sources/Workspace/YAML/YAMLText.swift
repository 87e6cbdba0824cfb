/// A YAML text addressed by character, as libyaml's marks count it.
struct YAMLText {
    private let bytes: [UInt8]
    /// The byte offset of each character; `nil` when all are ASCII.
    private let offsets: [Int]?
    /// The number of characters.
    let count: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.allSatisfy({ $0 < 0x80 }) {
            offsets = nil
            count = bytes.count
        } else {
            let starts = bytes.indices.filter { bytes[$0] & 0xC0 != 0x80 }
            offsets = starts
            count = starts.count
        }
    }

    private func offset(_ index: Int) -> Int {
        guard let offsets else { return index }
        return index < offsets.count ? offsets[index] : bytes.count
    }

    /// The first byte of the character, or 0 past the end.
    subscript(index: Int) -> UInt8 {
        let offset = offset(index)
        return index < count ? bytes[offset] : 0
    }

    func isBlank(_ index: Int) -> Bool {
        let byte = self[index]
        return byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    /// Carriage return, line feed, next line, line separator and paragraph separator.
    func isBreak(_ index: Int) -> Bool {
        switch self[index] {
        case 0x0A, 0x0D: return index < count
        case 0xC2: return bytes[offset(index) + 1] == 0x85
        case 0xE2:
            let start = offset(index)
            return bytes[start + 1] == 0x80 && (bytes[start + 2] == 0xA8 || bytes[start + 2] == 0xA9)
        default: return false
        }
    }

    func isBreakOrEnd(_ index: Int) -> Bool { self[index] == 0 || isBreak(index) }

    /// The number of characters of the break at `index`: 2 for carriage return and line feed.
    func breakWidth(_ index: Int) -> Int { self[index] == 0x0D && self[index + 1] == 0x0A ? 2 : 1 }

    func string(_ start: Int, _ end: Int) -> String {
        String(decoding: bytes[offset(start)..<offset(end)], as: UTF8.self)
    }

    /// The number of line breaks between `index` and the last character before it that is not blank.
    func newlines(before index: Int) -> Int {
        var position = index
        var count = 0
        while position > 0 {
            if isBlank(position - 1) {
                position -= 1
            } else if isBreak(position - 1) {
                count += 1
                position -= position > 1 && self[position - 1] == 0x0A && self[position - 2] == 0x0D ? 2 : 1
            } else {
                break
            }
        }
        return count
    }
}
