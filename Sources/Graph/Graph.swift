/// A directed graph whose edges lead from a node to what it depends on.
///
/// Nodes are numbered from 0 in the order given; every question is answered in time linear in nodes plus edges.
package struct Graph: Sendable {
    /// For each node, the nodes it depends on, in the order given.
    package let dependencies: [[Int]]
    /// For each node, the nodes that depend on it, in rising order.
    package let dependants: [[Int]]

    /// Takes each node's dependencies. Every number must be a node's.
    package init(dependencies: [[Int]]) {
        self.dependencies = dependencies
        var dependants = [[Int]](repeating: [], count: dependencies.count)
        for (node, edges) in dependencies.enumerated() {
            for edge in edges {
                precondition(dependencies.indices.contains(edge), "an edge leads to a node that is not in the graph")
                if dependants[edge].last != node { dependants[edge].append(node) }
            }
        }
        self.dependants = dependants
    }

    /// The number of nodes.
    package var count: Int { dependencies.count }

    /// What a depth-first walk over the whole graph finds.
    package enum Order: Hashable, Sendable {
        /// Every node, each after all of its dependencies.
        case sorted([Int])
        /// A path that ends where it began: its first and last elements are the same node.
        case cycle([Int])
    }

    /// The nodes in an order in which each comes after its dependencies, or a cycle that prevents one.
    ///
    /// The order depends on the numbering alone. The walk keeps its own stack, so that depth costs no call stack.
    package func order() -> Order {
        enum Mark { case new, open, done }
        var marks = [Mark](repeating: .new, count: count)
        var sorted: [Int] = []
        sorted.reserveCapacity(count)
        var stack: [(node: Int, next: Int)] = []
        for root in 0..<count where marks[root] == .new {
            marks[root] = .open
            stack.append((root, 0))
            while let top = stack.last {
                if top.next == dependencies[top.node].count {
                    marks[top.node] = .done
                    sorted.append(top.node)
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].next += 1
                let target = dependencies[top.node][top.next]
                switch marks[target] {
                case .done: continue
                case .new:
                    marks[target] = .open
                    stack.append((target, 0))
                case .open:
                    let path = stack.map(\.node)
                    let start = path.firstIndex(of: target) ?? 0
                    return .cycle(Array(path[start...]) + [target])
                }
            }
        }
        return .sorted(sorted)
    }

    /// All that the nodes depend on, directly or through others, in rising order; the nodes themselves are left out
    /// unless they depend on each other.
    package func transitiveDependencies(of nodes: some Sequence<Int>) -> [Int] {
        Self.reachable(from: nodes, along: dependencies)
    }

    /// All that depend on the nodes, directly or through others, in rising order; the nodes themselves are left out
    /// unless they depend on each other.
    package func transitiveDependants(of nodes: some Sequence<Int>) -> [Int] {
        Self.reachable(from: nodes, along: dependants)
    }

    private static func reachable(from nodes: some Sequence<Int>, along edges: [[Int]]) -> [Int] {
        var seen = [Bool](repeating: false, count: edges.count)
        var queue = Array(nodes)
        while let node = queue.popLast() {
            for target in edges[node] where !seen[target] {
                seen[target] = true
                queue.append(target)
            }
        }
        return seen.indices.filter { seen[$0] }
    }
}
