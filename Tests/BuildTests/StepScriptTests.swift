import Testing

@testable import Build

@Suite("Step script")
struct StepScriptTests {
    @Test("one command is itself")
    func single() {
        #expect(StepScript([["go", "build"]]) == nil)
        #expect(StepScript.arguments(for: [["go", "build"]]) == ["go", "build"])
    }

    @Test("no word of a command is taken for shell syntax")
    func quoting() throws {
        let script = try #require(StepScript([["echo", "$HOME; `x` 'y'"], ["true"]]))
        #expect(String(decoding: script.content, as: UTF8.self) == "set -e\necho '$HOME; `x` '\\''y'\\'''\ntrue\n")
        #expect(StepScript.arguments(for: [["a"], ["b"]]) == ["/bin/sh", "/martlet/step.sh"])
    }

    @Test("empty commands are passed over")
    func empty() {
        #expect(StepScript.arguments(for: [[], ["x"]]) == ["x"])
        #expect(StepScript.arguments(for: []) == ["true"])
    }
}
