internal import Bytes

extension ExpressionRun {
    func negate(_ value: ExpressionValue, _ offset: Int) throws(ExpressionError) -> ExpressionValue {
        switch value {
        case .int(let value):
            guard value != .min else { throw Self.overflow(offset) }
            return .int(-value)
        case .double(let value): return .double(-value)
        default: throw ExpressionError(.noValue, "- can't stand before \(value.typeName)", at: offset)
        }
    }

    private static func overflow(_ offset: Int) -> ExpressionError {
        ExpressionError(.noValue, "the result is beyond what its type holds", at: offset)
    }

    mutating func binary(
        _ operation: ExpressionOperator, _ left: ExpressionValue, _ right: ExpressionValue, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        switch operation {
        case .equal: return .bool(try isEqual(left, right, offset))
        case .notEqual: return .bool(!(try isEqual(left, right, offset)))
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            return .bool(try compare(operation, left, right, offset))
        case .contained: return .bool(try contains(left, in: right, offset))
        case .add: return try add(left, right, offset)
        default: return try arithmetic(operation, left, right, offset)
        }
    }

    // MARK: - Equality and order

    /// Values of different types differ, except that numbers are compared as numbers.
    mutating func isEqual(
        _ left: ExpressionValue, _ right: ExpressionValue, _ offset: Int
    ) throws(ExpressionError) -> Bool {
        try spend(1, offset)
        switch (left, right) {
        case (.null, .null): return true
        case (.bool(let left), .bool(let right)): return left == right
        case (.string(let left), .string(let right)):
            try spend(min(left.utf8.count, right.utf8.count) / 16, offset)
            return left.hasSameBytes(as: right)
        case (.bytes(let left), .bytes(let right)): return left == right
        case (.timestamp(let left), .timestamp(let right)): return left == right
        case (.duration(let left), .duration(let right)): return left == right
        case (.type(let left), .type(let right)): return left == right
        case (.list(let left), .list(let right)):
            guard left.count == right.count else { return false }
            for index in 0..<left.count where !(try isEqual(left[index], right[index], offset)) { return false }
            return true
        case (.map(let left), .map(let right)):
            guard left.count == right.count else { return false }
            for key in left.keys {
                guard let one = left[key], let other = right[key], try isEqual(one, other, offset) else { return false }
            }
            return true
        case (.optional(let left), .optional(let right)):
            guard let left, let right else { return left == nil && right == nil }
            return try isEqual(left, right, offset)
        default: return Self.order(left, right) == .equal
        }
    }

    fileprivate enum Order { case less, equal, greater, none }

    /// The order of two numbers of any types; `nil` for other values.
    private static func order(_ left: ExpressionValue, _ right: ExpressionValue) -> Order? {
        func order<Value: Comparable>(_ left: Value, _ right: Value) -> Order {
            left < right ? .less : left == right ? .equal : left > right ? .greater : .none
        }
        switch (left, right) {
        case (.int(let left), .int(let right)): return order(left, right)
        case (.uint(let left), .uint(let right)): return order(left, right)
        case (.double(let left), .double(let right)): return order(left, right)
        // Swift compares integers of different types by their values.
        case (.int(let left), .uint(let right)): return left < right ? .less : left == right ? .equal : .greater
        case (.uint(let left), .int(let right)): return left < right ? .less : left == right ? .equal : .greater
        case (.int(let left), .double(let right)): return Self.order(left, right)
        case (.uint(let left), .double(let right)): return Self.order(left, right)
        case (.double(let left), .int(let right)): return Self.order(right, left).turned
        case (.double(let left), .uint(let right)): return Self.order(right, left).turned
        default: return nil
        }
    }

    /// The order of a whole number and a double, without rounding the first.
    private static func order<Whole: FixedWidthInteger>(_ left: Whole, _ right: Double) -> Order {
        if right.isNaN { return .none }
        if right >= Double(Whole.max) { return .less }
        if right < Double(Whole.min) { return .greater }
        let down = Whole(right.rounded(.down))
        if left != down { return left < down ? .less : .greater }
        return right == right.rounded(.down) ? .equal : .less
    }

    private mutating func compare(
        _ operation: ExpressionOperator, _ left: ExpressionValue, _ right: ExpressionValue, _ offset: Int
    ) throws(ExpressionError) -> Bool {
        let order: Order
        switch (left, right) {
        case (.string(let left), .string(let right)):
            try spend(min(left.utf8.count, right.utf8.count) / 16, offset)
            order = Self.order(Array(left.utf8), Array(right.utf8))
        case (.bytes(let left), .bytes(let right)): order = Self.order(left, right)
        case (.bool(let left), .bool(let right)): order = left == right ? .equal : right ? .less : .greater
        case (.timestamp(let left), .timestamp(let right)):
            order = left < right ? .less : left == right ? .equal : .greater
        case (.duration(let left), .duration(let right)):
            order = left < right ? .less : left == right ? .equal : .greater
        default:
            guard let found = Self.order(left, right) else {
                throw ExpressionError(
                    .noValue, "\(left.typeName) and \(right.typeName) have no order", at: offset)
            }
            order = found
        }
        switch operation {
        case .less: return order == .less
        case .lessOrEqual: return order == .less || order == .equal
        case .greater: return order == .greater
        default: return order == .greater || order == .equal
        }
    }

    private static func order(_ left: [UInt8], _ right: [UInt8]) -> Order {
        left.lexicographicallyPrecedes(right) ? .less : left == right ? .equal : .greater
    }

    private mutating func contains(
        _ element: ExpressionValue, in container: ExpressionValue, _ offset: Int
    ) throws(ExpressionError) -> Bool {
        switch container {
        case .list(let list):
            for index in 0..<list.count where try isEqual(element, list[index], offset) { return true }
            return false
        case .map(let map): return ExpressionKey(element).map { map[$0] != nil } ?? false
        default: throw ExpressionError(.noValue, "nothing is in \(container.typeName)", at: offset)
        }
    }

    // MARK: - Arithmetic

    private mutating func add(
        _ left: ExpressionValue, _ right: ExpressionValue, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        switch (left, right) {
        case (.string(let left), .string(let right)):
            try spend((left.utf8.count + right.utf8.count) / 16, offset)
            return .string(left + right)
        case (.bytes(let left), .bytes(let right)):
            try spend((left.count + right.count) / 16, offset)
            return .bytes(left + right)
        case (.list(let left), .list(let right)):
            try spend(left.count + right.count, offset)
            return .list(.values(left.values + right.values))
        case (.timestamp(let moment), .duration(let duration)), (.duration(let duration), .timestamp(let moment)):
            guard let sum = ExpressionDuration.add(moment, duration) else { throw Self.overflow(offset) }
            return .timestamp(sum)
        case (.duration(let left), .duration(let right)):
            let sum = ExpressionDuration.nanoseconds(left) + ExpressionDuration.nanoseconds(right)
            guard let sum = ExpressionDuration.duration(nanoseconds: sum) else { throw Self.overflow(offset) }
            return .duration(sum)
        default: return try arithmetic(.add, left, right, offset)
        }
    }

    private func arithmetic(
        _ operation: ExpressionOperator, _ left: ExpressionValue, _ right: ExpressionValue, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        switch (left, right) {
        case (.int(let left), .int(let right)): return .int(try Self.whole(operation, left, right, offset))
        case (.uint(let left), .uint(let right)): return .uint(try Self.whole(operation, left, right, offset))
        case (.double(let left), .double(let right)):
            switch operation {
            case .add: return .double(left + right)
            case .subtract: return .double(left - right)
            case .multiply: return .double(left * right)
            case .divide: return .double(left / right)
            default: break
            }
        case (.timestamp(let left), .timestamp(let right)) where operation == .subtract:
            guard let difference = ExpressionDuration.difference(left, right) else { throw Self.overflow(offset) }
            return .duration(difference)
        case (.timestamp(let moment), .duration(let duration)) where operation == .subtract:
            guard let sum = ExpressionDuration.add(moment, .zero - duration) else { throw Self.overflow(offset) }
            return .timestamp(sum)
        case (.duration(let left), .duration(let right)) where operation == .subtract:
            let rest = ExpressionDuration.nanoseconds(left) - ExpressionDuration.nanoseconds(right)
            guard let rest = ExpressionDuration.duration(nanoseconds: rest) else { throw Self.overflow(offset) }
            return .duration(rest)
        default: break
        }
        throw ExpressionError(
            .noValue, "\(operation.rawValue) does not go with \(left.typeName) and \(right.typeName)", at: offset)
    }

    private static func whole<Whole: FixedWidthInteger>(
        _ operation: ExpressionOperator, _ left: Whole, _ right: Whole, _ offset: Int
    ) throws(ExpressionError) -> Whole {
        let result: (partialValue: Whole, overflow: Bool)
        switch operation {
        case .add: result = left.addingReportingOverflow(right)
        case .subtract: result = left.subtractingReportingOverflow(right)
        case .multiply: result = left.multipliedReportingOverflow(by: right)
        default:
            guard right != 0 else { throw ExpressionError(.noValue, "division by zero", at: offset) }
            result =
                operation == .divide
                ? left.dividedReportingOverflow(by: right) : left.remainderReportingOverflow(dividingBy: right)
        }
        guard !result.overflow else { throw overflow(offset) }
        return result.partialValue
    }
}

extension ExpressionRun.Order {
    fileprivate var turned: Self {
        switch self {
        case .less: .greater
        case .greater: .less
        case .equal, .none: self
        }
    }
}
