/// The token queue of a YAML parser that keeps comments, as Go's yaml.v3 does.
///
/// libyaml drops comments, but Leeway hashes a package's definition with them (specs/build.md section 4.4). So the
/// gaps between libyaml's tokens are walked a second time here, and comments are handed out with the tokens exactly
/// when yaml.v3 would: which comment belongs to which node depends on how far its scanner has read ahead.
struct YAMLCommentScanner {
    /// A comment waiting for the token it belongs to.
    private struct Comment {
        var scan = YAMLMark()
        var token = YAMLMark()
        var start = YAMLMark()
        var end = YAMLMark()
        var head = ""
        var line = ""
        var foot = ""
    }

    /// A token that stands in the text, with those without width that appear together with it.
    private struct Group {
        /// Block ends and starts that scanning up to the token reveals.
        var before: Range<Int>
        /// A key mark, and maybe a mapping start, that the `:` after the token reveals.
        var late: Range<Int>
        var token: Int
    }

    private let text: YAMLText
    private(set) var tokens: [YAMLToken]
    private var groups: [Group] = []
    /// For each token with width its group.
    private var groupOfToken: [Int]
    private var nextGroup = 0

    /// Numbers of tokens in the order in which the parser takes them, as far as they have been revealed.
    private var queue: [Int] = []
    private var head = 0
    private var comments: [Comment] = []
    private var commentsHead = 0
    private var mark = YAMLMark()
    private var indent = -1
    private var indents: [Int] = []
    private var flowLevel = 0
    private var simpleKeyAllowed = true
    /// For each flow level the token that may still turn out to be a key.
    private var possibleKeys: [Int?] = [nil]
    private var available = false

    /// The comments collected for the next event.
    var headComment = ""
    var lineComment = ""
    var footComment = ""
    var stemComment = ""

    init(_ bytes: [UInt8], limits: YAMLLimits) throws(YAMLError) {
        text = YAMLText(bytes)
        tokens = try YAMLToken.scan(bytes, limits: limits)
        groupOfToken = [Int](repeating: 0, count: tokens.count)
        var before = 0
        for (index, token) in tokens.enumerated()
        where token.hasWidth || token.kind == .streamStart || token.kind == .streamEnd {
            var late = index..<index
            if index > before, tokens[index - 1].kind == .key {
                let start = index - 1 > before && tokens[index - 2].kind == .blockMappingStart ? index - 2 : index - 1
                late = start..<index
            }
            groupOfToken[index] = groups.count
            groups.append(Group(before: before..<late.lowerBound, late: late, token: index))
            before = index + 1
        }
    }

    // MARK: - The parser's view

    /// The next token, with the comments that belong before it collected.
    mutating func peek() -> YAMLToken {
        if !available { fetchMore() }
        let token = tokens[queue[head]]
        collectComments(upTo: token)
        return token
    }

    /// Takes the token that `peek` gave.
    mutating func skip() {
        available = false
        head += 1
    }

    /// Hands over the comments collected so far.
    mutating func takeComments() -> (head: String, line: String, foot: String) {
        defer { (headComment, lineComment, footComment, stemComment) = ("", "", "", "") }
        return (headComment, lineComment, footComment)
    }

    private mutating func collectComments(upTo token: YAMLToken) {
        func join(_ text: inout String, _ more: String) {
            if more.isEmpty { return }
            if !text.isEmpty { text += "\n" }
            text += more
        }
        while commentsHead < comments.count, token.start.index >= comments[commentsHead].token.index {
            let comment = comments[commentsHead]
            // A comment above a node stays for the node when a block ends first.
            if !comment.head.isEmpty, token.kind == .blockEnd { break }
            join(&headComment, comment.head)
            join(&footComment, comment.foot)
            join(&lineComment, comment.line)
            comments[commentsHead] = Comment()
            commentsHead += 1
        }
    }

    // MARK: - Reading ahead

    private mutating func fetchMore() {
        while nextGroup < groups.count {
            if head < queue.count - 2 && !mayBecomeKey(queue[head]) { break }
            fetchNext()
        }
        available = true
    }

    private mutating func mayBecomeKey(_ token: Int) -> Bool {
        guard let level = possibleKeys.firstIndex(of: token) else { return false }
        let start = tokens[token].start
        if start.line < mark.line || start.index + 1024 < mark.index {
            possibleKeys[level] = nil
            return false
        }
        return true
    }

    private mutating func fetchNext() {
        let group = groups[nextGroup]
        nextGroup += 1
        let token = tokens[group.token]
        if token.kind == .streamStart {
            queue.append(group.token)
            return
        }
        let scanMark = mark
        scanToNextToken()
        let column = mark.column
        if token.kind != .streamEnd { mark = token.start }
        endBlocks(group.before, column: column, scanMark: scanMark)
        switch token.kind {
        case .streamEnd, .versionDirective, .tagDirective, .documentStart, .documentEnd:
            if token.kind == .streamEnd, mark.column != 0 {
                mark.column = 0
                mark.line += 1
            }
            queue.append(group.token)
            possibleKeys[possibleKeys.count - 1] = nil
            simpleKeyAllowed = false
            mark = token.end.index > mark.index ? token.end : mark
            return
        default: break
        }
        var commentMark = token.start
        let first = text[token.start.index]
        if let last = queue.last, first == (flowLevel == 0 ? UInt8(ascii: ":") : UInt8(ascii: ",")) {
            commentMark = tokens[last].start
        }
        enqueue(group, token)
        if queue.last.map({ tokens[$0].kind }) != .blockEntry { scanLineComment(for: commentMark) }
    }

    /// Puts the block ends of the group into the queue, each where the comments before it say that the block ended.
    private mutating func endBlocks(_ range: Range<Int>, column: Int, scanMark: YAMLMark) {
        var blockMark = scanMark
        blockMark.index -= 1
        var dedents = true
        for index in range {
            guard tokens[index].kind == .blockEnd else {
                if tokens[index].kind == .blockMappingStart || tokens[index].kind == .blockSequenceStart {
                    indents.append(indent)
                    indent = tokens[index].start.column
                }
                queue.append(index)
                continue
            }
            if dedents, indent <= column {
                // The rest ends with the document.
                dedents = false
                blockMark = mark
                blockMark.index -= 1
            }
            var stop = blockMark.index
            for comment in comments.reversed() {
                if comment.end.index < stop { break }
                if comment.start.column == indent + 1 { blockMark = comment.start }
                stop = comment.scan.index
            }
            tokens[index].start = blockMark
            tokens[index].end = blockMark
            queue.append(index)
            indent = indents.popLast() ?? -1
        }
    }

    /// Puts the group's token into the queue, and follows what may be a simple key.
    private mutating func enqueue(_ group: Group, _ token: YAMLToken) {
        let top = possibleKeys.count - 1
        func mayStartKey() -> Int? { simpleKeyAllowed ? group.token : possibleKeys[top] }
        mark = token.end
        switch token.kind {
        case .flowSequenceStart, .flowMappingStart:
            possibleKeys[top] = mayStartKey()
            possibleKeys.append(nil)
            flowLevel += 1
            simpleKeyAllowed = true
        case .flowSequenceEnd, .flowMappingEnd:
            possibleKeys[top] = nil
            if possibleKeys.count > 1 { possibleKeys.removeLast() }
            flowLevel = max(0, flowLevel - 1)
            simpleKeyAllowed = false
        case .flowEntry, .blockEntry:
            possibleKeys[top] = nil
            simpleKeyAllowed = true
        case .key:
            possibleKeys[top] = nil
            simpleKeyAllowed = flowLevel == 0
        case .value:
            if let key = possibleKeys[top], let place = queue.lastIndex(of: key) {
                let late = groups[groupOfToken[key]].late
                queue.insert(contentsOf: late, at: place)
                for index in late where tokens[index].kind == .blockMappingStart {
                    indents.append(indent)
                    indent = tokens[index].start.column
                }
                possibleKeys[top] = nil
                simpleKeyAllowed = false
            } else {
                simpleKeyAllowed = flowLevel == 0
            }
        case .alias, .anchor, .tag:
            possibleKeys[top] = mayStartKey()
            simpleKeyAllowed = false
        case .scalar where token.style == .literal || token.style == .folded:
            possibleKeys[top] = nil
            simpleKeyAllowed = true
            scanBlockHeaderComment(token)
        case .scalar:
            possibleKeys[top] = mayStartKey()
            simpleKeyAllowed = false
            if token.style == .plain { skipAfterPlainScalar() }
        default: break
        }
        queue.append(group.token)
    }

    /// A plain scalar's scan goes on over blanks and line breaks until it meets something else.
    private mutating func skipAfterPlainScalar() {
        while text.isBlank(mark.index) || text.isBreak(mark.index) {
            if text.isBreak(mark.index) {
                advanceLine()
                if flowLevel == 0 { simpleKeyAllowed = true }
            } else {
                advance()
            }
        }
    }

    private mutating func advance() {
        mark.index += 1
        mark.column += 1
    }

    private mutating func advanceLine() {
        mark.index += text.breakWidth(mark.index)
        mark.column = 0
        mark.line += 1
    }

    // MARK: - Comments in gaps

    private mutating func scanToNextToken() {
        let scanMark = mark
        while true {
            while text.isBlank(mark.index) { advance() }
            reconsiderLineComment()
            if text[mark.index] == UInt8(ascii: "#") { scanComments(from: scanMark) }
            guard text.isBreak(mark.index) else { break }
            advanceLine()
            if flowLevel == 0 { simpleKeyAllowed = true }
        }
    }

    /// A comment after the `-` that begins a sequence heads what follows.
    private mutating func reconsiderLineComment() {
        guard let last = comments.last, !last.line.isEmpty, queue.count > 1,
            tokens[queue[queue.count - 2]].kind == .blockSequenceStart,
            tokens[queue[queue.count - 1]].kind == .blockEntry, !text.isBreak(mark.index)
        else { return }
        comments[comments.count - 1].head = last.line
        comments[comments.count - 1].line = ""
        if last.start.line == mark.line - 1 { comments[comments.count - 1].token = mark }
    }

    /// The comment in the header line of a literal or folded scalar.
    private mutating func scanBlockHeaderComment(_ token: YAMLToken) {
        var index = token.start.index + 1
        while text[index] == UInt8(ascii: "+") || text[index] == UInt8(ascii: "-")
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[index])
        { index += 1 }
        while text.isBlank(index) { index += 1 }
        guard text[index] == UInt8(ascii: "#") else { return }
        let after = mark
        mark = token.start
        mark.column += index - mark.index
        mark.index = index
        scanLineComment(for: token.start)
        mark = after
    }

    private mutating func scanLineComment(for owner: YAMLMark) {
        guard text.newlines(before: mark.index) == 0 else { return }
        var index = mark.index
        while index < mark.index + 512, text.isBlank(index) { index += 1 }
        guard index < mark.index + 512, text[index] == UInt8(ascii: "#") else { return }
        mark.column += index - mark.index
        mark.index = index
        let start = mark
        while !text.isBreakOrEnd(mark.index) { advance() }
        comments.append(Comment(token: owner, start: start, line: text.string(start.index, mark.index)))
    }

    /// Reads a run of comment lines, and decides which of them close what came before and which open what follows.
    private mutating func scanComments(from gapStart: YAMLMark) {
        var scanMark = gapStart
        var last = tokens[queue[queue.count - 1]]
        if last.kind == .flowEntry, queue.count > 1 { last = tokens[queue[queue.count - 2]] }
        var owner = last.start
        var start = YAMLMark()
        let nextIndent = max(indent, 0)
        var sawEmptyLine = false
        let newlines = text.newlines(before: mark.index)
        var isFirstEmptyLine = newlines <= 1
        var line = mark.line
        var column = mark.column
        var comment = ""
        // A comment closes the content before it only when it stands in the line right below.
        var footLine = -1
        if scanMark.line > 0 {
            footLine = mark.line - newlines + 1
            if newlines == 0, mark.column > 1 { footLine += 1 }
        }

        func place(_ ahead: Int) -> YAMLMark { YAMLMark(index: mark.index + ahead, line: line, column: column) }
        func close(_ ahead: Int) {
            comments.append(Comment(scan: scanMark, token: owner, start: start, end: place(ahead), foot: comment))
            scanMark = place(ahead)
            owner = scanMark
            comment = ""
        }

        var ahead = -1
        while ahead < 511 {
            ahead += 1
            column += 1
            let index = mark.index + ahead
            if text.isBlank(index) { continue }
            let byte = text[index]
            let closesFlow = flowLevel > 0 && (byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}"))
            if closesFlow || text.isBreakOrEnd(index) {
                if closesFlow || !sawEmptyLine {
                    let isFoot =
                        closesFlow
                        || isFirstEmptyLine
                            && (start.line == footLine && last.kind != .value || start.column - 1 < nextIndent)
                    if isFoot {
                        if !comment.isEmpty {
                            if start.column - 1 < nextIndent { owner = start }
                            close(ahead)
                        }
                    } else if !comment.isEmpty, byte != 0 {
                        comment += "\n"
                    }
                }
                if !text.isBreak(index) { break }
                isFirstEmptyLine = false
                sawEmptyLine = true
                column = 0
                line += 1
                continue
            }
            if !comment.isEmpty, closesFlow || column - 1 < nextIndent && column != start.column { close(ahead) }
            guard byte == UInt8(ascii: "#") else { break }
            if comment.isEmpty { start = place(ahead) } else { comment += "\n" }
            sawEmptyLine = false
            while mark.index < index {
                if text.isBreak(mark.index) { advanceLine() } else { advance() }
            }
            let from = mark.index
            while !text.isBreakOrEnd(mark.index) { advance() }
            comment += text.string(from, mark.index)
            ahead = 0
            column = 0
            line = mark.line
        }
        if !comment.isEmpty {
            comments.append(
                Comment(scan: scanMark, token: start, start: start, end: place(ahead - 1), head: comment))
        }
    }
}
