/// Writes a tree as Go's yaml.v3 does with its default settings: four spaces of indentation, lines of any length.
///
/// The bytes are what Leeway hashes as a package's definition (specs/build.md section 4.4), so every quirk counts.
struct YAMLEmitter {
    /// Where a node stands, which decides what is written around it.
    enum Slot: Hashable {
        case root
        case blockItem(isFirst: Bool)
        case blockKey(isFirst: Bool)
        case blockValue(afterSimpleKey: Bool)
        case flowItem(isFirst: Bool, afterComma: Bool)
        case flowKey(isFirst: Bool, afterComma: Bool)
        case flowValue(afterSimpleKey: Bool)
    }

    /// The spaces of one level.
    let step: Int

    var output: [UInt8] = []
    var column = 0
    var indent = -1
    private var indents: [Int] = []
    var isAtWhitespace = true
    var isAtIndention = true
    private var footIndent = -1
    private var flowLevel = 0

    private var headComment = ""
    var lineComment = ""
    private var footComment = ""
    private var tailComment = ""
    private var keyLineComment = ""

    private init(step: Int) { self.step = step }

    /// The text of a document whose root is `node`.
    static func emit(
        _ node: YAMLNode, headComment: String = "", footComment: String = "", step: Int = 4
    ) -> [UInt8] {
        var emitter = YAMLEmitter(step: step)
        emitter.headComment = headComment
        if !headComment.isEmpty {
            emitter.writeHeadComment()
            emitter.putBreak()
        }
        emitter.emit(node, tail: "", in: .root)
        emitter.load(head: "", line: "", foot: footComment, tail: "")
        emitter.footIndent = 0
        emitter.writeFootComment()
        emitter.footIndent = -1
        emitter.writeIndent()
        return emitter.output
    }

    // MARK: - Nodes

    private mutating func load(head: String, line: String, foot: String, tail: String) {
        if !head.isEmpty { headComment = head }
        if !line.isEmpty { lineComment = line }
        if !foot.isEmpty { footComment = foot }
        if !tail.isEmpty { tailComment = tail }
    }

    private var hasTrailingComment: Bool { !(lineComment.isEmpty && footComment.isEmpty && tailComment.isEmpty) }

    private mutating func emit(_ node: YAMLNode, tail: String, in slot: Slot) {
        let isCollection = node.kind == .sequence || node.kind == .mapping
        load(
            head: node.headComment, line: isCollection ? "" : node.lineComment,
            foot: isCollection ? "" : node.footComment, tail: tail)
        let isSimpleKey = begin(node, in: slot)
        switch node.kind {
        case .alias:
            writeIndicator("*", needsWhitespace: true)
            writeWord(node.value)
        case .scalar: emitScalar(node, slot: slot, isSimpleKey: isSimpleKey)
        case .sequence, .mapping:
            writeAnchor(node)
            writeTag(node.tag)
        }
        finish(slot)
        guard isCollection else { return }
        let isFlow = flowLevel > 0 || node.isFlow || node.content.isEmpty
        switch (node.kind, isFlow) {
        case (.sequence, true): emitFlowSequence(node, parent: slot)
        case (.sequence, false): emitBlockSequence(node, parent: slot)
        case (_, true): emitFlowMapping(node, parent: slot)
        case (_, false): emitBlockMapping(node, parent: slot)
        }
    }

    /// Writes what comes before a node, and says whether the node is a key on one line with its value.
    private mutating func begin(_ node: YAMLNode, in slot: Slot) -> Bool {
        switch slot {
        case .root: writeHeadComment()
        case .blockItem:
            writeHeadComment()
            writeIndent()
            writeIndicator("-", needsWhitespace: true, keepsIndention: true)
        case .blockKey:
            writeHeadComment()
            writeIndent()
            if !lineComment.isEmpty {
                keyLineComment = lineComment
                lineComment = ""
            }
            if isSimpleKey(node) { return true }
            writeIndicator("?", needsWhitespace: true, keepsIndention: true)
        case .blockValue(let afterSimpleKey):
            if afterSimpleKey {
                writeIndicator(":", needsWhitespace: false)
            } else {
                writeIndent()
                writeIndicator(":", needsWhitespace: true, keepsIndention: true)
            }
            placeKeyLineComment(before: node)
        case .flowItem(let isFirst, let afterComma):
            if !isFirst && !afterComma { writeIndicator(",", needsWhitespace: false) }
            writeHeadComment()
            if column == 0 { writeIndent() }
        case .flowKey(let isFirst, let afterComma):
            if !isFirst && !afterComma { writeIndicator(",", needsWhitespace: false) }
            writeHeadComment()
            if column == 0 { writeIndent() }
            if isSimpleKey(node) { return true }
            writeIndicator("?", needsWhitespace: true)
        case .flowValue(let afterSimpleKey):
            writeIndicator(":", needsWhitespace: !afterSimpleKey)
        }
        return false
    }

    /// Writes what comes after a scalar, or after the opening of a collection.
    private mutating func finish(_ slot: Slot) {
        switch slot {
        case .blockKey, .flowKey: return
        case .flowItem, .flowValue:
            if hasTrailingComment { writeIndicator(",", needsWhitespace: false) }
        case .root, .blockItem, .blockValue: break
        }
        writeLineComment()
        writeFootComment()
    }

    /// A comment in the line of a key goes to a scalar value, or before a block that follows.
    private mutating func placeKeyLineComment(before node: YAMLNode) {
        guard !keyLineComment.isEmpty else { return }
        if node.kind == .scalar {
            if lineComment.isEmpty {
                lineComment = keyLineComment
                keyLineComment = ""
            }
        } else if node.kind != .alias, !node.isFlow {
            swap(&lineComment, &keyLineComment)
            writeLineComment()
            swap(&lineComment, &keyLineComment)
        }
    }

    private mutating func increaseIndent(isFlow: Bool, parent: Slot) {
        indents.append(indent)
        if indent < 0 {
            indent = isFlow ? step : 0
        } else if case .blockItem = parent {
            indent += 2
        } else {
            indent = step * ((indent + step) / step)
        }
    }

    private mutating func decreaseIndent() { indent = indents.popLast() ?? -1 }

    // MARK: - Collections

    private mutating func emitBlockSequence(_ node: YAMLNode, parent: Slot) {
        increaseIndent(isFlow: false, parent: parent)
        for (index, item) in node.content.enumerated() { emit(item, tail: "", in: .blockItem(isFirst: index == 0)) }
        load(head: "", line: node.lineComment, foot: node.footComment, tail: "")
        decreaseIndent()
    }

    private mutating func emitFlowSequence(_ node: YAMLNode, parent: Slot) {
        writeIndicator("[", needsWhitespace: true, leavesWhitespace: true)
        increaseIndent(isFlow: true, parent: parent)
        flowLevel += 1
        var afterComma = false
        for (index, item) in node.content.enumerated() {
            let slot = Slot.flowItem(isFirst: index == 0, afterComma: afterComma)
            // A comment after the item makes its comma come before the comment.
            afterComma = comesWithComment(item)
            emit(item, tail: "", in: slot)
        }
        load(head: "", line: node.lineComment, foot: node.footComment, tail: "")
        flowLevel -= 1
        decreaseIndent()
        if column == 0 { writeIndent() }
        writeIndicator("]", needsWhitespace: false)
        writeLineComment()
        writeFootComment()
    }

    /// Whether a comment will be waiting once the first event of `node` is loaded.
    private func comesWithComment(_ node: YAMLNode) -> Bool {
        let isCollection = node.kind == .sequence || node.kind == .mapping
        if hasTrailingCommentAfterHead { return true }
        return !isCollection && !(node.lineComment.isEmpty && node.footComment.isEmpty)
    }

    /// A tail comment is written with the head comment, before this is asked.
    private var hasTrailingCommentAfterHead: Bool { !(lineComment.isEmpty && footComment.isEmpty) }

    private mutating func emitBlockMapping(_ node: YAMLNode, parent: Slot) {
        increaseIndent(isFlow: false, parent: parent)
        var tail = ""
        for index in stride(from: 0, to: node.content.count - 1, by: 2) {
            var key = node.content[index]
            let foot = key.footComment
            key.footComment = ""
            let isSimple = isSimpleKey(key)
            emit(key, tail: tail, in: .blockKey(isFirst: index == 0))
            tail = foot
            emit(node.content[index + 1], tail: "", in: .blockValue(afterSimpleKey: isSimple))
        }
        load(head: "", line: node.lineComment, foot: node.footComment, tail: tail)
        writeHeadComment()
        decreaseIndent()
    }

    private mutating func emitFlowMapping(_ node: YAMLNode, parent: Slot) {
        writeIndicator("{", needsWhitespace: true, leavesWhitespace: true)
        increaseIndent(isFlow: true, parent: parent)
        flowLevel += 1
        var tail = ""
        var afterComma = false
        for index in stride(from: 0, to: node.content.count - 1, by: 2) {
            var key = node.content[index]
            let value = node.content[index + 1]
            let foot = key.footComment
            key.footComment = ""
            let isSimple = isSimpleKey(key)
            emit(key, tail: tail, in: .flowKey(isFirst: index == 0, afterComma: afterComma))
            tail = foot
            afterComma = comesWithComment(value)
            emit(value, tail: "", in: .flowValue(afterSimpleKey: isSimple))
        }
        load(head: "", line: node.lineComment, foot: node.footComment, tail: tail)
        let waits = !(headComment.isEmpty && footComment.isEmpty && tailComment.isEmpty)
        if waits, !node.content.isEmpty, !afterComma { writeIndicator(",", needsWhitespace: false) }
        writeHeadComment()
        flowLevel -= 1
        decreaseIndent()
        writeIndicator("}", needsWhitespace: false)
        writeLineComment()
        writeFootComment()
    }

    // MARK: - Scalars

    /// Whether a node may stand before `:` in one line.
    private func isSimpleKey(_ node: YAMLNode) -> Bool {
        var length = node.kind == .alias ? node.value.utf8.count : node.anchor.utf8.count
        switch node.kind {
        case .alias: break
        case .scalar:
            let text = YAMLScalarText(node.value)
            if text.isMultiline { return false }
            length += tagLength(node.tag) + node.value.utf8.count
        case .sequence, .mapping:
            guard node.content.isEmpty else { return false }
            length += tagLength(node.tag)
        }
        return length <= 128
    }

    private func tagLength(_ tag: String) -> Int {
        let parts = Self.tagParts(tag)
        return parts.handle.utf8.count + parts.suffix.utf8.count
    }

    private mutating func emitScalar(_ node: YAMLNode, slot: Slot, isSimpleKey: Bool) {
        let text = YAMLScalarText(node.value)
        let style = text.style(
            for: node, inFlow: flowLevel > 0, isSimpleKey: isSimpleKey)
        writeAnchor(node)
        writeTag(node.tag)
        increaseIndent(isFlow: true, parent: slot)
        switch style {
        case .plain: writePlain(text)
        case .singleQuoted: writeSingleQuoted(text)
        case .doubleQuoted: writeDoubleQuoted(text)
        case .literal: writeLiteral(text)
        case .folded: writeFolded(text)
        }
        decreaseIndent()
    }

    // MARK: - Anchors and tags

    private mutating func writeAnchor(_ node: YAMLNode) {
        guard !node.anchor.isEmpty else { return }
        writeIndicator("&", needsWhitespace: true)
        writeWord(node.anchor)
    }

    private mutating func writeWord(_ word: String) {
        write(word)
        isAtWhitespace = false
        isAtIndention = false
    }

    private static func tagParts(_ tag: String) -> (handle: String, suffix: String) {
        guard !tag.isEmpty else { return ("", "") }
        let long = YAMLTag.long(tag)
        if long.hasPrefix("!") { return ("!", String(long.dropFirst())) }
        if long.hasPrefix(YAMLTag.prefix) { return ("!!", String(long.dropFirst(YAMLTag.prefix.count))) }
        return ("", long)
    }

    private mutating func writeTag(_ tag: String) {
        guard !tag.isEmpty else { return }
        let parts = Self.tagParts(tag)
        if parts.handle.isEmpty {
            writeIndicator("!<", needsWhitespace: true)
            writeTagContent(parts.suffix)
            writeIndicator(">", needsWhitespace: false)
        } else {
            if !isAtWhitespace { put(UInt8(ascii: " ")) }
            writeWord(parts.handle)
            if !parts.suffix.isEmpty { writeTagContent(parts.suffix) }
        }
    }

    private mutating func writeTagContent(_ text: String) {
        let allowed = Array(";/?:@&=+$,_.~*'()[]-".utf8)
        for byte in text.utf8 {
            let isWord =
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            if byte < 0x80, isWord || allowed.contains(byte) {
                put(byte)
            } else {
                for character in "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) {
                    write(String(character))
                }
            }
        }
        isAtWhitespace = false
        isAtIndention = false
    }

    // MARK: - Comments

    private mutating func writeHeadComment() {
        if !tailComment.isEmpty {
            writeIndent()
            writeComment(tailComment)
            tailComment = ""
            footIndent = max(indent, 0)
        }
        if headComment.isEmpty { return }
        writeIndent()
        writeComment(headComment)
        headComment = ""
    }

    mutating func writeLineComment() {
        if lineComment.isEmpty { return }
        if !isAtWhitespace { put(UInt8(ascii: " ")) }
        writeComment(lineComment)
        lineComment = ""
    }

    private mutating func writeFootComment() {
        if footComment.isEmpty { return }
        writeIndent()
        writeComment(footComment)
        footComment = ""
        footIndent = max(indent, 0)
    }

    private mutating func writeComment(_ comment: String) {
        let text = YAMLScalarText(comment)
        var afterBreak = false
        var hasSign = false
        for character in text.characters {
            if character.isBreak {
                writeBreak(character)
                afterBreak = true
                hasSign = false
                continue
            }
            if afterBreak { writeIndent() }
            if !hasSign {
                if character.code != UInt32(UInt8(ascii: "#")) { write("# ") }
                hasSign = true
            }
            write(character)
            isAtIndention = false
            afterBreak = false
        }
        if !afterBreak { putBreak() }
        isAtWhitespace = true
    }

    // MARK: - Characters

    mutating func put(_ byte: UInt8) {
        output.append(byte)
        column += 1
    }

    mutating func putBreak() {
        output.append(0x0A)
        column = 0
        isAtIndention = true
    }

    mutating func write(_ text: String) {
        for scalar in text.unicodeScalars { write(YAMLScalarText.Character(scalar)) }
    }

    mutating func write(_ character: YAMLScalarText.Character) {
        if character.code < 0x80 {
            output.append(UInt8(character.code))
        } else {
            output.append(contentsOf: String(character.scalar).utf8)
        }
        column += 1
    }

    mutating func writeBreak(_ character: YAMLScalarText.Character) {
        if character.code == 0x0A {
            putBreak()
        } else {
            write(character)
            column = 0
            isAtIndention = true
        }
    }

    mutating func writeIndent() {
        let wanted = max(indent, 0)
        if !isAtIndention || column > wanted || (column == wanted && !isAtWhitespace) { putBreak() }
        if footIndent == wanted { putBreak() }
        while column < wanted { put(UInt8(ascii: " ")) }
        isAtWhitespace = true
        footIndent = -1
    }

    mutating func writeIndicator(
        _ text: String, needsWhitespace: Bool, leavesWhitespace: Bool = false, keepsIndention: Bool = false
    ) {
        if needsWhitespace && !isAtWhitespace { put(UInt8(ascii: " ")) }
        write(text)
        isAtWhitespace = leavesWhitespace
        isAtIndention = isAtIndention && keepsIndention
    }
}
