import Host
import SystemPackage
import TestKit
import Testing

@Suite struct FileLockTests {
    /// Whether the lock could be taken right now.
    private func isFree(_ lock: FileLock, _ mode: FileLock.Mode = .exclusive) throws -> Bool {
        guard let token = try lock.tryLock(mode) else { return false }
        token.unlock()
        return true
    }

    @Test("an exclusive lock excludes, a shared one does not")
    func modes() async throws {
        let directory = try TemporaryDirectory()
        let lock = FileLock(directory["lock"])
        let shared = try await lock.lock(.shared)
        #expect(try isFree(lock, .shared))
        #expect(try !isFree(lock))
        shared.unlock()
        let exclusive = try await lock.lock()
        #expect(try !isFree(lock, .shared))
        #expect(try !isFree(lock))
        exclusive.unlock()
        #expect(try isFree(lock))
    }

    @Test("tasks that take the lock run one after the other")
    func exclusion() async throws {
        let directory = try TemporaryDirectory()
        let lock = FileLock(directory["lock"])
        let path = directory["count"]
        try Files.write([0], to: path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await lock.withLock {
                        let count = try Files.read(path, limit: 1)[0]
                        await Task.yield()
                        try Files.write([count + 1], to: path)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try Files.read(path, limit: 1) == [20])
    }

    @Test("a lock file that was removed meanwhile is not mistaken for the lock")
    func removed() async throws {
        let directory = try TemporaryDirectory()
        let lock = FileLock(directory["lock"])
        let first = try await lock.lock()
        try Files.remove(directory["lock"])
        let second = try await lock.lock()
        #expect(try !isFree(lock))
        first.unlock()
        #expect(try !isFree(lock))
        second.unlock()
        #expect(try isFree(lock))
    }

    @Test("a cancelled wait ends")
    func cancellation() async throws {
        let directory = try TemporaryDirectory()
        let lock = FileLock(directory["lock"])
        let held = try await lock.lock()
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    let token = try await lock.lock()
                    token.unlock()
                    return false
                } catch { return error is CancellationError }
            }
            group.cancelAll()
            #expect(await group.next() == true)
        }
        held.unlock()
    }

    @Test("concurrent work visits every item once and keeps the order")
    func concurrency() async throws {
        let items = Array(0..<1234)
        #expect(try await concurrentMap(items, chunk: 10, width: 4) { $0 * 2 } == items.map { $0 * 2 })
        await #expect(throws: HostError.self) {
            try await concurrentForEach(items, chunk: 7, width: 3) { if $0 == 900 { throw HostError(.input, "x") } }
        }
    }
}
