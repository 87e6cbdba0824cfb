package import Bytes

/// An image with its platforms and all that is attached to them.
package struct AttachmentTree: Sendable {
    /// What one line of the tree is about.
    package struct Node: Sendable {
        let text: String
        let descriptor: Descriptor
        var children: [Node] = []
    }

    let root: Node

    private static let greatestDepth = 6
    private static let greatestCount = 10_000

    /// Reads the tree. Whatever can't be asked is an error, and not an empty branch.
    package init(_ name: ManifestName, in source: any ImageSource) async throws {
        var seen: Set<MessageDigest> = []
        let found = try await source.manifest(name)
        root = try await Self.node("\(source.shown)", found, in: source, index: nil, depth: 0, &seen)
    }

    private static func node(
        _ text: String, _ found: FoundManifest, in source: any ImageSource, index: ImageIndex?, depth: Int,
        _ seen: inout Set<MessageDigest>
    ) async throws -> Node {
        var node = Node(text: text, descriptor: found.descriptor)
        guard depth < greatestDepth, seen.count < greatestCount, seen.insert(found.descriptor.digest).inserted else {
            return node
        }
        let digest = found.descriptor.digest
        if case .index(let index) = found.manifest {
            for entry in index.images where entry.mediaType.isManifest {
                let name = entry.platform.map { "\($0)".safeForTerminal } ?? "no platform"
                node.children.append(
                    try await Self.node(
                        name, try await source.manifest(entry), in: source, index: index, depth: depth + 1, &seen))
            }
        }
        // BuildKit keeps its own beside the image, in the index.
        for entry in index?.manifests ?? []
        where entry.isAttestation && entry.annotations[Descriptor.buildKitSubject] == "\(digest)" {
            guard case .image(let manifest) = try await source.manifest(entry).manifest else { continue }
            for layer in manifest.layers where layer.mediaType == .statement {
                let kind = layer.annotations[Attachment.buildKitPredicate] ?? "statement"
                node.children.append(
                    Node(text: "\(kind.safeForTerminal) (BuildKit, signed by nobody)", descriptor: layer))
            }
        }
        for referrer in try await source.referrers(of: digest, kind: nil) {
            let kind = referrer.annotations[Attachment.predicateAnnotation] ?? referrer.artifactType?.text ?? "referrer"
            node.children.append(
                try await Self.node(
                    kind.safeForTerminal, try await source.manifest(referrer), in: source, index: nil, depth: depth + 1,
                    &seen))
        }
        guard found.manifest.subject == nil else { return node }
        for suffix in CosignTag.suffixes {
            let tag = CosignTag.name(digest, suffix)
            guard let older = try await source.optional(.tag(tag)), case .image(let manifest) = older.manifest else {
                continue
            }
            for layer in manifest.layers {
                let kind = layer.annotations["predicateType"] ?? layer.mediaType.text
                node.children.append(Node(text: "\(kind.safeForTerminal) (tag .\(suffix))", descriptor: layer))
            }
        }
        return node
    }

    /// The tree for people.
    package var lines: [String] {
        var out: [String] = []
        func add(_ node: Node, _ first: String, _ rest: String) {
            out.append("\(first)\(node.text) \(node.descriptor.digest)")
            for (index, child) in node.children.enumerated() {
                let isLast = index == node.children.count - 1
                add(child, rest + (isLast ? "└─ " : "├─ "), rest + (isLast ? "   " : "│  "))
            }
        }
        add(root, "", "")
        return out
    }

    /// The tree for programs.
    package var json: JSON {
        func value(_ node: Node) -> JSON {
            var object: JSONObject = ["name": .string(node.text)]
            for member in node.descriptor.bare.json.objectValue ?? [:] { object[member.key] = member.value }
            if !node.children.isEmpty { object["attached"] = .array(node.children.map(value)) }
            return .object(object)
        }
        return value(root)
    }
}
