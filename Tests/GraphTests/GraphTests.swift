import Testing

@testable import Graph

@Suite("Graph")
struct GraphTests {
    @Test("an order puts dependencies first")
    func order() {
        let graph = Graph(dependencies: [[1, 2], [3], [3], []])
        #expect(graph.order() == .sorted([3, 1, 2, 0]))
    }

    @Test("a cycle is reported with its path")
    func cycle() {
        let graph = Graph(dependencies: [[1], [2], [3], [1]])
        #expect(graph.order() == .cycle([1, 2, 3, 1]))
    }

    @Test("a node that depends on itself is a cycle")
    func loop() {
        #expect(Graph(dependencies: [[], [1]]).order() == .cycle([1, 1]))
    }

    @Test("dependants are the reverse of dependencies")
    func dependants() {
        let graph = Graph(dependencies: [[1, 2, 1], [2], []])
        #expect(graph.dependants == [[], [0], [0, 1]])
        #expect(graph.transitiveDependants(of: [2]) == [0, 1])
        #expect(graph.transitiveDependencies(of: [0]) == [1, 2])
        #expect(graph.transitiveDependencies(of: [2]).isEmpty)
    }

    @Test("a chain of diamonds, whose paths double with every step, is one walk")
    func diamonds() {
        // Node 2k and 2k+1 both depend on both nodes of the next pair: 2^1000 paths.
        let pairs = 1000
        let edges = (0..<pairs * 2).map { node in
            node / 2 + 1 < pairs ? [(node / 2 + 1) * 2, (node / 2 + 1) * 2 + 1] : []
        }
        guard case .sorted(let order) = Graph(dependencies: edges).order() else {
            Issue.record("the chain has no cycle")
            return
        }
        #expect(order.count == pairs * 2)
    }

    @Test("depth costs no call stack")
    func deepChain() {
        let count = 200_000
        let graph = Graph(dependencies: (0..<count).map { $0 + 1 < count ? [$0 + 1] : [] })
        #expect(graph.order() == .sorted((0..<count).reversed()))
    }
}
