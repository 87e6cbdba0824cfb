internal import Bytes

/// A regular expression in the syntax of RE2, matched in time linear in the text.
///
/// Texts come from whoever wants to be admitted; an engine that goes back could be kept busy for hours by one of them.
package struct RegularExpression: Sendable {
    /// The pattern as it was written.
    package let pattern: String
    private let program: [RegularExpressionInstruction]

    /// How many instructions the pattern became, which is what each character of a text may cost.
    var size: Int { program.count }

    /// How many instructions a pattern may become.
    static let instructionLimit = 20_000

    package init(_ pattern: String) throws(PolicyError) {
        guard pattern.utf8.count <= 8192 else {
            throw PolicyError("the regular expression is too long; the limit is 8192 bytes")
        }
        self.pattern = pattern
        var parser = RegularExpressionParser(pattern)
        let tree = try parser.parse()
        var compiler = RegularExpressionCompiler()
        try compiler.compile(tree)
        compiler.program.append(.match)
        program = compiler.program
    }

    /// Whether the pattern matches somewhere in `text`; `^` and `$` tie it to the ends.
    package func matches(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var current = ThreadSet(program.count)
        var next = ThreadSet(program.count)
        for position in 0...scalars.count {
            if add(0, to: &current, scalars, position) { return true }
            guard position < scalars.count else { return false }
            next.clear()
            let scalar = scalars[position].value
            for thread in current.threads {
                if case .set(let set) = program[thread], set.contains(scalar),
                    add(thread + 1, to: &next, scalars, position + 1)
                {
                    return true
                }
            }
            swap(&current, &next)
        }
        return false
    }

    /// Adds what can be reached without a character; `true` once that is the end.
    private func add(_ start: Int, to set: inout ThreadSet, _ text: [Unicode.Scalar], _ position: Int) -> Bool {
        var stack = [start]
        while let at = stack.popLast() {
            guard set.insert(at) else { continue }
            switch program[at] {
            case .match: return true
            case .set: set.threads.append(at)
            case .jump(let target): stack.append(target)
            case .split(let first, let second):
                stack.append(second)
                stack.append(first)
            case .assertion(let assertion):
                if assertion.holds(in: text, at: position) { stack.append(at + 1) }
            }
        }
        return false
    }

    private struct ThreadSet {
        var threads: [Int] = []
        private var marks: [UInt32]
        private var generation: UInt32 = 1

        init(_ count: Int) { marks = Array(repeating: 0, count: count) }

        mutating func insert(_ index: Int) -> Bool {
            if marks[index] == generation { return false }
            marks[index] = generation
            return true
        }

        mutating func clear() {
            threads.removeAll(keepingCapacity: true)
            generation += 1
        }
    }
}

/// Ranges of code points, or all others.
struct RegularExpressionSet: Hashable, Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    var isNegated = false

    func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } != isNegated }

    static func single(_ scalar: UInt32) -> RegularExpressionSet { RegularExpressionSet(ranges: [scalar...scalar]) }

    static let digits = RegularExpressionSet(ranges: [0x30...0x39])
    static let word = RegularExpressionSet(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = RegularExpressionSet(ranges: [0x09...0x0A, 0x0C...0x0D, 0x20...0x20])

    /// The ranges, turned round where this is negated.
    var positive: [ClosedRange<UInt32>] {
        guard isNegated else { return ranges }
        var out: [ClosedRange<UInt32>] = []
        var start: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > start { out.append(start...(range.lowerBound - 1)) }
            start = max(start, range.upperBound + 1)
        }
        if start <= 0x10FFFF { out.append(start...0x10FFFF) }
        return out
    }

    /// Letters of ASCII in both cases.
    var ignoringCase: RegularExpressionSet {
        var out = self
        for range in ranges {
            for (from, to) in [(UInt32(0x41), UInt32(0x61)), (0x61, 0x41)] {
                let low = max(range.lowerBound, from)
                let high = min(range.upperBound, from + 25)
                if low <= high { out.ranges.append((low - from + to)...(high - from + to)) }
            }
        }
        return out
    }
}

enum RegularExpressionAssertion: Hashable, Sendable {
    case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary

    func holds(in text: [Unicode.Scalar], at position: Int) -> Bool {
        switch self {
        case .textStart: return position == 0
        case .textEnd: return position == text.count
        case .lineStart: return position == 0 || text[position - 1] == "\n"
        case .lineEnd: return position == text.count || text[position] == "\n"
        case .wordBoundary, .noWordBoundary:
            let before = position > 0 && RegularExpressionSet.word.contains(text[position - 1].value)
            let after = position < text.count && RegularExpressionSet.word.contains(text[position].value)
            return (before != after) == (self == .wordBoundary)
        }
    }
}

enum RegularExpressionInstruction: Sendable {
    case match
    case set(RegularExpressionSet)
    case jump(Int)
    case split(Int, Int)
    case assertion(RegularExpressionAssertion)
}

indirect enum RegularExpressionTree: Sendable {
    case empty
    case set(RegularExpressionSet)
    case assertion(RegularExpressionAssertion)
    case sequence([RegularExpressionTree])
    case choice([RegularExpressionTree])
    case repeated(RegularExpressionTree, least: Int, most: Int?)
}

private struct RegularExpressionCompiler {
    var program: [RegularExpressionInstruction] = []
    /// Repeated groups of nothing make no instructions, but take time.
    private var steps = 0

    mutating func compile(_ tree: RegularExpressionTree) throws(PolicyError) {
        steps += 1
        guard steps < RegularExpression.instructionLimit, program.count < RegularExpression.instructionLimit else {
            throw PolicyError("the regular expression is too large; repeat fewer parts")
        }
        switch tree {
        case .empty: break
        case .set(let set): program.append(.set(set))
        case .assertion(let assertion): program.append(.assertion(assertion))
        case .sequence(let parts): for part in parts { try compile(part) }
        case .choice(let parts):
            var ends: [Int] = []
            for (index, part) in parts.enumerated() {
                guard index < parts.count - 1 else {
                    try compile(part)
                    break
                }
                let split = program.count
                program.append(.match)
                try compile(part)
                ends.append(program.count)
                program.append(.match)
                program[split] = .split(split + 1, program.count)
            }
            for end in ends { program[end] = .jump(program.count) }
        case .repeated(let part, let least, let most):
            for _ in 0..<least { try compile(part) }
            guard let most else {
                let split = program.count
                program.append(.match)
                try compile(part)
                program.append(.jump(split))
                program[split] = .split(split + 1, program.count)
                return
            }
            var splits: [Int] = []
            for _ in least..<max(least, most) {
                splits.append(program.count)
                program.append(.match)
                try compile(part)
            }
            for split in splits { program[split] = .split(split + 1, program.count) }
        }
    }
}
