package import Attest
internal import Bytes
package import Inventory

/// What one statement says, as nodes and relations: all that the index keeps of it.
package struct StatementFacts: Sendable {
    /// One thing said.
    package struct Mention: Hashable, Sendable {
        package var relation: Relation
        package var node: Node
    }

    /// In the statement's order, the first subject first; no mention twice.
    package private(set) var mentions: [Mention] = []
    /// Between contained packages: which needs which.
    package private(set) var dependencies: [(from: Node, to: Node)] = []
    package private(set) var predicateType: String
    /// Seconds since 1970; 0 where the statement does not say.
    package private(set) var time: Int64 = 0
    private var seen: Set<Mention> = []

    /// The most mentions of one statement.
    package static let mentionLimit = 1_000_000

    private init(predicateType: String) { self.predicateType = predicateType }

    private mutating func add(_ relation: Relation, _ node: Node?) throws(LineageError) {
        guard let node else { return }
        let mention = Mention(relation: relation, node: node)
        // Small statements are searched; hashing every mention would take longer than all else.
        if mentions.count < 16 {
            if mentions.contains(mention) { return }
        } else {
            if seen.isEmpty { seen = Set(mentions) }
            guard seen.insert(mention).inserted else { return }
        }
        guard mentions.count < Self.mentionLimit else {
            throw LineageError(.limit, "the statement mentions more than \(Self.mentionLimit) things")
        }
        mentions.append(mention)
    }

    /// What an in-toto statement says. Predicates that are neither provenance nor a bill of materials are kept with
    /// their subjects alone.
    package init(_ statement: Statement) throws(LineageError) {
        self.init(predicateType: statement.predicateType)
        let view = try? ProvenanceView(statement)
        // martlet's own statements name the artifact first, and then every file in it.
        let parts = view?.isMartletBuild == true ? 1 : Int.max
        for (index, subject) in statement.subjects.enumerated() {
            try add(index < parts ? .subject : .contains, Node.artifact(subject.digest) ?? Self.commit(subject.digest))
            if index < parts, !subject.name.isEmpty {
                try add(.named, Node(.name, subject.name))
                if let purl = PackageURL(subject.name) { try add(.subject, .package(purl)) }
            }
        }
        if let view {
            try read(view)
        } else if let format = BillFormat(predicateType: statement.predicateType),
            let bill = try? BillOfMaterials(parsing: statement.predicate, format: format)
        {
            try read(bill)
        }
    }

    /// What a bill of materials says that is no attestation: its own word is all there is.
    package init(document bill: BillOfMaterials, format: BillFormat) throws(LineageError) {
        self.init(predicateType: format.predicateType)
        var digests: [String: String] = [:]
        for checksum in bill.subject.checksums { digests[checksum.algorithm] = checksum.value }
        try add(.subject, Node.artifact(digests))
        if let purl = bill.subject.purl { try add(.subject, .package(purl)) }
        if !bill.subject.name.isEmpty { try add(mentions.isEmpty ? .subject : .named, Node(.name, bill.subject.name)) }
        try read(bill)
    }

    /// Adds who signed, as a verifier said.
    package mutating func sign(by identity: String) throws(LineageError) {
        try add(.signedBy, Node(.identity, identity))
    }

    private static func commit(_ digests: [String: String]) -> Node? {
        let hex = digests["gitCommit"] ?? digests["sha1"]
        return hex.map { Node(.commit, $0.lowercased()) }
    }

    // MARK: - Provenance

    private mutating func read(_ view: ProvenanceView) throws(LineageError) {
        if let moment = view.finishedOn ?? view.startedOn { time = moment.seconds }
        try add(.builtBy, Node(.builder, view.builderID))
        if !view.entryPoint.isEmpty { try add(.named, Node(.name, view.entryPoint)) }
        for material in view.materials {
            if material.isGit || material.digest["gitCommit"] != nil {
                try add(.repository, Self.repository(material.uri))
                // Leeway writes a commit under `sha256`.
                let hex =
                    material.digest["gitCommit"] ?? material.digest.values.first { [40, 64].contains($0.utf8.count) }
                try add(.material, hex.map { Node(.commit, $0.lowercased()) })
                continue
            }
            try add(.material, Node.artifact(material.digest))
            if let purl = PackageURL(material.uri) { try add(.material, .package(purl)) }
        }
    }

    /// The repository of `git+https://host/owner/name@ref`, without scheme's prefix and ref.
    static func repository(_ uri: String) -> Node? {
        var text = uri[...]
        if text.hasPrefix("git+") { text = text.dropFirst(4) }
        let path = text.firstRange(of: "://").map { $0.upperBound } ?? text.startIndex
        if let slash = text[path...].firstIndex(of: "/"), let at = text[slash...].firstIndex(of: "@") {
            text = text[..<at]
        }
        if text.hasSuffix(".git") { text = text.dropLast(4) }
        return text.isEmpty ? nil : Node(.repository, String(text))
    }

    // MARK: - Bills of materials

    private mutating func read(_ bill: BillOfMaterials) throws(LineageError) {
        var nodes: [Node] = []
        for component in bill.components {
            let node = Node.package(component.purl)
            nodes.append(node)
            try add(.contains, node)
            try add(.contains, Node.artifact(component.digestSet))
        }
        for (from, list) in bill.dependencies.enumerated() {
            for to in list where nodes[from] != nodes[to] { dependencies.append((nodes[from], nodes[to])) }
        }
    }
}
