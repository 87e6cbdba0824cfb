internal import CHost
internal import Glibc
package import SystemPackage

/// A lock between processes, and between tasks of one process, on a file of its own (flock(2)).
///
/// The kernel frees it when the holder ends in whatever way. Every `lock` opens the file anew, so two tasks of one
/// process exclude each other as two processes do.
package final class FileLock: Sendable {
    /// Whether others may hold the lock at the same time.
    package enum Mode: Sendable { case shared, exclusive }

    /// A lock that is held; it ends with `unlock` or with the value.
    package struct Token: ~Copyable, Sendable {
        private let file: OpenFile

        fileprivate init(_ file: consuming OpenFile) { self.file = file }

        /// Frees the lock.
        package consuming func unlock() {}

        // Closing is not enough: a child process that has not yet begun its program holds a copy of the descriptor.
        deinit { flock(file.number, LOCK_UN) }
    }

    /// The lock's file. It is made when first needed and may be removed while nobody holds it.
    package let path: FilePath

    package init(_ path: FilePath) { self.path = path }

    /// Takes the lock when it is free right now; `nil` when somebody else has it.
    package func tryLock(_ mode: Mode = .exclusive) throws -> Token? { try lock(mode, LOCK_NB) }

    /// Waits for the lock and blocks the thread meanwhile: only for locks that are held for a moment.
    package func lockBlocking(_ mode: Mode = .exclusive) throws -> Token {
        while true {
            if let token = try lock(mode, 0) { return token }
        }
    }

    private func lock(_ mode: Mode, _ flags: Int32) throws -> Token? {
        while true {
            let number = unsafe path.withPlatformString {
                unsafe martlet_openat(AT_FDCWD, $0, O_RDWR | O_CREAT | O_NOFOLLOW, 0o644)
            }
            guard number >= 0 else { throw HostError.last("open the lock file", path: path) }
            let file = OpenFile(owning: number, path: path.string)
            guard flock(number, (mode == .shared ? LOCK_SH : LOCK_EX) | flags) == 0 else {
                if errno == EWOULDBLOCK { return nil }
                if errno == EINTR { continue }
                throw HostError.last("lock it", path: path)
            }
            // The file may have been removed between open and lock; then another process locks its successor.
            let held = try file.status()
            let named = try Files.status(path, followingLinks: false)
            if let named, named.inode == held.inode, named.device == held.device { return Token(file) }
        }
    }

    /// Waits for the lock without blocking a thread, and until the task is cancelled at the latest.
    package func lock(_ mode: Mode = .exclusive) async throws -> Token {
        var pause = Duration.microseconds(200)
        while true {
            if let token = try tryLock(mode) { return token }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(8))
        }
    }

    /// Runs `body` while the lock is held.
    package func withLock<Result>(
        _ mode: Mode = .exclusive, _ body: () async throws -> Result
    ) async throws -> Result {
        let token = try await lock(mode)
        let result = try await body()
        token.unlock()
        return result
    }
}
