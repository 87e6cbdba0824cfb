/// The order of PEP 440 (https://packaging.python.org/en/latest/specifications/version-specifiers/).
struct PythonVersion {
    private var epoch: [UInt8] = []
    private var release: [[UInt8]] = []
    /// `a`, `b` or `rc`, and its number.
    private var pre: (word: UInt8, number: [UInt8])?
    private var post: [UInt8]?
    private var dev: [UInt8]?
    private var local: [[UInt8]] = []

    /// Versions that break the rules come before all others, in the order of their bytes.
    static func compare(_ left: String, _ right: String) -> Int {
        switch (PythonVersion(left), PythonVersion(right)) {
        case (let left?, let right?): left.compare(right)
        case (nil, nil): VersionOrder.compareBytes(left.utf8, right.utf8)
        case (nil, _): -1
        case (_, nil): 1
        }
    }

    init?(_ text: String) {
        var reader = Reader(text: Array(text.lowercased().utf8).filter { $0 != 0x20 && $0 != 0x09 }[...])
        _ = reader.take("v")
        guard let first = reader.number() else { return nil }
        if reader.take("!") {
            epoch = first
            guard let number = reader.number() else { return nil }
            release = [number]
        } else {
            release = [first]
        }
        while reader.isNext("."), reader.hasDigit(at: 1) {
            _ = reader.take(".")
            release.append(reader.number() ?? [])
        }
        for (words, kind) in [(["alpha", "a"], 0), (["beta", "b"], 1), (["preview", "pre", "rc", "c"], 2)]
        where pre == nil {
            if let number = reader.suffix(words) { pre = (UInt8(kind), number) }
        }
        if reader.isNext("-"), reader.hasDigit(at: 1) {
            _ = reader.take("-")
            post = reader.number()
        } else {
            post = reader.suffix(["post", "rev", "r"])
        }
        dev = reader.suffix(["dev"])
        if reader.take("+") {
            let parts = reader.text.split(omittingEmptySubsequences: false) { ".-_".utf8.contains($0) }
            local = parts.map { Array($0) }
            guard
                local.allSatisfy({
                    !$0.isEmpty && $0.allSatisfy { VersionOrder.isDigit($0) || VersionOrder.isLetter($0) }
                })
            else { return nil }
            reader.text = []
        }
        guard reader.text.isEmpty else { return nil }
        while release.count > 1, release.last?.allSatisfy({ $0 == 0x30 }) == true { release.removeLast() }
    }

    private struct Reader {
        var text: ArraySlice<UInt8>

        func isNext(_ word: String) -> Bool { text.starts(with: word.utf8) }
        func hasDigit(at offset: Int) -> Bool { text.dropFirst(offset).first.map(VersionOrder.isDigit) == true }

        mutating func take(_ word: String) -> Bool {
            guard isNext(word) else { return false }
            text = text.dropFirst(word.utf8.count)
            return true
        }

        mutating func number() -> [UInt8]? {
            let digits = text.prefix(while: VersionOrder.isDigit)
            text = text.dropFirst(digits.count)
            return digits.isEmpty ? nil : Array(digits)
        }

        /// `.post1`, `-rev-2`, `dev`: a word with separators around it and a number, 0 where it is left out.
        mutating func suffix(_ words: [String]) -> [UInt8]? {
            func isSeparator(_ byte: UInt8?) -> Bool { byte.map { ".-_".utf8.contains($0) } == true }
            var copy = self
            if isSeparator(copy.text.first) { copy.text = copy.text.dropFirst() }
            guard words.contains(where: { copy.take($0) }) else { return nil }
            if isSeparator(copy.text.first), copy.hasDigit(at: 1) { copy.text = copy.text.dropFirst() }
            let number = copy.number() ?? [0x30]
            self = copy
            return number
        }
    }

    func compare(_ other: PythonVersion) -> Int {
        var order = VersionOrder.compareNumbers(epoch, other.epoch)
        if order != 0 { return order }
        for index in 0..<max(release.count, other.release.count) {
            order = VersionOrder.compareNumbers(
                index < release.count ? release[index] : [], index < other.release.count ? other.release[index] : [])
            if order != 0 { return order }
        }
        order = Self.sign(preRank - other.preRank)
        if order != 0 { return order }
        if let pre, let others = other.pre {
            order = VersionOrder.compareNumbers(pre.number, others.number)
            if order != 0 { return order }
        }
        order = Self.compareOptional(post, other.post, absent: -1)
        if order != 0 { return order }
        order = Self.compareOptional(dev, other.dev, absent: 1)
        return order != 0 ? order : compareLocal(other)
    }

    /// A development release of no prerelease comes before all prereleases; the release after them.
    private var preRank: Int {
        if let pre { return Int(pre.word) }
        return post == nil && dev != nil ? -1 : 3
    }

    private static func sign(_ number: Int) -> Int { number < 0 ? -1 : number > 0 ? 1 : 0 }

    private static func compareOptional(_ left: [UInt8]?, _ right: [UInt8]?, absent: Int) -> Int {
        switch (left, right) {
        case (nil, nil): 0
        case (nil, _): absent
        case (_, nil): -absent
        case (let left?, let right?): VersionOrder.compareNumbers(left, right)
        }
    }

    /// Words before numbers; the shorter first.
    private func compareLocal(_ other: PythonVersion) -> Int {
        for (left, right) in zip(local, other.local) {
            let isLeftNumber = left.allSatisfy(VersionOrder.isDigit)
            let isRightNumber = right.allSatisfy(VersionOrder.isDigit)
            if isLeftNumber != isRightNumber { return isLeftNumber ? 1 : -1 }
            let order =
                isLeftNumber ? VersionOrder.compareNumbers(left, right) : VersionOrder.compareBytes(left, right)
            if order != 0 { return order }
        }
        return Self.sign(local.count - other.local.count)
    }
}
