internal import Bytes

// go.mod and go.sum (https://go.dev/ref/mod, sections go.mod and go.sum files).

extension LockFile {
    /// Reads the build list that go.mod gives, with the hashes of go.sum.
    mutating func readGoMod(_ bytes: [UInt8], sums: [UInt8]?) throws(InventoryError) {
        var module = GoModule()
        for line in try TextLines(bytes) { try module.read(line) }
        let hashes = try sums.map { bytes throws(InventoryError) in try Self.goSums(bytes).hashes } ?? [:]
        for requirement in module.requirements {
            var name = requirement.name
            var version = requirement.version
            if let target = module.replacement(of: name, version) {
                // A directory of the workspace is no dependency on anything outside.
                guard let replaced = target.version else { continue }
                name = target.name
                version = replaced
            }
            var component = Component(.go, name: name, version: version)
            component.isDirect = !requirement.isIndirect
            if let hash = hashes["\(name)@\(version)"] {
                component.checksums = [.init("h1", hash)]
            } else {
                note("\(name)@\(version)", line: requirement.line, "has no hash in go.sum")
            }
            try add(component, line: requirement.line)
        }
        if module.isUnpruned, !module.requirements.isEmpty {
            note(module.name, line: 1, "is of a Go before 1.17, whose go.mod does not list what is needed indirectly")
        }
    }

    /// Reads go.sum alone: every module whose content has a hash.
    mutating func readGoSum(_ bytes: [UInt8]) throws(InventoryError) {
        for entry in try Self.goSums(bytes).entries {
            var component = Component(.go, name: entry.name, version: entry.version)
            component.checksums = [.init("h1", entry.hash)]
            try add(component, line: entry.line)
        }
    }

    private struct GoSums {
        var entries: [(name: String, version: String, hash: String, line: Int)] = []
        var hashes: [String: String] = [:]
    }

    private static func goSums(_ bytes: [UInt8]) throws(InventoryError) -> GoSums {
        var sums = GoSums()
        for line in try TextLines(bytes) {
            let words = line.text.words
            if words.isEmpty { continue }
            guard words.count == 3 else {
                throw InventoryError(.malformed, "a line of go.sum has three words", line: line.number)
            }
            // Algorithms other than h1 may come; Go passes over them.
            guard words[2].hasPrefix("h1:") else { continue }
            let hash = String(words[2].dropFirst(3))
            guard let decoded = try? Base64.decode(hash), decoded.count == 32 else {
                throw InventoryError(.malformed, "the hash is not 32 bytes in base64", line: line.number)
            }
            if words[1].hasSuffix("/go.mod") { continue }
            let key = "\(words[0])@\(words[1])"
            guard sums.hashes[key] == nil || sums.hashes[key] == hash else {
                throw InventoryError(.malformed, "\(key) has two hashes", line: line.number)
            }
            if sums.hashes.updateValue(hash, forKey: key) == nil {
                sums.entries.append((String(words[0]), String(words[1]), hash, line.number))
            }
        }
        return sums
    }
}

/// What a go.mod says.
private struct GoModule {
    struct Requirement {
        var name: String
        var version: String
        var isIndirect: Bool
        var line: Int
    }

    struct Replacement {
        var name: String
        /// `nil` replaces every version.
        var version: String?
        var targetName: String
        /// `nil` for a directory.
        var targetVersion: String?
    }

    var name = ""
    var requirements: [Requirement] = []
    private var replacements: [Replacement] = []
    /// Whether requirements of requirements are left out (before Go 1.17).
    private(set) var isUnpruned = true
    private var block = ""

    func replacement(of name: String, _ version: String) -> (name: String, version: String?)? {
        let exact = replacements.first { $0.name == name && $0.version == version }
        let any = exact ?? replacements.first { $0.name == name && $0.version == nil }
        return any.map { ($0.targetName, $0.targetVersion) }
    }

    mutating func read(_ line: TextLines.Line) throws(InventoryError) {
        let parts = line.text.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false)
        let isIndirect = parts.count > 1 && parts[1].words.first.map { $0 == "indirect" || $0 == "indirect;" } == true
        var words = (parts.first ?? "").words.map { String($0.withoutQuotes) }
        if words.isEmpty { return }
        if block.isEmpty {
            let verb = words.removeFirst()
            if words.first == "(" {
                block = verb
                return
            }
            try read(verb, words, isIndirect, line.number)
        } else if words[0] == ")" {
            block = ""
        } else {
            try read(block, words, isIndirect, line.number)
        }
    }

    private mutating func read(
        _ verb: String, _ words: [String], _ isIndirect: Bool, _ line: Int
    ) throws(InventoryError) {
        switch verb {
        case "module": name = words.first ?? ""
        case "go":
            let numbers = (words.first ?? "").split(separator: ".").prefix(2).map {
                Int($0.prefix { $0.isNumber }) ?? 0
            }
            isUnpruned = numbers.count == 2 && (numbers[0], numbers[1]) < (1, 17)
        case "require":
            guard words.count == 2 else {
                throw InventoryError(.malformed, "require takes a module and a version", line: line)
            }
            requirements.append(.init(name: words[0], version: words[1], isIndirect: isIndirect, line: line))
        case "replace":
            guard let arrow = words.firstIndex(of: "=>"), 1...2 ~= arrow, 1...2 ~= words.count - arrow - 1 else {
                throw InventoryError(.malformed, "replace takes a module, => and another", line: line)
            }
            replacements.append(
                .init(
                    name: words[0], version: arrow == 2 ? words[1] : nil, targetName: words[arrow + 1],
                    targetVersion: words.count - arrow == 3 ? words[arrow + 2] : nil))
        case "exclude", "retract", "toolchain", "tool", "godebug", "ignore": break
        default: throw InventoryError(.malformed, "\(verb) is no directive of go.mod", line: line)
        }
    }
}

extension Substring {
    /// This text without the quotes around it, if it has any.
    var withoutQuotes: Substring {
        guard utf8.count >= 2, let first = utf8.first, first == utf8.last,
            first == UInt8(ascii: "\"") || first == UInt8(ascii: "`") || first == UInt8(ascii: "'")
        else { return self }
        return dropFirst().dropLast()
    }
}
