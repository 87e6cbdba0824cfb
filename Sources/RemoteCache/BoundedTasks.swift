/// Calls `body` for every item, at most `width` at the same time, and gives what is not `nil`, in no order. For work that
/// waits for others.
func concurrently<Item: Sendable, Value: Sendable>(
    _ items: [Item], width: Int, _ body: @escaping @Sendable (Item) async throws -> Value?
) async throws -> [Value] {
    var values: [Value] = []
    try await withThrowingTaskGroup(of: Value?.self) { group in
        var rest = items[...]
        for _ in 0..<max(1, width) {
            guard let item = rest.popFirst() else { break }
            group.addTask { try await body(item) }
        }
        while let value = try await group.next() {
            if let value { values.append(value) }
            guard let item = rest.popFirst() else { continue }
            try Task.checkCancellation()
            group.addTask { try await body(item) }
        }
    }
    return values
}
