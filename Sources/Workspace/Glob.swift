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

        /// Whether it matches one segment of a path.
        func matches(_ name: [UInt8]) -> Bool {
            switch self {
            case .doubleStar: true
            case .literal(let text), .malformed(let text): name == text
            case .affixes(let prefix, let suffix):
                name.count >= prefix.count + suffix.count && name.starts(with: prefix)
                    && name.suffix(suffix.count) == suffix[...]
            case .pattern(let pattern): name == pattern.text || pattern.matches(name)
            }
        }
    }

    /// The name that a path's segment has when it is two stars.
    static let doubleStar = Array("**".utf8)

    let text: String
    let segments: [Segment]

    /// How many segments are `**`.
    private let doubleStarCount: Int

    /// Leading segments that have to match literally; a walk need look nowhere else.
    let literalPrefix: [[UInt8]]

    /// What follows when the pattern is `**/` and one segment: one that any segment of a path may match, unless the
    /// path's first is `**` itself.
    let anySegment: Segment?

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
        anySegment =
            segments.count == 2 && segments[0] == .doubleStar && segments[1] != .doubleStar ? segments[1] : nil
        doubleStarCount = segments.reduce(0) { if case .doubleStar = $1 { $0 + 1 } else { $0 } }
    }

    /// Whether a segment of the pattern is malformed in the eyes of `filepath.Match`.
    var isMalformed: Bool { segments.contains { if case .malformed = $0 { true } else { false } } }

    private static func segment(_ text: [UInt8]) -> Segment {
        if text == doubleStar { return .doubleStar }
        let special = text.indices.filter { "*?[\\".utf8.contains(text[$0]) }
        guard let first = special.first else { return .literal(text) }
        if special.count == 1, text[first] == UInt8(ascii: "*") {
            return .affixes(Array(text[..<first]), Array(text[(first + 1)...]))
        }
        return GlobSegment(text).map { .pattern($0) } ?? .malformed(text)
    }

    /// A path as its segments: those of its directory after the first `skipped`, and its name.
    struct Path {
        let directory: [[UInt8]]
        let skipped: Int
        let name: [UInt8]

        var count: Int { directory.count - skipped + 1 }

        subscript(index: Int) -> [UInt8] {
            index + skipped < directory.count ? directory[index + skipped] : name
        }
    }

    /// Whether the pattern matches a path.
    func matches(_ path: Path) -> Bool {
        // What the rest of a pattern says of the rest of a path is asked again and again when there are several `**`:
        // remembered, many of them take time by their number and not by its power. Two are faster without.
        var failed: Set<[Int]>? = doubleStarCount > 2 ? [] : nil
        return matches(path, at: 0, from: 0, &failed)
    }

    /// Whether the pattern matches a path with slashes.
    func matches(_ path: String) -> Bool {
        var segments = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Array($0) }
        let name = segments.removeLast()
        return matches(Path(directory: segments, skipped: 0, name: name))
    }

    /// The rest of the pattern against the rest of the path.
    ///
    /// A segment needs the path to be as long as the segment's own number, whatever `**` before it took: a quirk that
    /// makes `**/**/x` not match `x`.
    private func matches(_ path: Path, at begin: Int, from start: Int, _ failed: inout Set<[Int]>?) -> Bool {
        if failed?.contains([begin, start]) == true { return false }
        let isMatch = compare(path, at: begin, from: start, &failed)
        if !isMatch { failed?.insert([begin, start]) }
        return isMatch
    }

    private func compare(_ path: Path, at begin: Int, from start: Int, _ failed: inout Set<[Int]>?) -> Bool {
        var taken = begin
        for index in start..<segments.count {
            guard index - start < path.count - begin else { return false }
            switch segments[index] {
            case .doubleStar:
                if path[taken] == Self.doubleStar {
                    taken += 1
                    continue
                }
                if index == segments.count - 1 { return true }
                if case .doubleStar = segments[index + 1] { continue }
                for place in taken..<path.count where matches(path, at: place, from: index + 1, &failed) { return true }
                return false
            case let segment:
                guard segment.matches(path[taken]) else { return false }
            }
            taken += 1
        }
        return true
    }
}
