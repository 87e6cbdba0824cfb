package import Workspace

/// Which package is built next: a state machine without I/O.
///
/// A package is ready when everything that it depends on has succeeded. Of those that are ready, the one with the
/// longest chain of dependants behind it goes first, because the build can't end before that chain does.
package struct BuildQueue: Sendable {
    private var waitingFor: [PackageName: Set<PackageName>] = [:]
    private var dependants: [PackageName: [PackageName]] = [:]
    private var priority: [PackageName: Int] = [:]
    /// Sorted so that the last one is next.
    private var ready: [PackageName] = []
    private var isStopped = false

    /// Packages that were given out and have not finished.
    package private(set) var running: Set<PackageName> = []
    /// Packages that will never run because something that they need failed, or because the queue was stopped.
    package private(set) var skipped: Set<PackageName> = []

    /// - Parameters:
    ///   - order: the packages to build, each after all that it depends on.
    ///   - dependencies: what each waits for. Packages outside `order` count as done.
    package init(order: [PackageName], dependencies: [PackageName: [PackageName]]) {
        let all = Set(order)
        for name in order {
            let needed = Set(dependencies[name, default: []].filter { all.contains($0) && $0 != name })
            waitingFor[name] = needed
            for dependency in needed { dependants[dependency, default: []].append(name) }
        }
        for name in order.reversed() {
            priority[name] = 1 + (dependants[name, default: []].map { priority[$0, default: 0] }.max() ?? 0)
        }
        ready = order.filter { waitingFor[$0]?.isEmpty == true }.sorted { index($0, before: $1) }
    }

    /// Whether nothing runs and nothing will.
    package var isFinished: Bool { running.isEmpty && ready.isEmpty }

    /// The next package to build, or `nil` when none is ready now.
    package mutating func next() -> PackageName? {
        guard !isStopped, let name = ready.popLast() else { return nil }
        running.insert(name)
        return name
    }

    private func index(_ left: PackageName, before right: PackageName) -> Bool {
        let (a, b) = (priority[left, default: 0], priority[right, default: 0])
        return a == b ? right < left : a < b
    }

    /// Takes the end of a package that ran. A failure skips everything that needs it.
    package mutating func finish(_ name: PackageName, succeeded: Bool) {
        running.remove(name)
        for dependant in dependants[name, default: []] {
            if succeeded {
                waitingFor[dependant]?.remove(name)
                if waitingFor[dependant]?.isEmpty == true, !skipped.contains(dependant) { makeReady(dependant) }
            } else {
                skip(dependant)
            }
        }
    }

    private mutating func makeReady(_ name: PackageName) {
        var (low, high) = (0, ready.count)
        while low < high {
            let middle = (low + high) / 2
            if index(ready[middle], before: name) { low = middle + 1 } else { high = middle }
        }
        ready.insert(name, at: low)
    }

    private mutating func skip(_ name: PackageName) {
        var pending = [name]
        while let name = pending.popLast() {
            guard skipped.insert(name).inserted else { continue }
            pending += dependants[name, default: []]
        }
    }

    /// Gives out no more packages; those that run go on to their end.
    package mutating func stop() {
        isStopped = true
        skipped.formUnion(ready)
        for (name, needed) in waitingFor where !needed.isEmpty && !running.contains(name) { skipped.insert(name) }
        ready = []
    }
}
