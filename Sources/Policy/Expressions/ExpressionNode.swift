/// A part of an expression, and where it begins.
struct ExpressionNode: Sendable {
    indirect enum Kind: Sendable {
        case literal(ExpressionValue)
        case identifier(String)
        case select(ExpressionNode, field: String, isOptional: Bool)
        /// `has(operand.field)`.
        case presence(ExpressionNode, field: String)
        case index(ExpressionNode, ExpressionNode, isOptional: Bool)
        case call(String, target: ExpressionNode?, [ExpressionNode])
        case list([ExpressionNode])
        case map([(key: ExpressionNode, value: ExpressionNode)])
        case negate(ExpressionNode)
        case not(ExpressionNode)
        case binary(ExpressionOperator, ExpressionNode, ExpressionNode)
        case conditional(ExpressionNode, ExpressionNode, ExpressionNode)
        case comprehension(ExpressionMacro, over: ExpressionNode, variable: String, [ExpressionNode])
    }

    let kind: Kind
    let offset: Int
    /// How many parts lie inside each other, which is how deep evaluation recurs.
    let depth: Int
}

enum ExpressionOperator: String, Sendable {
    case or = "||"
    case and = "&&"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case contained = "in"
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case remainder = "%"

    /// How tightly it binds.
    var rank: Int {
        switch self {
        case .or: 1
        case .and: 2
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .contained: 3
        case .add, .subtract: 4
        case .multiply, .divide, .remainder: 5
        }
    }
}

enum ExpressionMacro: String, Sendable {
    case all
    case exists
    case existsOne = "exists_one"
    case map
    case filter
}
