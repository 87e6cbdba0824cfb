/// A version as Go's modules write it: `v1`, `v1.2` or `v1.2.3-pre+build`.
struct SemanticVersion {
    /// One to three numbers, as text.
    let numbers: [String]
    let prerelease: String
    let build: String

    init?(_ text: String) {
        guard text.hasPrefix("v") else { return nil }
        var rest = text.dropFirst()
        var build = ""
        var prerelease = ""
        if let plus = rest.firstIndex(of: "+") {
            build = String(rest[plus...])
            rest = rest[..<plus]
        }
        if let dash = rest.firstIndex(of: "-") {
            prerelease = String(rest[dash...])
            rest = rest[..<dash]
        }
        let parts = rest.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let isNumeric = parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { 0x30...0x39 ~= $0 } && (part == "0" || !part.hasPrefix("0"))
        }
        guard 1...3 ~= parts.count, isNumeric, parts.count == 3 || (prerelease.isEmpty && build.isEmpty) else {
            return nil
        }
        guard [prerelease, build].allSatisfy({ Self.isSuffix($0) }) else { return nil }
        numbers = parts
        self.prerelease = prerelease
        self.build = build
    }

    private static func isSuffix(_ text: String) -> Bool {
        text.isEmpty
            || text.dropFirst().split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty
                    && part.utf8.allSatisfy {
                        0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || $0 == 0x2D
                    }
            }
    }

    /// `vX.Y.Z` and nothing more.
    var isRelease: Bool { numbers.count == 3 && prerelease.isEmpty && build.isEmpty }

    /// Whether a version that may leave parts out means this one. Parts that this leaves out are 0, and what stands
    /// behind a `+` has no meaning (semver.org, 10).
    func isMeant(by wanted: SemanticVersion) -> Bool {
        let full = numbers + Array(repeating: "0", count: 3 - numbers.count)
        guard full.starts(with: wanted.numbers) else { return false }
        return wanted.numbers.count < 3 || prerelease == wanted.prerelease
    }
}
