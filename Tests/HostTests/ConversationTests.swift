import Host
import Testing

@Suite struct ConversationTests {
    /// A program that gives back what it gets, over the same socket.
    static let echo = ["/bin/sh", "-c", "exec cat >&0"]

    @Test("messages of every length come back whole")
    func echo() async throws {
        let answers = try await ChildProcess.conversing(with: Self.echo) { conversation in
            var answers: [[UInt8]] = []
            for count in [0, 1, 255, 256, 50_000] {
                answers.append(try await conversation.ask([UInt8](repeating: 7, count: count)))
            }
            return answers
        }
        #expect(answers.map(\.count) == [0, 1, 255, 256, 50_000])
        #expect(answers.allSatisfy { $0.allSatisfy { $0 == 7 } })
    }

    @Test("a program that ends, is not there or says nothing is an error, and not a wait without end")
    func silence() async throws {
        for command in [["/bin/true"], ["/nonexistent"], ["/bin/sh", "-c", "printf abc >&0"]] {
            await #expect(throws: HostError.self) {
                try await ChildProcess.conversing(with: command) { try await $0.ask([1, 2, 3]) }
            }
        }
        await #expect(throws: HostError.self) {
            try await ChildProcess.conversing(with: ["/bin/sh", "-c", "cat > /dev/null"]) {
                try await $0.ask([1], timeLimit: .milliseconds(20))
            }
        }
    }

    @Test("a program that takes no message ends the wait as well")
    func deafness() async throws {
        await #expect(throws: HostError.self) {
            try await ChildProcess.conversing(with: ["/bin/sh", "-c", "exec tail -f /dev/null"]) {
                try await $0.ask([UInt8](repeating: 1, count: 4 << 20), timeLimit: .milliseconds(20))
            }
        }
    }

    @Test("an announced length beyond the limit is not waited for")
    func greed() async throws {
        let error = await #expect(throws: HostError.self) {
            try await ChildProcess.conversing(with: ["/bin/sh", "-c", "printf '\\377\\377\\377\\377' >&0; cat"]) {
                try await $0.ask([1])
            }
        }
        #expect(error?.code == .tooLarge)
    }

    @Test("a cancelled task ends the conversation and the program")
    func cancellation() async throws {
        let task = Task {
            try await ChildProcess.conversing(with: ["/bin/sh", "-c", "cat > /dev/null"]) { try await $0.ask([1]) }
        }
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
    }

    @Test("programs that are started meanwhile have no part in it")
    func inheritance() async throws {
        let listing = try await ChildProcess.conversing(with: Self.echo) { conversation in
            _ = try await conversation.ask([1])
            return try await ChildProcess.run(
                ["sh", "-c", "ls -l /proc/self/fd"], outputLimit: 1 << 16, timeLimit: .seconds(120))
        }
        #expect(listing.isSuccess)
        #expect(!listing.outputText.contains("socket:"))
    }
}
