import Sandbox

/// Runs a filter program on one system call, as the kernel would (Documentation/networking/filter.rst).
struct FilterInterpreter {
    enum Failure: Error { case badProgram(Int) }

    var program: FilterProgram

    func answer(number: UInt32, architecture: UInt32, arguments: [UInt64] = []) throws -> UInt32 {
        var data = [UInt32](repeating: 0, count: 16)
        data[0] = number
        data[1] = architecture
        for (index, argument) in arguments.enumerated() {
            data[4 + index * 2] = UInt32(truncatingIfNeeded: argument)
            data[5 + index * 2] = UInt32(truncatingIfNeeded: argument >> 32)
        }
        var accumulator: UInt32 = 0
        var index = 0
        while index < program.instructions.count {
            let one = program.instructions[index]
            func jump(_ holds: Bool) { index += Int(holds ? one.ifTrue : one.ifFalse) }
            switch one.code {
            case FilterProgram.Operation.load:
                guard one.operand % 4 == 0, one.operand < 64 else { throw Failure.badProgram(index) }
                accumulator = data[Int(one.operand) / 4]
            case FilterProgram.Operation.and: accumulator &= one.operand
            case FilterProgram.Operation.jumpIfEqual: jump(accumulator == one.operand)
            case FilterProgram.Operation.jumpIfAtLeast: jump(accumulator >= one.operand)
            case FilterProgram.Operation.jumpIfAnyBit: jump(accumulator & one.operand != 0)
            case FilterProgram.Operation.giveBack: return one.operand
            default: throw Failure.badProgram(index)
            }
            index += 1
        }
        throw Failure.badProgram(index)
    }
}
