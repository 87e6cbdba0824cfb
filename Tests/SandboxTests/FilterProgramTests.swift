import Bytes
import Sandbox
import Testing

@Suite("The filter of system calls")
struct FilterProgramTests {
    private static let architectures = SystemCall.Architecture.allCases

    private func filter(
        _ architecture: SystemCall.Architecture, network: SandboxRequest.Network = .none, trace: Bool = false,
        notifies: Bool = true
    ) -> FilterInterpreter {
        FilterInterpreter(
            program: FilterProgram(
                SystemCallRule.rules(network: network, traceInputs: trace), architecture: architecture,
                notifies: notifies))
    }

    private func answer(
        _ filter: FilterInterpreter, _ call: String, _ arguments: [UInt64], on architecture: SystemCall.Architecture
    ) throws -> UInt32? {
        guard let number = SystemCall(name: call).number(on: architecture) else { return nil }
        return try filter.answer(
            number: number, architecture: architecture.auditValue, arguments: arguments)
    }

    /// Values of one argument that make the difference, each tried with every other.
    private static let values: [UInt64] = [
        0, 1, 2, 3, 10, 16, 17, 38, 40, 0o755, 0o1000, 0o4755, 0o2000, 0o020000, 0o060644, 0o100644, 0x40, 0x1000,
        0x5412, 0x1_0000_5412, 0x541C, 0x1000_0011, 0x2_0000, 0x7F00, 0xFFFF_FFFF_0000_0000, .max,
    ]

    @Test("agrees with its rules on every call and argument that a rule names", arguments: architectures)
    func agreesWithRules(_ architecture: SystemCall.Architecture) throws {
        for trace in [false, true] {
            let rules = SystemCallRule.rules(network: .none, traceInputs: trace)
            let filter = filter(architecture, trace: trace)
            for call in Set(rules.flatMap(\.calls)) {
                let isConditional = rules.contains { $0.calls.contains(call) && !$0.conditions.isEmpty }
                let values = isConditional ? Self.values : [0]
                for first in values {
                    for second in values {
                        let arguments = [first, second, second, first, second, first]
                        guard let got = try answer(filter, call, arguments, on: architecture) else { continue }
                        let rule = SystemCallRule.deciding(rules, call: call, arguments: arguments)
                        let wanted: UInt32 =
                            switch rule?.verdict {
                            case nil: FilterProgram.Answer.allow
                            case .answer(let errno): FilterProgram.Answer.errno | UInt32(errno)
                            case .refuse, .observe: FilterProgram.Answer.notify
                            }
                        guard got == wanted else {
                            Issue.record("\(call) \(arguments): \(got), not \(wanted)")
                            return
                        }
                    }
                }
            }
        }
    }

    @Test("lets every call through that no rule names", arguments: architectures)
    func letsOthersThrough(_ architecture: SystemCall.Architecture) throws {
        let filter = filter(architecture)
        let named = Set(
            SystemCallRule.rules(network: .none, traceInputs: false).flatMap(\.calls).compactMap {
                SystemCall(name: $0).number(on: architecture)
            })
        for number in UInt32(0)..<500 where !named.contains(number) {
            #expect(
                try filter.answer(number: number, architecture: architecture.auditValue)
                    == FilterProgram.Answer.allow)
        }
    }

    @Test("stops other architectures whatever the number", arguments: architectures)
    func stopsForeign(_ architecture: SystemCall.Architecture) throws {
        for notifies in [true, false] {
            let filter = filter(architecture, notifies: notifies)
            let wanted = notifies ? FilterProgram.Answer.notify : FilterProgram.Answer.killProcess
            // i386 and arm.
            for foreign in [0x4000_0003, 0x4000_0028] as [UInt32] {
                for number in [0, 1, 39, 400] as [UInt32] {
                    #expect(try filter.answer(number: number, architecture: foreign) == wanted)
                }
            }
            if architecture == .x86_64 {
                #expect(try filter.answer(number: 0x4000_0027, architecture: architecture.auditValue) == wanted)
            }
        }
    }

    @Test("without a listener refuses with EPERM and observes nothing")
    func withoutListener() throws {
        let filter = filter(.x86_64, notifies: false)
        #expect(try answer(filter, "mount", [], on: .x86_64) == FilterProgram.Answer.errno | 1)
        #expect(try answer(filter, "connect", [], on: .x86_64) == FilterProgram.Answer.allow)
    }

    @Test("is short enough for the kernel and every jump stays inside", arguments: architectures)
    func isWellFormed(_ architecture: SystemCall.Architecture) {
        let program = filter(architecture, trace: true).program
        #expect(program.instructions.count < FilterProgram.instructionLimit)
        for (index, one) in program.instructions.enumerated() {
            #expect(index + 1 + Int(max(one.ifTrue, one.ifFalse)) < program.instructions.count || one.code == 0x06)
        }
    }

    @Test("has the bytes that were reviewed")
    func golden() {
        let small = FilterProgram(
            [SystemCallRule.rules(network: .none, traceInputs: false)[2]], architecture: .x86_64, notifies: true)
        #expect(
            Hex.encode(small.bytes)
                == [
                    "2000000004000000", "150001003e0000c0", "060000000000c07f", "2000000000000000", "3500000100000040",
                    "060000000000c07f", "1500000438000000", "2000000010000000", "450000010000027e", "060000000000c07f",
                    "2000000000000000", "060000000000ff7f",
                ].joined())
        // Changes only when the deny list changes, which is to be looked at.
        let all = FilterProgram(
            SystemCallRule.rules(network: .none, traceInputs: false), architecture: .x86_64, notifies: true)
        #expect(all.instructions.count == 342)
        #expect(Digest.of(all.bytes).hex == "56852c4c93f57360891bfc7b5ac5397efd57a5de2bdb1d38dcfee04def9dba7c")
    }
}
