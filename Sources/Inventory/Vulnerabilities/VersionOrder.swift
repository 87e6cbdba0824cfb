/// The order of versions in an ecosystem. Each is a total order over all texts: what breaks an ecosystem's rules is
/// compared as well as it can be, so that a strange version is never taken for a safe one without comparison.
package enum VersionOrder {
    /// Whether `left` is older than, the same as or newer than `right`: below, at or above 0.
    package static func compare(_ left: String, _ right: String, in ecosystem: Ecosystem) -> Int {
        switch ecosystem {
        case .cargo, .go, .npm, .swift: SemanticVersion(left).compare(SemanticVersion(right))
        case .debian: DebianVersion(left).compare(DebianVersion(right))
        case .pypi: PythonVersion.compare(left, right)
        case .maven: MavenVersion(left).compare(MavenVersion(right))
        case .rubygems: GemVersion(left).compare(GemVersion(right))
        case .composer, .generic: ComposerVersion(left).compare(ComposerVersion(right))
        }
    }

    /// Compares digits by the number that they write, however long it is.
    static func compareNumbers(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Int {
        let left = Array(left.drop { $0 == 0x30 })
        let right = Array(right.drop { $0 == 0x30 })
        if left.count != right.count { return left.count < right.count ? -1 : 1 }
        return compareBytes(left, right)
    }

    static func compareBytes(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Int {
        if left.lexicographicallyPrecedes(right) { return -1 }
        return right.lexicographicallyPrecedes(left) ? 1 : 0
    }

    static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }
    static func isLetter(_ byte: UInt8) -> Bool { 0x41...0x5A ~= byte || 0x61...0x7A ~= byte }

    /// The runs of digits and of letters in a text; everything else separates them.
    static func runs(_ text: some Sequence<UInt8>) -> [[UInt8]] {
        var out: [[UInt8]] = []
        var isInside = false
        for byte in text {
            guard isDigit(byte) || isLetter(byte) else {
                isInside = false
                continue
            }
            if isInside, let last = out.last?.last, isDigit(last) == isDigit(byte) {
                out[out.count - 1].append(byte)
            } else {
                out.append([byte])
            }
            isInside = true
        }
        return out
    }
}

/// Semantic Versioning 2.0.0, with `v` before it or not, and with fewer than three numbers. Go's pseudo versions are
/// such versions, too.
struct SemanticVersion {
    private var numbers: [[UInt8]]
    private var prerelease: [[UInt8]]

    init(_ text: String) {
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "v") || rest.first == UInt8(ascii: "V") || rest.first == UInt8(ascii: "=") {
            rest = rest.dropFirst()
        }
        rest = rest.prefix { $0 != UInt8(ascii: "+") }
        let cut = rest.firstIndex(of: UInt8(ascii: "-"))
        numbers = rest[..<(cut ?? rest.endIndex)].split(separator: 0x2E, omittingEmptySubsequences: false).map(
            Array.init)
        prerelease =
            cut.map {
                rest[($0 + 1)...].split(separator: 0x2E, omittingEmptySubsequences: false).map(Array.init)
            } ?? []
    }

    func compare(_ other: SemanticVersion) -> Int {
        for index in 0..<max(numbers.count, other.numbers.count) {
            let left = index < numbers.count ? numbers[index] : []
            let right = index < other.numbers.count ? other.numbers[index] : []
            let order = Self.compareIdentifiers(left.isEmpty ? [0x30] : left, right.isEmpty ? [0x30] : right)
            if order != 0 { return order }
        }
        // A version without a prerelease comes after all of its prereleases (item 11.3).
        if prerelease.isEmpty || other.prerelease.isEmpty {
            return prerelease.isEmpty == other.prerelease.isEmpty ? 0 : prerelease.isEmpty ? 1 : -1
        }
        for (left, right) in zip(prerelease, other.prerelease) {
            let order = Self.compareIdentifiers(left, right)
            if order != 0 { return order }
        }
        return prerelease.count == other.prerelease.count ? 0 : prerelease.count < other.prerelease.count ? -1 : 1
    }

    /// Numbers by value, before words; words by their bytes (item 11.4).
    private static func compareIdentifiers(_ left: [UInt8], _ right: [UInt8]) -> Int {
        let isLeftNumber = left.allSatisfy(VersionOrder.isDigit)
        let isRightNumber = right.allSatisfy(VersionOrder.isDigit)
        if isLeftNumber && isRightNumber { return VersionOrder.compareNumbers(left, right) }
        if isLeftNumber != isRightNumber { return isLeftNumber ? -1 : 1 }
        return VersionOrder.compareBytes(left, right)
    }
}

/// deb-version(7): `[epoch:]upstream[-revision]`.
struct DebianVersion {
    private var epoch: [UInt8]
    private var upstream: [UInt8]
    private var revision: [UInt8]

    init(_ text: String) {
        var rest = Array(text.utf8)[...]
        epoch = []
        if let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
            epoch = Array(rest[..<colon])
            rest = rest[(colon + 1)...]
        }
        revision = []
        if let dash = rest.lastIndex(of: UInt8(ascii: "-")) {
            revision = Array(rest[(dash + 1)...])
            rest = rest[..<dash]
        }
        upstream = Array(rest)
    }

    func compare(_ other: DebianVersion) -> Int {
        let epochs = VersionOrder.compareNumbers(epoch, other.epoch)
        if epochs != 0 { return epochs }
        let upstreams = Self.compareParts(upstream, other.upstream)
        return upstreams != 0 ? upstreams : Self.compareParts(revision, other.revision)
    }

    /// Letters before other characters, and `~` before the end.
    private static func weight(_ byte: UInt8?) -> Int {
        guard let byte, !VersionOrder.isDigit(byte) else { return 0 }
        if byte == UInt8(ascii: "~") { return -1 }
        return VersionOrder.isLetter(byte) ? Int(byte) : Int(byte) + 256
    }

    private static func compareParts(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var left = left[...]
        var right = right[...]
        while !left.isEmpty || !right.isEmpty {
            while left.first.map({ !VersionOrder.isDigit($0) }) == true
                || right.first.map({ !VersionOrder.isDigit($0) }) == true
            {
                let order = weight(left.first) - weight(right.first)
                if order != 0 { return order < 0 ? -1 : 1 }
                left = left.dropFirst()
                right = right.dropFirst()
            }
            let leftDigits = left.prefix(while: VersionOrder.isDigit)
            let rightDigits = right.prefix(while: VersionOrder.isDigit)
            let order = VersionOrder.compareNumbers(leftDigits, rightDigits)
            if order != 0 { return order }
            left = left.dropFirst(leftDigits.count)
            right = right.dropFirst(rightDigits.count)
        }
        return 0
    }
}

/// Gem::Version of RubyGems: numbers and words; words make a prerelease, and come before numbers.
struct GemVersion {
    private var segments: [[UInt8]]

    init(_ text: String) {
        // A dash stands for a prerelease.
        segments = VersionOrder.runs(Array(text.replacing("-", with: ".pre.").utf8))
        // Zeros at the end of the numbers, and of the prerelease, say nothing.
        let cut = segments.firstIndex { !VersionOrder.isDigit($0[0]) } ?? segments.count
        var release = Array(segments[..<cut])
        var rest = Array(segments[cut...])
        func isZero(_ run: [UInt8]) -> Bool { run.allSatisfy { $0 == 0x30 } }
        while let last = release.last, isZero(last) { release.removeLast() }
        while let last = rest.last, isZero(last) { rest.removeLast() }
        segments = release + rest
    }

    func compare(_ other: GemVersion) -> Int {
        for index in 0..<max(segments.count, other.segments.count) {
            let left = index < segments.count ? segments[index] : [0x30]
            let right = index < other.segments.count ? other.segments[index] : [0x30]
            let isLeftNumber = VersionOrder.isDigit(left[0])
            let isRightNumber = VersionOrder.isDigit(right[0])
            if isLeftNumber != isRightNumber { return isLeftNumber ? 1 : -1 }
            let order =
                isLeftNumber ? VersionOrder.compareNumbers(left, right) : VersionOrder.compareBytes(left, right)
            if order != 0 { return order }
        }
        return 0
    }
}

/// Composer's order: numbers, and behind them words as PHP's version_compare has them.
struct ComposerVersion {
    /// Without zeros at the end: `1.0` and `1.0.0` are one version.
    private var numbers: [[UInt8]]
    private var rest: [[UInt8]]

    init(_ text: String) {
        var bytes = Array(text.lowercased().utf8)[...]
        if bytes.first == UInt8(ascii: "v") { bytes = bytes.dropFirst() }
        let parts = VersionOrder.runs(bytes.prefix { $0 != UInt8(ascii: "+") })
        let cut = parts.firstIndex { !VersionOrder.isDigit($0[0]) } ?? parts.count
        numbers = Array(parts[..<cut])
        rest = Array(parts[cut...])
        while numbers.last?.allSatisfy({ $0 == 0x30 }) == true { numbers.removeLast() }
    }

    /// The order of words; a number, or the end, comes between `rc` and `pl`.
    private static func weight(_ part: [UInt8]?) -> Int {
        guard let part else { return 5 }
        if VersionOrder.isDigit(part[0]) { return 6 }
        switch String(decoding: part, as: UTF8.self) {
        case "dev": return 1
        case "a", "alpha": return 2
        case "b", "beta": return 3
        case "rc": return 4
        case "pl", "p", "patch": return 7
        default: return 0
        }
    }

    func compare(_ other: ComposerVersion) -> Int {
        for index in 0..<max(numbers.count, other.numbers.count) {
            let order = VersionOrder.compareNumbers(
                index < numbers.count ? numbers[index] : [], index < other.numbers.count ? other.numbers[index] : [])
            if order != 0 { return order }
        }
        for index in 0..<max(rest.count, other.rest.count) {
            let left = index < rest.count ? rest[index] : nil
            let right = index < other.rest.count ? other.rest[index] : nil
            var order = Self.weight(left) - Self.weight(right)
            if let left, let right, VersionOrder.isDigit(left[0]), VersionOrder.isDigit(right[0]) {
                order = VersionOrder.compareNumbers(left, right)
            }
            if order != 0 { return order < 0 ? -1 : 1 }
        }
        return 0
    }
}
