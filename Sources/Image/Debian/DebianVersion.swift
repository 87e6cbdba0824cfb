internal import Inventory

/// A version of a Debian package, ordered as dpkg orders them (Debian Policy section 5.6.12).
package struct DebianVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let text: String

    package var description: String { text }

    /// `nil` for what is no version.
    package init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= 512, text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        var rest = text[...]
        if let colon = rest.firstIndex(of: ":") {
            guard let epoch = Int(rest[..<colon]), 0...Int(Int32.max) ~= epoch else { return nil }
            rest = rest[rest.index(after: colon)...]
        }
        let upstream = rest.lastIndex(of: "-").map { rest[..<$0] } ?? rest
        guard !upstream.isEmpty else { return nil }
        self.text = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: ".+-:~".utf8.contains(byte)
        }
    }

    package static func < (left: DebianVersion, right: DebianVersion) -> Bool { left.order(to: right) < 0 }

    /// Negative, zero or positive. Different texts can be the same version, so this and `==` differ.
    func order(to other: DebianVersion) -> Int { VersionOrder.compare(text, other.text, in: .debian) }
}

/// What one package asks of another (Debian Policy section 7.1).
struct DebianDependency: Hashable, Sendable {
    enum Relation: String, Hashable, Sendable {
        case earlier = "<<"
        case earlierOrEqual = "<="
        case equal = "="
        case laterOrEqual = ">="
        case later = ">>"
    }

    /// One of the packages that will do.
    struct Alternative: Hashable, Sendable {
        var name: String
        var relation: Relation?
        var version: DebianVersion?

        func isSatisfied(by other: DebianVersion) -> Bool {
            guard let relation, let version else { return true }
            let order = other.order(to: version)
            return switch relation {
            case .earlier: order < 0
            case .earlierOrEqual: order <= 0
            case .equal: order == 0
            case .laterOrEqual: order >= 0
            case .later: order > 0
            }
        }
    }

    var alternatives: [Alternative]

    /// Reads the value of `Depends` and the like.
    static func parse(_ text: String) throws(ImageError) -> [DebianDependency] {
        var out: [DebianDependency] = []
        for clause in text.split(separator: ",") {
            var alternatives: [Alternative] = []
            for part in clause.split(separator: "|") {
                let words = part.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                if words.isEmpty { continue }
                alternatives.append(try alternative(words))
            }
            if !alternatives.isEmpty { out.append(DebianDependency(alternatives: alternatives)) }
        }
        return out
    }

    private static func alternative(_ text: String) throws(ImageError) -> Alternative {
        let qualified = text.prefix { $0 != " " && $0 != "(" }
        let name = String(qualified.prefix { $0 != ":" })
        guard DebianName.isValid(name) else { throw ImageError(.malformed, "`\(text)` is no dependency of Debian's") }
        guard let open = text.firstIndex(of: "("), let close = text[open...].firstIndex(of: ")") else {
            return Alternative(name: name)
        }
        let inner = text[text.index(after: open)..<close].filter { $0 != " " }
        let sign = inner.prefix { "<>=".contains($0) }
        // `<` and `>` alone are an old way to say <= and >=.
        let relation = Relation(rawValue: sign == "<" ? "<=" : sign == ">" ? ">=" : String(sign))
        guard let relation, let version = DebianVersion(String(inner.dropFirst(sign.count))) else {
            throw ImageError(.malformed, "`\(text)` is no dependency of Debian's")
        }
        return Alternative(name: name, relation: relation, version: version)
    }
}

/// Names of packages and architectures.
enum DebianName {
    /// Debian Policy section 5.6.7, with a length that file names hold.
    static func isValid(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 128 else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte || 0x61...0x7A ~= byte }
        return isAlphanumeric(first) && name.utf8.allSatisfy { isAlphanumeric($0) || "+-.".utf8.contains($0) }
    }
}
