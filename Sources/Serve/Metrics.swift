internal import Synchronization

/// Counters, gauges and histograms, as Prometheus reads them (text format 0.0.4).
///
/// A name has a fixed set of labels. Values of labels must come from a short list, never from a client's words: each
/// combination is kept for good. Above 1,000 combinations of one name the rest is counted under `other`.
package final class Metrics: Sendable {
    private enum Kind: String { case counter, gauge, histogram }

    private struct Histogram {
        var buckets: [UInt64]
        var sum = 0.0
        var count: UInt64 = 0
    }

    private struct Family {
        var kind: Kind
        var help: String
        var values: [String: Double] = [:]
        var histograms: [String: Histogram] = [:]
        var probes: [String: @Sendable () -> Double] = [:]
    }

    /// Upper bounds of the buckets of all histograms, in seconds.
    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    private static let combinationLimit = 1000

    /// Guards all values. Nothing else is locked and no other code runs while it is held.
    private let families = Mutex<[String: Family]>([:])

    package init() {}

    /// Adds to a counter. Names end in `_total`.
    package func add(_ name: String, _ amount: Double = 1, labels: [(String, String)] = [], help: String) {
        families.withLock {
            let key = Self.key(labels)
            let family = $0[name, default: Family(kind: .counter, help: help)]
            let isNew = family.values[key] == nil && family.values.count >= Self.combinationLimit
            $0[name, default: Family(kind: .counter, help: help)].values[isNew ? Self.other : key, default: 0] += amount
        }
    }

    /// A counter for what happens so often that it must not look for its name each time.
    package func counter(_ name: String, labels: [(String, String)] = [], help: String) -> Counter {
        let counter = Counter()
        families.withLock {
            $0[name, default: Family(kind: .counter, help: help)].probes[Self.key(labels)] = { counter.value }
        }
        return counter
    }

    /// Counts on any thread.
    package final class Counter: Sendable {
        private let count = Atomic<Int>(0)

        fileprivate var value: Double { Double(count.load(ordering: .relaxed)) }

        package func add() { count.add(1, ordering: .relaxed) }
    }

    /// Sets a gauge.
    package func set(_ name: String, _ value: Double, labels: [(String, String)] = [], help: String) {
        families.withLock {
            $0[name, default: Family(kind: .gauge, help: help)].values[Self.key(labels)] = value
        }
    }

    /// Has a gauge asked for when somebody looks. `probe` must not block.
    package func gauge(
        _ name: String, labels: [(String, String)] = [], help: String, probe: @escaping @Sendable () -> Double
    ) {
        families.withLock {
            $0[name, default: Family(kind: .gauge, help: help)].probes[Self.key(labels)] = probe
        }
    }

    /// Notes how long something took.
    package func observe(_ name: String, seconds: Double, labels: [(String, String)] = [], help: String) {
        families.withLock {
            var key = Self.key(labels)
            let family = $0[name, default: Family(kind: .histogram, help: help)]
            if family.histograms[key] == nil, family.histograms.count >= Self.combinationLimit { key = Self.other }
            var histogram =
                family.histograms[key] ?? Histogram(buckets: [UInt64](repeating: 0, count: Self.bounds.count))
            if let bucket = Self.bounds.firstIndex(where: { seconds <= $0 }) { histogram.buckets[bucket] += 1 }
            histogram.sum += seconds
            histogram.count += 1
            $0[name, default: Family(kind: .histogram, help: help)].histograms[key] = histogram
        }
    }

    /// Everything, sorted by name.
    package func text() -> String {
        var out = ""
        for (name, family) in families.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            out += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind.rawValue)\n"
            var values = family.values
            for (key, probe) in family.probes { values[key, default: 0] += probe() }
            for (key, value) in values.sorted(by: { $0.key < $1.key }) {
                out += "\(name)\(Self.braced(key)) \(Self.number(value))\n"
            }
            for (key, histogram) in family.histograms.sorted(by: { $0.key < $1.key }) {
                let prefix = key.isEmpty ? "" : key + ","
                var count: UInt64 = 0
                for (bound, bucket) in zip(Self.bounds, histogram.buckets) {
                    count += bucket
                    out += "\(name)_bucket{\(prefix)le=\"\(Self.number(bound))\"} \(count)\n"
                }
                out += "\(name)_bucket{\(prefix)le=\"+Inf\"} \(histogram.count)\n"
                out += "\(name)_sum\(Self.braced(key)) \(Self.number(histogram.sum))\n"
                out += "\(name)_count\(Self.braced(key)) \(histogram.count)\n"
            }
        }
        return out
    }

    private static let other = "other=\"true\""

    private static func key(_ labels: [(String, String)]) -> String {
        labels.map { name, value in
            var escaped = ""
            for character in value.unicodeScalars {
                switch character {
                case "\\": escaped += "\\\\"
                case "\"": escaped += "\\\""
                case "\n": escaped += "\\n"
                default: escaped.unicodeScalars.append(character)
                }
            }
            return "\(name)=\"\(escaped)\""
        }.joined(separator: ",")
    }

    private static func braced(_ key: String) -> String { key.isEmpty ? "" : "{\(key)}" }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }
}
