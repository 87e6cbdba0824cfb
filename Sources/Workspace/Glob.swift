/// A source pattern with the meaning that Leeway gives it (specs/build.md section 4.3).
///
/// Segments match as Go's `filepath.Match`; `**` stands for any number of segments. A pattern that is used up matches
/// every longer path: `src` and `src/*` both match `src/deep/b.go`.
struct Glob: Hashable, Sendable {
    enum Segment: Hashable, Sendable {
        case doubleStar
        /// No character has a special meaning.
        case literal([UInt8])
        /// `prefix*suffix`, by far the most common form.
        case affixes([UInt8], [UInt8])
        /// Anything else.
        case pattern(GlobSegment)
        /// Malformed: matches only a segment with the same text.
        case malformed([UInt8])
    }

    let text: String
    let segments: [Segment]

    /// Leading segments that have to match literally; a walk need look nowhere else.
    let literalPrefix: [[UInt8]]

    init(_ text: String) {
        self.text = text
        segments = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            Self.segment(Array($0))
        }
        var prefix: [[UInt8]] = []
        for case .literal(let name) in segments.prefix(while: { if case .literal = $0 { true } else { false } }) {
            prefix.append(name)
        }
        literalPrefix = prefix
    }

    /// Whether a segment of the pattern is malformed in the eyes of `filepath.Match`.
    var isMalformed: Bool { segments.contains { if case .malformed = $0 { true } else { false } } }

    private static func segment(_ text: [UInt8]) -> Segment {
        if text == Array("**".utf8) { return .doubleStar }
        let special = text.indices.filter { "*?[\\".utf8.contains(text[$0]) }
        guard let first = special.first else { return .literal(text) }
        if special.count == 1, text[first] == UInt8(ascii: "*") {
            return .affixes(Array(text[..<first]), Array(text[(first + 1)...]))
        }
        return GlobSegment(text).map { .pattern($0) } ?? .malformed(text)
    }

    /// Whether the pattern matches a path, given as its segments.
    func matches(_ path: some RandomAccessCollection<[UInt8]>) -> Bool {
        let path = Array(path)
        return matches(path[...], from: 0)
    }

    /// Whether the pattern matches a path with slashes.
    func matches(_ path: String) -> Bool {
        matches(path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Array($0) })
    }

    /// The rest of the pattern against the rest of the path.
    ///
    /// A segment needs the path to be as long as the segment's own number, whatever `**` before it took: a quirk that
    /// makes `**/**/x` not match `x`.
    func matches(_ path: ArraySlice<[UInt8]>, from start: Int) -> Bool {
        var taken = path.startIndex
        for index in start..<segments.count {
            guard index - start < path.count else { return false }
            let name = path[taken]
            switch segments[index] {
            case .doubleStar:
                if name == [0x2A, 0x2A] {
                    taken += 1
                    continue
                }
                if index == segments.count - 1 { return true }
                if case .doubleStar = segments[index + 1] { continue }
                return (taken..<path.endIndex).contains { matches(path[$0...], from: index + 1) }
            case .literal(let text), .malformed(let text):
                guard name == text else { return false }
            case .affixes(let prefix, let suffix):
                guard name.count >= prefix.count + suffix.count, name.starts(with: prefix),
                    name.suffix(suffix.count) == suffix[...]
                else { return false }
            case .pattern(let pattern):
                guard name == pattern.text || pattern.matches(name) else { return false }
            }
            taken += 1
        }
        return true
    }
}
