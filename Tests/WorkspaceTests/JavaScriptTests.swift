import Bytes
import Host
import TestKit
import Testing

@testable import Workspace

@Suite("BUILD.js", .enabled(if: GoldenVersionTests.hasNode, "node is needed to run BUILD.js"))
struct JavaScriptTests {
    static func fixture(_ script: String) throws -> Fixture {
        try Fixture(["c/BUILD.yaml": "const: {k: 1}\n", "c/BUILD.js": script])
    }

    @Test("packages are made with arguments, sloppy globals and templates, and only built-ins are substituted")
    func packages() async throws {
        let workspace = try await Self.fixture(
            """
            const packages = [];
            for (x of ["b", "a"]) {
                packages.push({ type: "generic", name: `${x}-${args.foo}`, env: [`A=\\${foo}`], ephemeral: x == "a" });
            }
            """
        ).load { $0.arguments = ["foo": "7"] }
        #expect(workspace.order.map(\.description) == ["c:a-7", "c:b-7"])
        let package = try workspace.package("c:a-7")
        #expect(package.environment == ["A=${foo}"])
        #expect(package.unresolved == ["foo"])
        #expect(package.isEphemeral)
        #expect(
            String(decoding: package.definition, as: UTF8.self)
                == "env:\n    - A=${foo}\nephemeral: true\nname: a-7\ntype: generic\n")
        #expect(package.location.file == "c/BUILD.js")
    }

    @Test("a script that fails is an error with its file")
    func failure() async throws {
        let workspace = try await Self.fixture("throw new Error('broken')").load()
        #expect(workspace.errors.map(\.location.file) == ["c/BUILD.js"])
        #expect(workspace.errors[0].message.contains("broken"))
    }

    @Test("of what node prints about a script that throws, the place and the error remain")
    func reason() {
        let output = """
            BUILD.js:3
            throw new Error('on purpose')
            ^

            Error: on purpose
                at BUILD.js:3:7
                at Script.runInContext (node:vm:149:12)

            Node.js v20.20.2
            """
        #expect(JavaScript.reason(in: output) == "BUILD.js:3 | throw new Error('on purpose') | Error: on purpose")
    }

    @Test("a script that loops for ever or needs too much memory is ended")
    func limits() async throws {
        let endless = JavaScript.Request(
            program: JavaScript.program(script: "for (;;) {}", arguments: [:]), file: "BUILD.js",
            timeLimit: .milliseconds(300))
        await #expect(throws: WorkspaceError.self) { try await JavaScript.node.evaluate(endless) }
    }

    @Test("equal scripts and arguments have equal keys")
    func keys() {
        func key(_ script: String, _ arguments: [String: String]) -> Digest {
            JavaScript.Request(program: JavaScript.program(script: script, arguments: arguments), file: "x").key
        }
        #expect(key("1", ["a": "1", "b": "2"]) == key("1", ["b": "2", "a": "1"]))
        #expect(key("1", ["a": "1"]) != key("1", ["a": "2"]))
        #expect(key("1", [:]) != key("2", [:]))
    }
}
