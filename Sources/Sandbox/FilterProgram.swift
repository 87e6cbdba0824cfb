/// A seccomp filter: classic BPF over `struct seccomp_data` (linux/seccomp.h), assembled from rules.
package struct FilterProgram: Hashable, Sendable {
    /// One instruction, `struct sock_filter`.
    package struct Instruction: Hashable, Sendable {
        package var code: UInt16
        package var ifTrue: UInt8
        package var ifFalse: UInt8
        package var operand: UInt32

        package init(_ code: UInt16, _ ifTrue: UInt8, _ ifFalse: UInt8, _ operand: UInt32) {
            self.code = code
            self.ifTrue = ifTrue
            self.ifFalse = ifFalse
            self.operand = operand
        }
    }

    /// Operation codes used (linux/bpf_common.h).
    package enum Operation {
        /// Load the 32-bit word at an offset of the data.
        package static let load: UInt16 = 0x20
        package static let jumpIfEqual: UInt16 = 0x15
        package static let jumpIfAtLeast: UInt16 = 0x35
        package static let jumpIfAnyBit: UInt16 = 0x45
        package static let and: UInt16 = 0x54
        package static let giveBack: UInt16 = 0x06
    }

    /// What a filter answers (linux/seccomp.h).
    package enum Answer {
        package static let killProcess: UInt32 = 0x8000_0000
        package static let errno: UInt32 = 0x0005_0000
        package static let notify: UInt32 = 0x7FC0_0000
        package static let allow: UInt32 = 0x7FFF_0000
    }

    package private(set) var instructions: [Instruction] = []

    /// The most instructions that the kernel takes, `BPF_MAXINSNS`.
    package static let instructionLimit = 4096

    private static let numberOffset: UInt32 = 0
    private static let architectureOffset: UInt32 = 4

    /// - Parameter notifies: whether refused and observed calls ask martlet. If not, refused calls get EPERM from
    ///   the filter itself, observed ones proceed, and foreign calls kill.
    package init(_ rules: [SystemCallRule], architecture: SystemCall.Architecture, notifies: Bool) {
        let foreign = notifies ? Answer.notify : Answer.killProcess
        append(Operation.load, Self.architectureOffset)
        append(Operation.jumpIfEqual, architecture.auditValue, ifTrue: 1, ifFalse: 0)
        append(Operation.giveBack, foreign)
        append(Operation.load, Self.numberOffset)
        if architecture == .x86_64 {
            // x32: the same architecture value, numbers from here on.
            append(Operation.jumpIfAtLeast, 0x4000_0000, ifTrue: 0, ifFalse: 1)
            append(Operation.giveBack, foreign)
        }
        for rule in rules {
            guard let answer = Self.answer(rule.verdict, notifies: notifies) else { continue }
            for call in rule.calls {
                guard let number = SystemCall(name: call).number(on: architecture) else { continue }
                append(number: number, conditions: rule.conditions, answer: answer)
            }
        }
        append(Operation.giveBack, Answer.allow)
    }

    private static func answer(_ verdict: SystemCallRule.Verdict, notifies: Bool) -> UInt32? {
        switch verdict {
        case .refuse: notifies ? Answer.notify : Answer.errno | UInt32(SystemCallRule.notPermitted)
        case .answer(let errno): Answer.errno | UInt32(errno)
        case .observe: notifies ? Answer.notify : nil
        }
    }

    private mutating func append(_ code: UInt16, _ operand: UInt32, ifTrue: Int = 0, ifFalse: Int = 0) {
        instructions.append(Instruction(code, UInt8(ifTrue), UInt8(ifFalse), operand))
    }

    /// `if number == number && conditions { return answer }`, leaving the number loaded for the next rule.
    private mutating func append(number: UInt32, conditions: [SystemCallRule.Condition], answer: UInt32) {
        if conditions.isEmpty {
            append(Operation.jumpIfEqual, number, ifTrue: 0, ifFalse: 1)
            append(Operation.giveBack, answer)
            return
        }
        // Each condition is a run of instructions whose last one jumps over the answer unless it holds.
        let runs = conditions.map(Self.test)
        let length = runs.reduce(0) { $0 + $1.count }
        append(Operation.jumpIfEqual, number, ifTrue: 0, ifFalse: length + 2)
        var rest = length
        for run in runs {
            for (index, instruction) in run.enumerated() {
                var instruction = instruction
                rest -= 1
                // 255 and 254 stand for "does not hold" and "holds".
                let afterRun = run.count - index - 1
                instruction.ifTrue = Self.distance(instruction.ifTrue, failed: rest + 1, held: afterRun)
                instruction.ifFalse = Self.distance(instruction.ifFalse, failed: rest + 1, held: afterRun)
                instructions.append(instruction)
            }
        }
        append(Operation.giveBack, answer)
        append(Operation.load, Self.numberOffset)
    }

    private static let failed: UInt8 = 255
    private static let held: UInt8 = 254

    private static func distance(_ mark: UInt8, failed failedDistance: Int, held heldDistance: Int) -> UInt8 {
        switch mark {
        case failed: UInt8(failedDistance)
        case held: UInt8(heldDistance)
        default: mark
        }
    }

    private static func test(_ condition: SystemCallRule.Condition) -> [Instruction] {
        func load(_ argument: Int, high: Bool = false) -> Instruction {
            Instruction(Operation.load, 0, 0, UInt32(16 + argument * 8 + (high ? 4 : 0)))
        }
        switch condition {
        case .equals(let argument, let value):
            return [load(argument), Instruction(Operation.jumpIfEqual, held, failed, value)]
        case .masked(let argument, let mask, let value):
            return [
                load(argument), Instruction(Operation.and, 0, 0, mask),
                Instruction(Operation.jumpIfEqual, held, failed, value),
            ]
        case .anyBit(let argument, let mask):
            return [load(argument), Instruction(Operation.jumpIfAnyBit, held, failed, mask)]
        case .noneOf(let argument, let values):
            return [load(argument)]
                + values.enumerated().map { index, value in
                    Instruction(Operation.jumpIfEqual, failed, index == values.count - 1 ? held : 0, value)
                }
        case .isNotZero(let argument):
            return [
                load(argument), Instruction(Operation.jumpIfEqual, 0, held, 0), load(argument, high: true),
                Instruction(Operation.jumpIfEqual, failed, held, 0),
            ]
        }
    }

    /// The program as the kernel reads it, in host byte order (both architectures are little-endian).
    package var bytes: [UInt8] {
        instructions.flatMap { instruction -> [UInt8] in
            let operand = instruction.operand
            return [
                UInt8(instruction.code & 0xFF), UInt8(instruction.code >> 8), instruction.ifTrue, instruction.ifFalse,
                UInt8(operand & 0xFF), UInt8(operand >> 8 & 0xFF), UInt8(operand >> 16 & 0xFF), UInt8(operand >> 24),
            ]
        }
    }
}
