import Testing
import Workspace

@testable import Build

@Suite("Build queue")
struct BuildQueueTests {
    private func name(_ text: String) -> PackageName { PackageName(component: "c", name: text) }

    private func queue(_ edges: [String: [String]], order: [String]) -> BuildQueue {
        BuildQueue(
            order: order.map(name),
            dependencies: Dictionary(
                edges.map { (name($0.key), $0.value.map(name)) }, uniquingKeysWith: { $1 }))
    }

    @Test("a package waits for all that it needs")
    func waits() {
        var queue = queue(["app": ["lib", "tool"]], order: ["lib", "tool", "app"])
        #expect(queue.next() == name("lib"))
        #expect(queue.next() == name("tool"))
        #expect(queue.next() == nil)
        queue.finish(name("lib"), succeeded: true)
        #expect(queue.next() == nil)
        queue.finish(name("tool"), succeeded: true)
        #expect(queue.next() == name("app"))
        queue.finish(name("app"), succeeded: true)
        #expect(queue.isFinished)
    }

    @Test("the longest chain goes first")
    func longestFirst() {
        var queue = queue(["b": ["a"], "c": ["b"]], order: ["z", "a", "b", "c"])
        #expect(queue.next() == name("a"))
    }

    @Test("a failure skips what needs it and nothing else")
    func failureSkips() {
        var queue = queue(["b": ["a"], "c": ["b"]], order: ["a", "b", "c", "other"])
        #expect(queue.next() == name("a"))
        queue.finish(name("a"), succeeded: false)
        #expect(queue.skipped == [name("b"), name("c")])
        #expect(queue.next() == name("other"))
        queue.finish(name("other"), succeeded: true)
        #expect(queue.isFinished)
    }

    @Test("a queue that is stopped gives nothing out and names what it skipped")
    func stops() {
        var queue = queue(["b": ["a"]], order: ["a", "b", "c"])
        _ = queue.next()
        queue.stop()
        #expect(queue.next() == nil)
        #expect(queue.skipped == [name("b"), name("c")])
        #expect(!queue.isFinished)
        queue.finish(name("a"), succeeded: true)
        #expect(queue.isFinished)
    }
}
