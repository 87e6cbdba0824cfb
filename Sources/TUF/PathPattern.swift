/// A shell pattern for target paths: `*`, `?` and `[...]` match within one component, never a slash.
struct PathPattern {
    private enum Element: Equatable {
        case star
        case any
        case one(Unicode.Scalar)
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)

        func matches(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .star: false
            case .any: true
            case .one(let own): own == scalar
            case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
            }
        }
    }

    private let components: [[Element]]

    init(_ text: String) { components = Self.split(text).map { Self.elements($0) } }

    /// Whether the whole of `path` matches.
    func matches(_ path: String) -> Bool {
        let parts = Self.split(path)
        return parts.count == components.count && zip(components, parts).allSatisfy { Self.matches($0, $1) }
    }

    private static func split(_ text: String) -> [[Unicode.Scalar]] {
        text.unicodeScalars.split(separator: "/", omittingEmptySubsequences: false).map { Array($0) }
    }

    /// One component, in time proportional to the product of both lengths: only the last star is tried again.
    private static func matches(_ pattern: [Element], _ name: [Unicode.Scalar]) -> Bool {
        var (at, read) = (0, 0)
        var retry: (at: Int, read: Int)?
        while read < name.count {
            if at < pattern.count, pattern[at] == .star {
                retry = (at, read)
                at += 1
            } else if at < pattern.count, pattern[at].matches(name[read]) {
                at += 1
                read += 1
            } else if let star = retry {
                retry = (star.at, star.read + 1)
                (at, read) = (star.at + 1, star.read + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == .star }
    }

    private static func elements(_ text: [Unicode.Scalar]) -> [Element] {
        var out: [Element] = []
        var at = 0
        // Behind the last closing bracket no set can begin; knowing it keeps the reading linear.
        let lastClose = text.lastIndex(of: "]") ?? -1
        while at < text.count {
            switch text[at] {
            case "*": out.append(.star)
            case "?": out.append(.any)
            case "[":
                if let (set, end) = set(text, at, lastClose) {
                    out.append(set)
                    at = end
                    continue
                }
                out.append(.one("["))
            case let scalar: out.append(.one(scalar))
            }
            at += 1
        }
        return out
    }

    /// The set that begins at `at`; `nil` where no bracket closes it, and it is a bracket and no more.
    private static func set(_ text: [Unicode.Scalar], _ at: Int, _ lastClose: Int) -> (Element, end: Int)? {
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        var index = at + 1
        let isNegated = index < text.count && text[index] == "!"
        if isNegated { index += 1 }
        let first = index
        while index <= lastClose {
            let low = text[index]
            if low == "]", index > first { return (.set(ranges, isNegated: isNegated), index + 1) }
            if index + 2 <= lastClose, text[index + 1] == "-", text[index + 2] != "]" {
                let high = text[index + 2]
                if low <= high { ranges.append(low...high) }
                index += 3
            } else {
                ranges.append(low...low)
                index += 1
            }
        }
        return nil
    }
}
