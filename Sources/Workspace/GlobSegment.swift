/// One segment of a pattern as Go's `filepath.Match` reads it: `*`, `?`, `[a-z]`, `[^a-z]` and `\` before a literal.
struct GlobSegment: Hashable, Sendable {
    private enum Part: Hashable, Sendable {
        case any
        case one
        case character(UInt32)
        case set([ClosedRange<UInt32>], isNegated: Bool)
    }

    let text: [UInt8]
    private let parts: [Part]

    /// `nil` when the pattern is malformed.
    init?(_ text: [UInt8]) {
        self.text = text
        var rest = Array(String(decoding: text, as: UTF8.self).unicodeScalars.map(\.value))[...]
        var parts: [Part] = []
        func character() -> UInt32? {
            guard var first = rest.first, first != 0x2D, first != 0x5D else { return nil }
            rest = rest.dropFirst()
            if first == 0x5C {
                guard let escaped = rest.first else { return nil }
                first = escaped
                rest = rest.dropFirst()
            }
            // Go wants the set to go on after each bound.
            return rest.isEmpty ? nil : first
        }
        while let next = rest.first {
            rest = rest.dropFirst()
            switch next {
            case UInt32(UInt8(ascii: "*")):
                if parts.last != .any { parts.append(.any) }
            case UInt32(UInt8(ascii: "?")): parts.append(.one)
            case 0x5C:
                guard let escaped = rest.first else { return nil }
                rest = rest.dropFirst()
                parts.append(.character(escaped))
            case UInt32(UInt8(ascii: "[")):
                var isNegated = false
                if rest.first == UInt32(UInt8(ascii: "^")) {
                    isNegated = true
                    rest = rest.dropFirst()
                }
                var ranges: [ClosedRange<UInt32>] = []
                while !(rest.first == 0x5D && !ranges.isEmpty) {
                    guard let low = character() else { return nil }
                    var high = low
                    if rest.first == 0x2D {
                        rest = rest.dropFirst()
                        guard let bound = character() else { return nil }
                        high = bound
                    }
                    // An upside-down range matches nothing.
                    ranges.append(low <= high ? low...high : 0x110000...0x110000)
                }
                rest = rest.dropFirst()
                parts.append(.set(ranges, isNegated: isNegated))
            default: parts.append(.character(next))
            }
        }
        self.parts = parts
    }

    /// Whether the whole of `name` matches; linear in its length times the number of stars.
    func matches(_ name: [UInt8]) -> Bool {
        let name = Array(String(decoding: name, as: UTF8.self).unicodeScalars.map(\.value))
        var part = 0
        var position = 0
        var star: (part: Int, position: Int)?
        while position < name.count {
            if part < parts.count, parts[part] == .any {
                star = (part, position)
                part += 1
            } else if part < parts.count, Self.accepts(parts[part], name[position]) {
                part += 1
                position += 1
            } else if let last = star {
                star = (last.part, last.position + 1)
                part = last.part + 1
                position = last.position + 1
            } else {
                return false
            }
        }
        return parts[part...].allSatisfy { $0 == .any }
    }

    private static func accepts(_ part: Part, _ character: UInt32) -> Bool {
        switch part {
        case .any: false
        case .one: true
        case .character(let wanted): wanted == character
        case .set(let ranges, let isNegated): ranges.contains { $0.contains(character) } != isNegated
        }
    }
}
