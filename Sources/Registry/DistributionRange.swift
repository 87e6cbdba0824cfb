/// Which bytes of a blob are asked for (RFC 9110 section 14), and which an upload brings (distribution-spec).
package enum DistributionRange: Hashable, Sendable {
    case whole
    case part(Range<Int>)
    case unsatisfiable

    /// Reads a `Range` field for a blob of `size` bytes. Several ranges, and what is no range, ask for the whole, as the
    /// standard lets a server answer.
    package init(_ field: String?, size: Int) {
        guard let field, field.lowercased().hasPrefix("bytes=") else {
            self = .whole
            return
        }
        let text = field.dropFirst("bytes=".count)
        let sides = text.split(separator: "-", omittingEmptySubsequences: false)
        guard sides.count == 2, !text.contains(",") else {
            self = .whole
            return
        }
        switch (Self.number(sides[0]), Self.number(sides[1])) {
        case (let first?, let last?):
            // The suite has a backward range refused; the standard would ignore it.
            self = first <= last && first < size ? .part(first..<min(last, size - 1) + 1) : .unsatisfiable
        case (let first?, nil) where sides[1].isEmpty:
            self = first < size ? .part(first..<size) : .unsatisfiable
        case (nil, let count?) where sides[0].isEmpty:
            self = count > 0 && size > 0 ? .part(max(0, size - count)..<size) : .unsatisfiable
        default: self = .whole
        }
    }

    /// Reads a `Content-Range` field of an upload: `FIRST-LAST`, also with the `bytes ` and total of RFC 9110.
    package static func upload(_ field: String) -> ClosedRange<Int>? {
        var text = field[...]
        if text.hasPrefix("bytes ") { text = text.dropFirst("bytes ".count) }
        text = text.prefix { $0 != "/" }
        let sides = text.split(separator: "-", omittingEmptySubsequences: false)
        guard sides.count == 2, let first = number(sides[0]), let last = number(sides[1]), first <= last else {
            return nil
        }
        return first...last
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int(text)
    }
}
