/// A value of a YAML document with all that its text says beside the value: style, comments, anchors and place.
struct YAMLNode: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case scalar, sequence, mapping, alias }

    /// How a scalar is written.
    enum ScalarStyle: Hashable, Sendable { case plain, singleQuoted, doubleQuoted, literal, folded }

    var kind: Kind
    /// The text of a scalar, or the name an alias refers to.
    var value = ""
    /// The tag in its short form, such as `!!str`; empty when nothing in the text says one.
    var tag = ""
    var anchor = ""
    var style = ScalarStyle.plain
    /// Whether a sequence or mapping is in brackets.
    var isFlow = false
    /// The items of a sequence; keys and values of a mapping in turn.
    var content: [YAMLNode] = []
    /// For an alias, the number of the anchored node in the document.
    var target = -1
    var headComment = ""
    var lineComment = ""
    var footComment = ""
    /// From 1.
    var line = 0

    static func scalar(_ value: String, style: ScalarStyle = .plain) -> YAMLNode {
        YAMLNode(kind: .scalar, value: value, style: style)
    }
}

/// The first document of a YAML text.
struct YAMLDocument: Sendable {
    /// `nil` when the text has no content.
    var root: YAMLNode?
    var headComment = ""
    var footComment = ""
    /// The nodes that aliases refer to by number.
    var anchored: [YAMLNode] = []
}

/// Why a YAML text can't be used, and in which line.
package struct YAMLError: Error, Hashable, Sendable {
    package var message: String
    /// From 1.
    package var line: Int
}

/// How much YAML is accepted.
struct YAMLLimits: Sendable {
    var bytes = 4 << 20
    var depth = 256
    var tokens = 2_000_000
}
