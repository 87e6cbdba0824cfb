package import Bytes
internal import Inventory

/// Something that statements speak of.
package struct Node: Hashable, Sendable {
    /// What it is. The numbers are on disk.
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// Bytes known by their digest: a file, an archive, an image.
        case artifact = 1
        /// A package of one version, as a package URL without qualifiers.
        case package = 2
        /// A package of any version, as a package URL without version.
        case packageName = 3
        /// The last part of a package's name, in lower case: what people type.
        case plainName = 4
        case commit = 5
        case repository = 6
        /// A builder with its version.
        case builder = 7
        /// A builder of any version.
        case builderName = 8
        /// Who signed, as the verifier gave it.
        case identity = 9
        /// What a statement calls its subject.
        case name = 10
        case predicateType = 11

        /// The word in JSON and graphs.
        package var word: String {
            switch self {
            case .artifact: "artifact"
            case .package: "package"
            case .packageName, .plainName: "package-name"
            case .commit: "commit"
            case .repository: "repository"
            case .builder, .builderName: "builder"
            case .identity: "identity"
            case .name: "name"
            case .predicateType: "predicate-type"
            }
        }
    }

    /// What tells nodes of one kind apart.
    package enum Key: Hashable, Sendable {
        /// SHA-256.
        case digest(Digest)
        /// Any other; other digests as `sha512:HEX`.
        case text(String)
    }

    package var kind: Kind
    package var key: Key

    package init(_ kind: Kind, _ key: Key) {
        self.kind = kind
        self.key = key
    }

    /// The longest text of a key; longer ones are cut, and can't be told apart behind it.
    static let textLimit = 2048

    package init(_ kind: Kind, _ text: String) {
        self.init(
            kind,
            .text(
                text.utf8.count <= Self.textLimit
                    ? text : String(decoding: text.utf8.prefix(Self.textLimit), as: UTF8.self)))
    }

    /// The text for people and programs.
    package var text: String {
        switch key {
        case .digest(let digest): digest.description
        case .text(let text): text
        }
    }

    /// The node that stands for all like this one: of a package any version, of a builder any version.
    var parent: Node? {
        guard case .text(let text) = key else { return nil }
        switch kind {
        case .package:
            guard let purl = PackageURL(text) else { return nil }
            return Node(.packageName, purl.package.description)
        case .packageName:
            guard let purl = PackageURL(text) else { return nil }
            return Node(.plainName, purl.name.lowercased())
        case .builder:
            let name = text.prefix { $0 != "@" }
            let slash = name.lastIndex(of: "/") ?? name.startIndex
            guard let colon = name[slash...].firstIndex(of: ":") else {
                return name.utf8.count < text.utf8.count ? Node(.builderName, String(name)) : nil
            }
            return Node(.builderName, String(name[..<colon]))
        default: return nil
        }
    }

    /// The node of a package URL; qualifiers say nothing about which package it is.
    static func package(_ purl: PackageURL) -> Node {
        let plain = PackageURL(type: purl.type, namespace: purl.namespace, name: purl.name, version: purl.version)
        return Node(purl.version.isEmpty ? .packageName : .package, plain.description)
    }

    /// The artifact that a digest set names: by SHA-256 where it is there; `nil` where no algorithm is known.
    static func artifact(_ digests: [String: String]) -> Node? {
        if let hex = digests["sha256"]?.lowercased(), let digest = Digest(hex: hex) {
            return Node(.artifact, .digest(digest))
        }
        for algorithm in ["sha512", "sha384", "sha1", "md5", "dirHash1", "gitTree"] {
            if let hex = digests[algorithm], !hex.isEmpty { return Node(.artifact, "\(algorithm):\(hex.lowercased())") }
        }
        return nil
    }
}

/// What a statement says about a node. The numbers are on disk.
package enum Relation: UInt8, Hashable, Sendable, CaseIterable {
    /// It is about the node.
    case subject = 0
    /// Its subjects were made from the node.
    case material = 1
    /// Its first subject consists of the node, among others.
    case contains = 2
    case builtBy = 3
    case signedBy = 4
    case repository = 5
    /// What it calls a subject.
    case named = 6

    /// The words between a subject and the node.
    package var words: String {
        switch self {
        case .subject: "is about"
        case .material: "was built from"
        case .contains: "contains"
        case .builtBy: "was built by"
        case .signedBy: "was signed by"
        case .repository: "comes from"
        case .named: "is called"
        }
    }

    /// Whether a subject depends on the node.
    var isUse: Bool { self == .material || self == .contains }
}

/// Whether anybody checked who says so.
package enum Standing: UInt8, Hashable, Sendable {
    /// Nobody did: anybody may have written it.
    case unverified = 0
    /// A verifier accepted signature and identity.
    case verified = 1
}
