/// What chance decides: each question has answers from 0 to below a bound.
package protocol Choices: AnyObject {
    func choose(_ bound: Int) -> Int
}

/// The same answers for the same seed (SplitMix64).
package final class SeededChoices: Choices {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package func choose(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((value ^ value >> 31) % UInt64(bound))
    }
}

/// All answers, one after the other: `next` goes on to the next sequence until there is none.
package final class ExhaustiveChoices: Choices {
    private var answers: [(answer: Int, bound: Int)] = []
    private var place = 0

    package init() {}

    package func choose(_ bound: Int) -> Int {
        if place == answers.count { answers.append((0, bound)) }
        defer { place += 1 }
        return answers[place].answer
    }

    /// Goes on to the next sequence; `false` when all were given.
    package func next() -> Bool {
        answers.removeLast(answers.count - place)
        place = 0
        while let last = answers.popLast() {
            guard last.answer + 1 < last.bound else { continue }
            answers.append((last.answer + 1, last.bound))
            return true
        }
        return false
    }
}
