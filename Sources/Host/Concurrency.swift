internal import Synchronization

/// Calls `body` for every item, in chunks of `chunk` items on at most `width` tasks.
///
/// For work that is too small for a task each, such as one system call. The first error ends it: chunks that have not
/// begun are skipped, and the error is thrown. Cancellation is checked between chunks.
package func concurrentForEach<Item: Sendable>(
    _ items: [Item], chunk: Int = 100, width: Int = Machine.processorCount,
    _ body: @escaping @Sendable (Item) throws -> Void
) async throws {
    precondition(chunk > 0 && width > 0)
    guard items.count > chunk, width > 1 else {
        for (index, item) in items.enumerated() {
            if index % chunk == 0 { try Task.checkCancellation() }
            try body(item)
        }
        return
    }
    let next = Cursor()
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<min(width, (items.count + chunk - 1) / chunk) {
            group.addTask {
                while true {
                    try Task.checkCancellation()
                    let start = next.advance(by: chunk)
                    guard start < items.count else { return }
                    for item in items[start..<min(start + chunk, items.count)] { try body(item) }
                    // Others, such as one who waits for a program, may have something to do that takes long elsewhere.
                    await Task.yield()
                }
            }
        }
        try await group.waitForAll()
    }
}

/// `transform` of every item, in the items' order, computed as `concurrentForEach` does.
package func concurrentMap<Item: Sendable, Value: Sendable>(
    _ items: [Item], chunk: Int = 100, width: Int = Machine.processorCount,
    _ transform: @escaping @Sendable (Item) throws -> Value
) async throws -> [Value] {
    let starts = Array(stride(from: 0, to: items.count, by: chunk))
    let parts = Parts<Value>()
    try await concurrentForEach(starts, chunk: 1, width: width) { start in
        let part = try items[start..<min(start + chunk, items.count)].map(transform)
        parts.values.withLock { $0[start] = part }
    }
    let done = parts.values.withLock { $0 }
    var values: [Value] = []
    values.reserveCapacity(items.count)
    for start in starts { values += done[start] ?? [] }
    return values
}

/// Where the next chunk starts; shared by the tasks.
private final class Cursor: Sendable {
    private let position = Atomic<Int>(0)

    func advance(by count: Int) -> Int { position.add(count, ordering: .relaxed).oldValue }
}

/// The results of the chunks by the index of their first item. The lock guards the table only.
private final class Parts<Value: Sendable>: Sendable {
    let values = Mutex<[Int: [Value]]>([:])
}
