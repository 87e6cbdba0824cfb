import Testing

@testable import Build

@Suite("What failing steps are told to do", .serialized, .enabled(if: hasSandbox, "bubblewrap is not installed"))
struct StepRemedyTests {
    @Test("a program that is not there is named, with what to do about it")
    func missingProgram() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": "packages:\n- {name: p, type: generic, config: {commands: [[sh, -c, ':'], [no-such]]}}\n",
            "q/BUILD.yaml": packages(generic("q", sh: "no-such")),
        ])
        let named = try await workspace.build("p:p").failure("p:p") as? BuildError
        #expect(named?.message.hasPrefix("build failed because 'no-such' was not found; install it") == true)
        let inside = try await workspace.build("q:q").failure("q:q") as? BuildError
        #expect(inside?.message.hasPrefix("build failed because a program was not found; install it") == true)
    }

    @Test("a step that fails for want of the network is told where downloads belong")
    func missingNetwork() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: "echo 'curl: (6) Could not resolve host: example.com'; exit 6"))
        ])
        let error = try await workspace.build("p:p").failure("p:p") as? BuildError
        #expect(error?.message.contains("it has no network: put what downloads under `martlet: fetch:`") == true)
    }

    @Test("a step that moves what a dependency made, and does not name it, is told to copy it")
    func movingDependencies() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: "echo x > x")),
            "q/BUILD.yaml": packages(generic("q", sh: "mv */x y", "deps: ['p:p']")),
        ])
        let error = try await workspace.build("q:q").failure("q:q") as? BuildError
        #expect(error?.message.contains("can only be read: copy it") == true)
    }
}
