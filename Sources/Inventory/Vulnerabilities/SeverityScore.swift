/// How bad a vulnerability is, in the words of CVSS.
package enum Severity: String, Hashable, Sendable, CaseIterable, Comparable {
    /// Nobody has said, or in a form that is not known. Counts as more than `none`, for it may be anything.
    case unknown
    case none, low, medium, high, critical

    /// The qualitative rating of a score (CVSS 3.1, section 5; 4.0, section 6).
    package init(score: Double) {
        switch score {
        case 9...: self = .critical
        case 7...: self = .high
        case 4...: self = .medium
        case 0.1...: self = .low
        default: self = .none
        }
    }

    /// Words of databases: `MODERATE`, `Important`, `not yet assigned`.
    package init(word: String) {
        switch word.lowercased() {
        case "critical": self = .critical
        case "high", "important": self = .high
        case "medium", "moderate": self = .medium
        case "low", "minor": self = .low
        case "none", "unimportant", "negligible": self = .none
        default: self = .unknown
        }
    }

    private var rank: Int {
        switch self {
        case .none: 0
        case .unknown: 1
        case .low: 2
        case .medium: 3
        case .high: 4
        case .critical: 5
        }
    }

    package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
}

/// The score that a CVSS vector stands for.
package enum SeverityScore {
    /// The base score of a vector of version 3.0 or 3.1, or the score of one of version 4.0; `nil` for what is none.
    /// Temporal and environmental metrics of version 3 are passed over.
    package static func of(_ vector: String) -> Double? {
        guard vector.utf8.count <= 1000 else { return nil }
        let parts = vector.split(separator: "/")
        guard let head = parts.first else { return nil }
        var metrics: [String: String] = [:]
        for part in parts.dropFirst() {
            let pair = part.split(separator: ":")
            guard pair.count == 2, metrics.updateValue(String(pair[1]), forKey: String(pair[0])) == nil else {
                return nil
            }
        }
        switch head {
        case "CVSS:3.0": return version3(metrics, isOld: true)
        case "CVSS:3.1": return version3(metrics, isOld: false)
        case "CVSS:4.0": return VectorOfVersion4(metrics)?.score
        default: return nil
        }
    }

    // MARK: - CVSS 3 (https://www.first.org/cvss/v3.1/specification-document, section 7.1)

    private static func version3(_ metrics: [String: String], isOld: Bool) -> Double? {
        func weight(_ metric: String, _ weights: [String: Double]) -> Double? {
            metrics[metric].flatMap { weights[$0] }
        }
        let impacts = ["H": 0.56, "L": 0.22, "N": 0.0]
        guard let scope = metrics["S"], scope == "C" || scope == "U" else { return nil }
        let isChanged = scope == "C"
        let privileges = ["N": 0.85, "L": isChanged ? 0.68 : 0.62, "H": isChanged ? 0.5 : 0.27]
        guard let vector = weight("AV", ["N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2]),
            let complexity = weight("AC", ["L": 0.77, "H": 0.44]), let privilege = weight("PR", privileges),
            let interaction = weight("UI", ["N": 0.85, "R": 0.62]), let confidentiality = weight("C", impacts),
            let integrity = weight("I", impacts), let availability = weight("A", impacts)
        else { return nil }
        let base = 1 - (1 - confidentiality) * (1 - integrity) * (1 - availability)
        let impact = isChanged ? 7.52 * (base - 0.029) - 3.25 * power(base - 0.02, 15) : 6.42 * base
        if impact <= 0 { return 0 }
        let sum = impact + 8.22 * vector * complexity * privilege * interaction
        return roundUp(min(isChanged ? 1.08 * sum : sum, 10), isOld: isOld)
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var out = 1.0
        for _ in 0..<exponent { out *= base }
        return out
    }

    /// To one decimal, upwards; 3.1 does it in whole numbers so that all machines agree (its appendix A).
    private static func roundUp(_ value: Double, isOld: Bool) -> Double {
        if isOld { return (value * 10).rounded(.up) / 10 }
        let whole = Int((value * 100_000).rounded())
        return whole % 10_000 == 0 ? Double(whole) / 100_000 : Double(whole / 10_000 + 1) / 10
    }
}

/// A vector of CVSS 4.0 and its score (https://www.first.org/cvss/v4.0/specification-document, section 8).
private struct VectorOfVersion4 {
    /// The values of the metrics that count, from the worst on; what is not in a vector is worst but where noted.
    private static let levels: [String: [String]] = [
        "AV": ["N", "A", "L", "P"], "PR": ["N", "L", "H"], "UI": ["N", "P", "A"], "AC": ["L", "H"], "AT": ["N", "P"],
        "VC": ["H", "L", "N"], "VI": ["H", "L", "N"], "VA": ["H", "L", "N"], "SC": ["S", "H", "L", "N"],
        "SI": ["S", "H", "L", "N"], "SA": ["S", "H", "L", "N"], "CR": ["H", "M", "L"], "IR": ["H", "M", "L"],
        "AR": ["H", "M", "L"], "E": ["A", "P", "U"],
    ]
    private static let required = ["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"]
    private static let supplemental: [String: [String]] = [
        "S": ["X", "N", "P"], "AU": ["X", "N", "Y"], "R": ["X", "A", "U", "I"], "V": ["X", "D", "C"],
        "RE": ["X", "L", "M", "H"], "U": ["X", "Clear", "Green", "Amber", "Red"],
    ]

    /// How far each metric is from its worst value.
    private var distances: [String: Int] = [:]

    init?(_ metrics: [String: String]) {
        for metric in Self.required {
            guard let value = metrics[metric], Self.levels[metric]?.contains(value) == true,
                value != "S" || !["SC", "SI", "SA"].contains(metric)
            else { return nil }
        }
        for (metric, value) in metrics {
            if let known = Self.supplemental[metric] {
                guard known.contains(value) else { return nil }
                continue
            }
            let base = metric.hasPrefix("M") ? String(metric.dropFirst()) : metric
            guard let levels = Self.levels[base] else { return nil }
            guard value == "X" && !Self.required.contains(metric) || levels.contains(value) else { return nil }
            if metric.hasPrefix("M") {
                guard Self.required.contains(base), value != "S" || base == "SI" || base == "SA" else { return nil }
            }
        }
        for (metric, levels) in Self.levels {
            let modified = metrics["M" + metric].flatMap { $0 == "X" ? nil : $0 }
            let own = metrics[metric].flatMap { $0 == "X" ? nil : $0 }
            guard let value = modified ?? own ?? levels.first, let level = levels.firstIndex(of: value) else {
                return nil
            }
            distances[metric] = level
        }
    }

    private func at(_ metric: String) -> Int { distances[metric] ?? 0 }

    /// The levels of the classes EQ1 to EQ6.
    private var classes: [Int] {
        let isOpen = [at("AV"), at("PR"), at("UI")]
        let first = isOpen == [0, 0, 0] ? 0 : isOpen.contains(0) && at("AV") != 3 ? 1 : 2
        let second = at("AC") == 0 && at("AT") == 0 ? 0 : 1
        let impacts = [at("VC"), at("VI"), at("VA")]
        let third = at("VC") == 0 && at("VI") == 0 ? 0 : impacts.contains(0) ? 1 : 2
        let fourth = at("SI") == 0 || at("SA") == 0 ? 0 : [at("SC"), at("SI"), at("SA")].contains(1) ? 1 : 2
        let isWanted =
            at("CR") == 0 && at("VC") == 0 || at("IR") == 0 && at("VI") == 0 || at("AR") == 0 && at("VA") == 0
        return [first, second, third, fourth, at("E"), isWanted ? 0 : 1]
    }

    private static func table(_ classes: [Int]) -> Double? {
        MacroVectorScores.table[classes.reduce(0) { $0 * 10 + $1 }].map { Double($0) / 10 }
    }

    /// The worst vectors of each class and level, as distances of the metrics named with them.
    private static let worst: [(metrics: [String], levels: [[[Int]]])] = [
        (["AV", "PR", "UI"], [[[0, 0, 0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[3, 0, 0], [1, 1, 1]]]),
        (["AC", "AT"], [[[0, 0]], [[1, 0], [0, 1]]]),
        (["SC", "SI", "SA"], [[[1, 0, 0]], [[1, 1, 1]], [[2, 2, 2]]]),
        (["E"], [[[0]], [[1]], [[2]]]),
    ]
    /// Of EQ3 and EQ6 together: distances of VC, VI, VA, CR, IR and AR.
    private static let worstImpacts: [Int: [[Int]]] = [
        00: [[0, 0, 0, 0, 0, 0]], 01: [[0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1]],
        10: [[1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]],
        11: [[1, 0, 1, 0, 1, 0], [1, 0, 0, 0, 1, 1], [0, 1, 0, 1, 0, 1], [0, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 1]],
        21: [[1, 1, 1, 0, 0, 0]],
    ]
    /// How many steps a level of a class is deep (section 8.2, table 24 and the following).
    private static let depths: [[Int]] = [[1, 4, 5], [1, 2], [6, 5, 4], [1, 1, 1]]
    private static let impactDepths: [Int: Int] = [00: 7, 01: 6, 10: 8, 11: 8, 21: 10]

    var score: Double? {
        if ["VC", "VI", "VA"].allSatisfy({ at($0) == 2 }), ["SC", "SI", "SA"].allSatisfy({ at($0) == 3 }) { return 0 }
        let classes = classes
        guard let value = Self.table(classes) else { return nil }
        var steps: [Double] = []
        /// One class's share: how far the next lower macro vector is, times how much of the way this vector has gone.
        func add(_ lower: Double?, _ distance: Int?, depth: Int) {
            guard let lower, let distance else { return }
            steps.append((value - lower) * Double(distance) / Double(depth))
        }
        for (place, index) in [(0, 0), (1, 1), (2, 3), (3, 4)] {
            var next = classes
            next[index] += 1
            let (metrics, levels) = Self.worst[place]
            let distance = distance(metrics, from: levels[classes[index]])
            add(Self.table(next), distance, depth: Self.depths[place][classes[index]])
        }
        let impact = classes[2] * 10 + classes[5]
        add(
            lowerImpact(classes),
            distance(["VC", "VI", "VA", "CR", "IR", "AR"], from: Self.worstImpacts[impact] ?? []),
            depth: Self.impactDepths[impact] ?? 1)
        let mean = steps.isEmpty ? 0 : steps.reduce(0, +) / Double(steps.count)
        // A little more, so that a half is one in binary, too.
        return (max(0, min(10, value - mean)) * 10 + 0.00001).rounded() / 10
    }

    /// The score of the next lower macro vector in EQ3 and EQ6: of two ways down the one to the higher score.
    private func lowerImpact(_ classes: [Int]) -> Double? {
        func score(_ third: Int, _ sixth: Int) -> Double? {
            var next = classes
            (next[2], next[5]) = (third, sixth)
            return Self.table(next)
        }
        switch (classes[2], classes[5]) {
        case (0, 0): return [score(0, 1), score(1, 0)].compactMap(\.self).max()
        case (0, 1), (1, 0): return score(1, 1)
        case (1, 1): return score(2, 1)
        default: return nil
        }
    }

    /// The steps from the first of the worst vectors that is nowhere better than this one.
    private func distance(_ metrics: [String], from worst: [[Int]]) -> Int? {
        for vector in worst {
            let steps = zip(metrics, vector).map { at($0) - $1 }
            if steps.allSatisfy({ $0 >= 0 }) { return steps.reduce(0, +) }
        }
        return nil
    }
}
