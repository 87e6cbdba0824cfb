package import Bytes

/// The part of Go's `text/template` that output templates use: fields, `range`, `if`, `with`, variables, pipelines,
/// comparison, `len`, `index`, `print` and `printf`, and the trimming of white space around actions.
package struct GoTemplate: Sendable {
    indirect enum Node: Sendable {
        case text(String)
        case output(Pipeline)
        case branch(Pipeline, then: [Node], otherwise: [Node])
        case with(Pipeline, then: [Node], otherwise: [Node])
        case range(Pipeline, body: [Node], otherwise: [Node])
    }

    /// Commands whose results are handed on to the next, perhaps kept in variables.
    struct Pipeline: Sendable {
        var variables: [String] = []
        /// Whether the variables exist already.
        var assigns = false
        var commands: [[Operand]] = []
    }

    indirect enum Operand: Sendable {
        case dot
        case literal(JSON)
        case variable(String)
        case function(String)
        case group(Pipeline)
        case fields(Operand, [String])
    }

    let nodes: [Node]

    /// The largest template and the largest output, in bytes.
    static let limit = 64 << 20

    /// Parses a template.
    package init(_ text: String) throws {
        guard text.utf8.count <= 1 << 20 else {
            throw WorkspaceError(.template, "the template is larger than 1 MiB")
        }
        var parser = try GoTemplateParser(text)
        nodes = try parser.parse()
    }

    /// The output for `value`, which is `.` and `$` at the start.
    package func render(_ value: JSON) throws -> String {
        var evaluation = GoTemplateEvaluation(root: value)
        try evaluation.run(nodes, dot: value)
        return evaluation.output
    }
}
