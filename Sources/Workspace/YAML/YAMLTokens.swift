internal import CYAMLDoor

/// One token of a YAML stream. Positions count characters; lines and columns count from 0.
struct YAMLToken {
    /// libyaml's names and numbers.
    enum Kind: UInt8 {
        case none = 0, streamStart, streamEnd, versionDirective, tagDirective, documentStart, documentEnd
        case blockSequenceStart, blockMappingStart, blockEnd
        case flowSequenceStart, flowSequenceEnd, flowMappingStart, flowMappingEnd
        case blockEntry, flowEntry, key, value, alias, anchor, tag, scalar
    }

    var kind: Kind
    var style: YAMLNode.ScalarStyle
    var start: YAMLMark
    var end: YAMLMark
    var value: String
    var suffix: String

    /// Tokens without width mark a structure that indentation or a later `:` reveals.
    var hasWidth: Bool { start.index != end.index }
}

/// A place in a YAML text.
struct YAMLMark: Hashable {
    var index = 0
    var line = 0
    var column = 0
}

extension YAMLToken {
    /// Scans `text` with libyaml.
    static func scan(_ text: [UInt8], limits: YAMLLimits) throws(YAMLError) -> [YAMLToken] {
        guard text.count <= limits.bytes else {
            throw YAMLError(
                message: "the file is larger than \(limits.bytes >> 20) MiB; split it into smaller components", line: 1)
        }
        var result = unsafe martlet_yaml_scan_result()
        unsafe text.withUnsafeBufferPointer {
            unsafe martlet_yaml_scan($0.baseAddress, $0.count, limits.depth, limits.tokens, &result)
        }
        defer { unsafe martlet_yaml_free(&result) }
        let line = unsafe Int(result.line) + 1
        switch unsafe result.status {
        case Int32(MARTLET_YAML_OK): break
        case Int32(MARTLET_YAML_SYNTAX):
            let problem = unsafe result.problem.map { unsafe String(cString: $0) } ?? "the text is not YAML"
            throw YAMLError(message: "not valid YAML: \(problem)", line: line)
        case Int32(MARTLET_YAML_TOO_DEEP):
            throw YAMLError(message: "nested deeper than \(limits.depth) levels", line: line)
        case Int32(MARTLET_YAML_TOO_MANY):
            throw YAMLError(message: "more than \(limits.tokens) YAML tokens", line: line)
        default: throw YAMLError(message: "not enough memory to read the YAML", line: line)
        }
        let pool = unsafe UnsafeBufferPointer(start: result.text, count: result.text_length)
        func string(_ offset: UInt32, _ count: UInt32) -> String {
            unsafe String(decoding: pool[Int(offset)..<Int(offset + count)], as: UTF8.self)
        }
        var tokens: [YAMLToken] = []
        unsafe tokens.reserveCapacity(result.token_count)
        let scanned = unsafe UnsafeBufferPointer(start: result.tokens, count: result.token_count)
        for index in 0..<scanned.count {
            let token = unsafe scanned[index]
            let style: YAMLNode.ScalarStyle =
                switch token.style {
                case 2: .singleQuoted
                case 3: .doubleQuoted
                case 4: .literal
                case 5: .folded
                default: .plain
                }
            tokens.append(
                YAMLToken(
                    kind: Kind(rawValue: token.kind) ?? .none, style: style,
                    start: YAMLMark(
                        index: Int(token.start), line: Int(token.start_line), column: Int(token.start_column)),
                    end: YAMLMark(index: Int(token.end), line: Int(token.end_line), column: Int(token.end_column)),
                    value: string(token.value, token.value_length),
                    suffix: string(token.suffix, token.suffix_length)))
        }
        return tokens
    }
}
