/// All sources of a workspace, each once, by number.
struct SourceTable: Sendable {
    /// In the order of their numbers.
    private(set) var all: [SourceFinder.Found] = []
    /// The number of each by path.
    private(set) var numbers: [String: Int] = [:]
    /// The numbers of each package's sources, in the packages' order and in that of their paths.
    private(set) var packages: [[Int]] = []
    /// What is known of each, by number.
    var facts: [SourceHashing.Outcome] = []

    /// - Parameter count: how many there are at most, and mostly are.
    init(count: Int) {
        all.reserveCapacity(count)
        numbers.reserveCapacity(count)
    }

    /// Adds the sources of the next package.
    mutating func add(_ sources: [SourceFinder.Found]) {
        var own: [Int] = []
        own.reserveCapacity(sources.count)
        for source in sources {
            if let known = numbers[source.path] {
                own.append(known)
                continue
            }
            numbers[source.path] = all.count
            own.append(all.count)
            all.append(source)
        }
        packages.append(own)
    }
}
