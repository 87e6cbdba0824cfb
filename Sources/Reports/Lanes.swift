/// Packages that were under way at the same time, laid out side by side: each in the first lane that is free.
struct Lanes {
    /// A package in its lane.
    struct Bar {
        /// Index in the record.
        var package: Int
        var lane: Int
        var start: Duration
        var end: Duration
    }

    /// By start.
    private(set) var bars: [Bar] = []
    private(set) var count = 0

    init(_ record: BuildRecord) {
        var ends: [Duration] = []
        let started = record.packages.indices.compactMap { index in
            record.packages[index].start.map { (index: index, start: $0) }
        }
        for (index, start) in started.sorted(by: { ($0.start, $0.index) < ($1.start, $1.index) }) {
            let end = max(start, record.packages[index].end ?? record.time)
            let lane = ends.firstIndex { $0 <= start } ?? ends.count
            if lane == ends.count { ends.append(end) } else { ends[lane] = end }
            bars.append(Bar(package: index, lane: lane, start: start, end: end))
        }
        count = ends.count
    }
}
