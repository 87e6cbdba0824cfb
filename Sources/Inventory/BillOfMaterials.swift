internal import Bytes

/// What something consists of: components without duplicates, and who needs whom. Equal inputs in any order give equal
/// values.
package struct BillOfMaterials: Sendable {
    /// What the bill is of.
    package struct Subject: Hashable, Sendable {
        package var name: String
        /// Empty where there is none.
        package var version: String
        package var purl: PackageURL?
        package var checksums: [Component.Checksum]

        package init(
            name: String, version: String = "", purl: PackageURL? = nil, checksums: [Component.Checksum] = []
        ) {
            self.name = name
            self.version = version
            self.purl = purl
            self.checksums = checksums
        }
    }

    package var subject: Subject
    /// Sorted by package URL.
    package private(set) var components: [Component]
    /// For each component the indices of those that it needs, in order.
    package private(set) var dependencies: [[Int]]
    /// What is not pinned, by file and line.
    package private(set) var unpinned: [LockFile.Unpinned]

    /// The most components.
    package static let componentLimit = 500_000

    /// Puts lock files together. Components of one package URL become one, with the checksums of all.
    package init(of subject: Subject, lockFiles: [LockFile]) throws(InventoryError) {
        var components: [Component] = []
        var edges: [[Int]] = []
        for file in lockFiles {
            let base = components.count
            components += file.components
            edges += file.dependencies.map { $0.map { $0 + base } }
        }
        try self.init(
            of: subject, components: components, dependencies: edges, unpinned: lockFiles.flatMap(\.unpinned))
    }

    /// Sorts components and joins equal ones.
    package init(
        of subject: Subject, components: [Component], dependencies: [[Int]], unpinned: [LockFile.Unpinned] = []
    ) throws(InventoryError) {
        guard components.count <= Self.componentLimit else {
            throw InventoryError(.limit, "there are more than \(Self.componentLimit) components")
        }
        self.subject = subject
        let keys = components.map { $0.purl.description }
        let order = components.indices.sorted { left, right in
            keys[left] == keys[right]
                ? (components[left].file, components[left].line) < (components[right].file, components[right].line)
                : keys[left].utf8.lexicographicallyPrecedes(keys[right].utf8)
        }
        var places = [Int](repeating: 0, count: components.count)
        var unique: [Component] = []
        var last: String?
        for index in order {
            if last == keys[index] {
                unique[unique.count - 1].merge(components[index])
            } else {
                unique.append(components[index])
                last = keys[index]
            }
            places[index] = unique.count - 1
        }
        var joined = [Set<Int>](repeating: [], count: unique.count)
        for (from, list) in dependencies.enumerated() where from < components.count {
            for to in list where places[to] != places[from] { joined[places[from]].insert(places[to]) }
        }
        self.components = unique
        self.dependencies = joined.map { $0.sorted() }
        self.unpinned = unpinned.sorted {
            ($0.file, $0.line, $0.name, $0.reason) < ($1.file, $1.line, $1.name, $1.reason)
        }
    }

    /// What the subject needs itself: what lock files call direct, and what nothing else needs.
    package var direct: [Int] {
        var isNeeded = [Bool](repeating: false, count: components.count)
        for list in dependencies { for index in list { isNeeded[index] = true } }
        return components.indices.filter { components[$0].isDirect == true || !isNeeded[$0] }
    }

    /// How many components there are of each language, the most first.
    package var languages: [(language: String, count: Int)] {
        var counts: [String: Int] = [:]
        for component in components { counts[component.ecosystem.language, default: 0] += 1 }
        return counts.map { ($0.key, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }
}

extension Component {
    /// Takes over what another place says of the same component.
    fileprivate mutating func merge(_ other: Component) {
        for checksum in other.checksums where !checksums.contains(checksum) { checksums.append(checksum) }
        license = license ?? other.license
        source = source ?? other.source
        sourcePackage = sourcePackage ?? other.sourcePackage
        if other.scope == .runtime { scope = .runtime }
        if let isOther = other.isDirect { isDirect = isOther || isDirect == true }
    }
}
