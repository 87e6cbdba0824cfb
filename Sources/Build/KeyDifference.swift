package import Bytes

/// One thing in which two key manifests differ: the answer to "why is this built again?".
package struct KeyDifference: Sendable, Hashable, CustomStringConvertible {
    /// The member of the manifest, as a path such as `sources/src/main.go`.
    package var path: String
    /// What it was; `nil` when it was not there.
    package var before: String?
    /// What it is; `nil` when it is gone.
    package var after: String?

    package init(path: String, before: String?, after: String?) {
        self.path = path
        self.before = before
        self.after = after
    }

    package var description: String {
        switch (before, after) {
        case (nil, let after?): "\(path) was added (\(Self.short(after)))"
        case (let before?, nil): "\(path) was removed (was \(Self.short(before)))"
        case (let before?, let after?): "\(path) changed: \(Self.short(before)) -> \(Self.short(after))"
        case (nil, nil): path
        }
    }

    private static func short(_ text: String) -> String {
        if text.count >= 64, text.prefix(64).allSatisfy(\.isHexDigit) {
            return String(text.prefix(12) + text.dropFirst(64))
        }
        return text.count > 120 ? text.prefix(117) + "..." : text
    }

    /// Every difference between two manifests, in the order of their members.
    package static func between(_ before: JSON, _ after: JSON) -> [KeyDifference] {
        var differences: [KeyDifference] = []
        compare(before, after, at: [], into: &differences)
        return differences
    }

    private static func compare(
        _ before: JSON?, _ after: JSON?, at path: [String], into differences: inout [KeyDifference]
    ) {
        guard before != after else { return }
        if let old = before?.objectValue, let new = after?.objectValue {
            let names = old.keys + new.keys.filter { old[$0] == nil }
            for name in names { compare(before?[name], after?[name], at: path + [name], into: &differences) }
        } else if let old = before?.arrayValue, let new = after?.arrayValue, isNamed(old), isNamed(new) {
            let (old, new) = (byName(old), byName(new))
            for name in Set(old.keys).union(new.keys).sorted() {
                compare(old[name], new[name], at: path + [name], into: &differences)
            }
        } else {
            differences.append(
                KeyDifference(path: path.joined(separator: "/"), before: text(before), after: text(after)))
        }
    }

    /// Whether every element has a name of its own, a step's kind or a dependency's package, so that elements can be
    /// compared by it.
    private static func isNamed(_ array: [JSON]) -> Bool {
        let names = array.compactMap(name)
        return !array.isEmpty && names.count == array.count && Set(names).count == names.count
    }

    private static func name(_ json: JSON) -> String? {
        guard json.objectValue != nil else { return nil }
        if let package = json["package"]?.stringValue { return package + " at " + (json["path"]?.stringValue ?? "") }
        return json["kind"]?.stringValue
    }

    private static func byName(_ array: [JSON]) -> [String: JSON] {
        Dictionary(array.compactMap { json in name(json).map { ($0, json) } }, uniquingKeysWith: { $1 })
    }

    private static func text(_ json: JSON?) -> String? {
        guard let json, json != .null else { return nil }
        return json.stringValue ?? json.text(indented: false)
    }
}
