/// Builds the tree of a YAML document, with the comments where Go's yaml.v3 puts them.
struct YAMLParser {
    private var scanner: YAMLCommentScanner
    private let limits: YAMLLimits
    private var tagDirectives: [(handle: String, prefix: String)] = []
    private var anchors: [String: Int] = [:]
    private var document = YAMLDocument()

    private init(_ bytes: [UInt8], limits: YAMLLimits) throws(YAMLError) {
        scanner = try YAMLCommentScanner(bytes, limits: limits)
        self.limits = limits
    }

    /// Parses the first document of `bytes`.
    static func parse(_ bytes: [UInt8], limits: YAMLLimits = YAMLLimits()) throws(YAMLError) -> YAMLDocument {
        var text = bytes
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text.removeFirst(3) }
        var parser = try YAMLParser(text, limits: limits)
        return try parser.parseDocument()
    }

    private func failure(_ message: String, _ token: YAMLToken) -> YAMLError {
        YAMLError(message: "not valid YAML: \(message)", line: token.start.line + 1)
    }

    // MARK: - Documents

    private mutating func parseDocument() throws(YAMLError) -> YAMLDocument {
        _ = scanner.peek()
        scanner.skip()
        var token = scanner.peek()
        let isExplicit = [.versionDirective, .tagDirective, .documentStart].contains(token.kind)
        if token.kind == .streamEnd { return document }
        if isExplicit {
            try parseDirectives()
            token = scanner.peek()
            guard token.kind == .documentStart else {
                throw failure("did not find expected <document start>", token)
            }
            scanner.skip()
        } else {
            splitDocumentComment()
        }
        token = scanner.peek()
        if isExplicit,
            [.versionDirective, .tagDirective, .documentStart, .documentEnd, .streamEnd].contains(token.kind)
        {
            document.root = emptyScalar(token)
        } else {
            document.root = try parseNode(isBlock: true, indentless: false)
        }
        token = scanner.peek()
        if token.kind == .documentEnd { scanner.skip() }
        let comments = scanner.takeComments()
        document.footComment = comments.foot.isEmpty ? comments.head : comments.foot
        guard [.documentEnd, .streamEnd, .versionDirective, .tagDirective, .documentStart].contains(token.kind) else {
            throw failure("did not find expected <document start>", token)
        }
        return document
    }

    private mutating func parseDirectives() throws(YAMLError) {
        while true {
            let token = scanner.peek()
            switch token.kind {
            case .tagDirective: tagDirectives.append((token.value, token.suffix))
            case .versionDirective: break
            default: return
            }
            scanner.skip()
        }
    }

    /// What stands above the last empty line of the comment at the top belongs to the document, the rest to what
    /// follows.
    private mutating func splitDocumentComment() {
        let bytes = Array(scanner.headComment.utf8)
        var index = bytes.count - 1
        while index > 0 {
            defer { index -= 1 }
            guard bytes[index] == 0x0A else { continue }
            if index == bytes.count - 1 {
                document.headComment = String(decoding: bytes[..<index], as: UTF8.self)
            } else if bytes[index - 1] == 0x0A {
                document.headComment = String(decoding: bytes[..<(index - 1)], as: UTF8.self)
            } else {
                continue
            }
            scanner.headComment = String(decoding: bytes[(index + 1)...], as: UTF8.self)
            return
        }
    }

    // MARK: - Nodes

    private func emptyScalar(_ token: YAMLToken) -> YAMLNode {
        var node = YAMLNode(kind: .scalar)
        node.line = token.start.line + 1
        return node
    }

    private struct Properties {
        var anchor = ""
        var tag = ""
        var isGiven = false
    }

    private mutating func parseProperties() throws(YAMLError) -> Properties {
        var properties = Properties()
        var seen: Set<YAMLToken.Kind> = []
        while true {
            let token = scanner.peek()
            guard token.kind == .anchor || token.kind == .tag, seen.insert(token.kind).inserted else { break }
            properties.isGiven = true
            if token.kind == .anchor {
                properties.anchor = token.value
            } else if token.value.isEmpty {
                properties.tag = token.suffix
            } else if let directive = tagDirectives.first(where: { $0.handle == token.value }) {
                properties.tag = directive.prefix + token.suffix
            } else if token.value == "!!" {
                properties.tag = YAMLTag.prefix + token.suffix
            } else if token.value == "!" {
                properties.tag = "!" + token.suffix
            } else {
                throw failure("found undefined tag handle \(token.value)", token)
            }
            scanner.skip()
        }
        return properties
    }

    private mutating func parseNode(isBlock: Bool, indentless: Bool) throws(YAMLError) -> YAMLNode {
        var token = scanner.peek()
        let line = token.start.line + 1
        if token.kind == .alias {
            var node = YAMLNode(kind: .alias, value: token.value)
            guard let target = anchors[token.value], target >= 0 else {
                throw failure(
                    anchors[token.value] == nil
                        ? "unknown anchor '\(token.value)' referenced"
                        : "anchor '\(token.value)' value contains itself", token)
            }
            node.target = target
            takeComments(&node)
            node.line = line
            scanner.skip()
            return node
        }
        let properties = try parseProperties()
        token = scanner.peek()
        var node: YAMLNode
        if !properties.anchor.isEmpty { anchors[properties.anchor] = -1 }
        switch token.kind {
        case .blockEntry where indentless:
            node = YAMLNode(kind: .sequence)
            setProperties(&node, properties, line)
            try parseIndentlessSequence(&node)
        case .scalar:
            node = YAMLNode(kind: .scalar, value: token.value, style: token.style)
            setProperties(&node, properties, line)
            if node.tag.isEmpty, token.style == .plain, token.value == "<<" { node.tag = "!!merge" }
            takeComments(&node)
            scanner.skip()
        case .flowSequenceStart:
            node = YAMLNode(kind: .sequence, isFlow: true)
            setProperties(&node, properties, line)
            takeComments(&node)
            try parseFlowSequence(&node)
        case .flowMappingStart:
            node = YAMLNode(kind: .mapping, isFlow: true)
            setProperties(&node, properties, line)
            takeComments(&node)
            try parseFlowMapping(&node)
        case .blockSequenceStart where isBlock:
            node = YAMLNode(kind: .sequence)
            setProperties(&node, properties, line)
            takeStemComment(&node)
            try parseBlockSequence(&node)
        case .blockMappingStart where isBlock:
            node = YAMLNode(kind: .mapping)
            setProperties(&node, properties, line)
            takeStemComment(&node)
            try parseBlockMapping(&node)
        default:
            guard properties.isGiven else { throw failure("did not find expected node content", token) }
            node = YAMLNode(kind: .scalar)
            setProperties(&node, properties, line)
        }
        if !properties.anchor.isEmpty {
            anchors[properties.anchor] = document.anchored.count
            document.anchored.append(node)
        }
        return node
    }

    private func setProperties(_ node: inout YAMLNode, _ properties: Properties, _ line: Int) {
        node.anchor = properties.anchor
        node.tag = properties.tag == "!" ? "" : YAMLTag.short(properties.tag)
        node.line = line
    }

    private mutating func takeComments(_ node: inout YAMLNode) {
        (node.headComment, node.lineComment, node.footComment) = scanner.takeComments()
    }

    private mutating func takeStemComment(_ node: inout YAMLNode) {
        node.headComment = scanner.stemComment
        scanner.stemComment = ""
    }

    // MARK: - Block collections

    /// When a collection begins right after a `-`, the comment above the `-` is the collection's, not its first
    /// entry's.
    private mutating func splitStemComment(_ prior: String) {
        guard !prior.isEmpty else { return }
        let token = scanner.peek()
        guard token.kind == .blockSequenceStart || token.kind == .blockMappingStart else { return }
        scanner.stemComment = prior
        scanner.headComment = String(scanner.headComment.dropFirst(prior.count + 1))
    }

    private mutating func parseBlockSequence(_ node: inout YAMLNode) throws(YAMLError) {
        scanner.skip()
        while true {
            let token = scanner.peek()
            switch token.kind {
            case .blockEntry:
                let prior = scanner.headComment
                scanner.skip()
                splitStemComment(prior)
                let next = scanner.peek()
                if next.kind != .blockEntry && next.kind != .blockEnd {
                    node.content.append(try parseNode(isBlock: true, indentless: false))
                } else {
                    node.content.append(emptyScalar(token))
                }
            case .blockEnd:
                scanner.skip()
                node.lineComment = ""
                node.footComment = ""
                return
            default: throw failure("did not find expected '-' indicator", token)
            }
        }
    }

    private mutating func parseIndentlessSequence(_ node: inout YAMLNode) throws(YAMLError) {
        while true {
            let token = scanner.peek()
            guard token.kind == .blockEntry else { return }
            let prior = scanner.headComment
            scanner.skip()
            splitStemComment(prior)
            let next = scanner.peek()
            if [.blockEntry, .key, .value, .blockEnd].contains(next.kind) {
                node.content.append(emptyScalar(token))
            } else {
                node.content.append(try parseNode(isBlock: true, indentless: false))
            }
        }
    }

    private mutating func parseBlockMapping(_ node: inout YAMLNode) throws(YAMLError) {
        scanner.skip()
        while true {
            var token = scanner.peek()
            var key: YAMLNode
            switch token.kind {
            case .key:
                scanner.skip()
                let next = scanner.peek()
                if [.key, .value, .blockEnd].contains(next.kind) {
                    key = emptyScalar(token)
                } else {
                    key = try parseNode(isBlock: true, indentless: true)
                }
            case .blockEnd:
                let comments = scanner.takeComments()
                scanner.skip()
                node.lineComment = comments.line
                node.footComment = comments.foot
                if !node.footComment.isEmpty, node.content.count > 1 {
                    node.content[node.content.count - 2].footComment = node.footComment
                    node.footComment = ""
                }
                return
            default: throw failure("did not find expected key", token)
            }
            if !key.footComment.isEmpty, node.content.count >= 2 {
                // It stands below the value before, which is dedented by now.
                node.content[node.content.count - 2].footComment = key.footComment
                key.footComment = ""
            }
            var value: YAMLNode
            token = scanner.peek()
            if token.kind == .value {
                scanner.skip()
                let next = scanner.peek()
                if [.key, .value, .blockEnd].contains(next.kind) {
                    value = emptyScalar(token)
                } else {
                    value = try parseNode(isBlock: true, indentless: true)
                }
            } else {
                value = emptyScalar(token)
            }
            append(key, &value, to: &node)
        }
    }

    private func append(_ key: YAMLNode, _ value: inout YAMLNode, to node: inout YAMLNode) {
        var key = key
        if key.footComment.isEmpty, !value.footComment.isEmpty {
            key.footComment = value.footComment
            value.footComment = ""
        }
        node.content.append(key)
        node.content.append(value)
    }

    // MARK: - Flow collections

    private mutating func endFlow(_ node: inout YAMLNode) {
        let comments = scanner.takeComments()
        scanner.skip()
        node.lineComment = comments.line
        node.footComment = comments.foot
    }

    private mutating func parseFlowSequence(_ node: inout YAMLNode) throws(YAMLError) {
        scanner.skip()
        var isFirst = true
        while true {
            var token = scanner.peek()
            if token.kind == .flowSequenceEnd { return endFlow(&node) }
            if !isFirst {
                guard token.kind == .flowEntry else { throw failure("did not find expected ',' or ']'", token) }
                scanner.skip()
                token = scanner.peek()
            }
            isFirst = false
            if token.kind == .key {
                node.content.append(try parsePairInSequence(token))
            } else if token.kind == .flowSequenceEnd {
                return endFlow(&node)
            } else {
                node.content.append(try parseNode(isBlock: false, indentless: false))
            }
        }
    }

    /// `[key: value]`, a mapping of one pair.
    private mutating func parsePairInSequence(_ start: YAMLToken) throws(YAMLError) -> YAMLNode {
        var node = YAMLNode(kind: .mapping, isFlow: true)
        node.line = start.start.line + 1
        scanner.skip()
        var token = scanner.peek()
        let key: YAMLNode
        if [.value, .flowEntry, .flowSequenceEnd].contains(token.kind) {
            key = emptyScalar(token)
        } else {
            key = try parseNode(isBlock: false, indentless: false)
        }
        token = scanner.peek()
        var value = emptyScalar(token)
        if token.kind == .value {
            scanner.skip()
            token = scanner.peek()
            if token.kind != .flowEntry && token.kind != .flowSequenceEnd {
                value = try parseNode(isBlock: false, indentless: false)
            }
        }
        append(key, &value, to: &node)
        _ = scanner.peek()
        node.lineComment = ""
        node.footComment = ""
        return node
    }

    private mutating func parseFlowMapping(_ node: inout YAMLNode) throws(YAMLError) {
        scanner.skip()
        var isFirst = true
        while true {
            var token = scanner.peek()
            if token.kind == .flowMappingEnd { return endFlow(&node) }
            if !isFirst {
                guard token.kind == .flowEntry else { throw failure("did not find expected ',' or '}'", token) }
                scanner.skip()
                token = scanner.peek()
            }
            isFirst = false
            if token.kind == .flowMappingEnd { return endFlow(&node) }
            let key: YAMLNode
            var value: YAMLNode
            if token.kind == .key {
                scanner.skip()
                token = scanner.peek()
                if [.value, .flowEntry, .flowMappingEnd].contains(token.kind) {
                    key = emptyScalar(token)
                } else {
                    key = try parseNode(isBlock: false, indentless: false)
                }
                token = scanner.peek()
                value = emptyScalar(token)
                if token.kind == .value {
                    scanner.skip()
                    token = scanner.peek()
                    if token.kind != .flowEntry && token.kind != .flowMappingEnd {
                        value = try parseNode(isBlock: false, indentless: false)
                    }
                }
            } else {
                key = try parseNode(isBlock: false, indentless: false)
                value = emptyScalar(scanner.peek())
            }
            append(key, &value, to: &node)
        }
    }
}
