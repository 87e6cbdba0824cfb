internal import CHost
internal import Dispatch
internal import Glibc
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// A socket to another process, over which messages go in both directions: four bytes of length, the most significant
/// first, and the message.
///
/// Its calls wait on a thread of their own, one after the other. Programs that are started meanwhile don't inherit the
/// socket.
package final class Conversation: Sendable {
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "martlet.conversation")
    /// Closed by whoever comes first, the end of the conversation or of the value. The lock guards that.
    private let isOpen = Mutex<Bool>(true)

    /// The most bytes of a message.
    package static let greatestMessage = 128 << 20

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { close() }

    /// The conversation with the process that started this one by `ChildProcess.conversing`. What this process starts
    /// gets no part in it.
    package static func withParent() throws -> Conversation {
        let descriptor = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
        guard descriptor >= 0 else { throw HostError.last("take over the conversation") }
        var kind: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 else {
            Glibc.close(descriptor)
            throw HostError(.input, "this command is martlet's own: it talks to the martlet that started it")
        }
        let nothing = unsafe Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        if nothing >= 0 {
            dup2(nothing, STDIN_FILENO)
            Glibc.close(nothing)
        }
        return Conversation(descriptor: descriptor)
    }

    /// Two ends, of which the second is for a child.
    fileprivate static func pair() throws -> (Conversation, child: FileDescriptor) {
        var pair: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0
        else {
            throw HostError.last("make a socket")
        }
        return (Conversation(descriptor: pair[0]), FileDescriptor(rawValue: pair[1]))
    }

    /// Ends the conversation: the other side reads its end.
    package func close() {
        guard
            isOpen.withLock({ open in
                defer { open = false }
                return open
            })
        else { return }
        // A thread may be waiting on it, so the descriptor is given back behind it.
        shutdown(descriptor, Int32(SHUT_RDWR))
        queue.async { [descriptor] in Glibc.close(descriptor) }
    }

    /// Sends a message and waits for the answer.
    /// - Parameter timeLimit: for both; `nil` waits for as long as it takes.
    /// - Throws: `HostError` when the other side is gone or silent; `CancellationError`. Then the conversation is over.
    package func ask(_ message: [UInt8], timeLimit: Duration? = nil) async throws -> [UInt8] {
        try await onQueue { [self] in
            let limit = timeLimit.map { Clocks.monotonicNanoseconds() + Int64($0 / .nanoseconds(1)) }
            try sendNow(message, until: limit)
            guard let answer = try receiveNow(until: limit) else {
                throw HostError(.system, "the other process ended without an answer")
            }
            return answer
        }
    }

    /// The next message; `nil` when the other side has ended the conversation.
    package func receive() async throws -> [UInt8]? { try await onQueue { [self] in try receiveNow(until: nil) } }

    /// Sends a message.
    package func send(_ message: [UInt8]) async throws {
        try await onQueue { [self] in try sendNow(message, until: nil) }
    }

    /// Ends this process at once when the other side is gone, even if that was killed: for a process that works for it and
    /// for nobody else.
    package func endProcessWithOtherSide() throws {
        // A descriptor of its own, that nobody gives back while a thread waits on it.
        let watched = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard watched >= 0 else { throw HostError.last("watch the other process") }
        DispatchQueue(label: "martlet.conversation.end").async {
            while true {
                // A socket that was hung up says so whether it is asked or not.
                var wait = pollfd(fd: watched, events: 0, revents: 0)
                if unsafe poll(&wait, 1, -1) > 0 || errno != EINTR { _exit(1) }
            }
        }
    }

    private func onQueue<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withTaskCancellationHandler {
            do {
                return try await withCheckedThrowingContinuation { continuation in
                    queue.async { continuation.resume(with: Result(catching: body)) }
                }
            } catch {
                close()
                try Task.checkCancellation()
                throw error
            }
        } onCancel: {
            close()
        }
    }

    private func sendNow(_ message: [UInt8], until limit: Int64?) throws {
        guard isOpen.withLock({ $0 }) else { throw HostError(.system, "the conversation is over") }
        guard message.count <= Self.greatestMessage else {
            throw HostError(.tooLarge, "a message of \(message.count) bytes is too long")
        }
        let count = UInt32(message.count)
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + message
        var sent = 0
        while sent < bytes.count {
            try wait(Int16(POLLOUT), until: limit)
            let done = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    descriptor, buffer.baseAddress.map { unsafe $0 + sent }, bytes.count - sent,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if done < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                throw HostError.last("write to the other process")
            }
            sent += done
        }
    }

    private func receiveNow(until limit: Int64?) throws -> [UInt8]? {
        guard isOpen.withLock({ $0 }) else { throw HostError(.system, "the conversation is over") }
        guard let head = try receiveNow(4, until: limit, mayEnd: true) else { return nil }
        let count = head.reduce(0) { $0 << 8 | Int($1) }
        guard count <= Self.greatestMessage else {
            throw HostError(.tooLarge, "the other process announces a message of \(count) bytes")
        }
        return try receiveNow(count, until: limit, mayEnd: false)
    }

    private func receiveNow(_ count: Int, until limit: Int64?, mayEnd: Bool) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var received = 0
        while received < count {
            try wait(Int16(POLLIN), until: limit)
            let done = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.recv(descriptor, buffer.baseAddress.map { unsafe $0 + received }, count - received, 0)
            }
            if done < 0 {
                if errno == EINTR { continue }
                throw HostError.last("read from the other process")
            }
            if done == 0 {
                if received == 0, mayEnd { return nil }
                throw HostError(.system, "the other process ended in the middle of a message")
            }
            received += done
        }
        return bytes
    }
}

extension Conversation {
    /// Waits until the socket is ready for an event, or over.
    private func wait(_ event: Int16, until limit: Int64?) throws {
        while true {
            let left = limit.map { max(0, ($0 - Clocks.monotonicNanoseconds()) / 1_000_000) }
            var wait = pollfd(fd: descriptor, events: event, revents: 0)
            let ready = unsafe poll(&wait, 1, left.map { Int32(clamping: $0) } ?? -1)
            if ready > 0 { return }
            if ready == 0 { throw HostError(.system, "the other process gave no answer in time") }
            guard errno == EINTR else { throw HostError.last("wait for the other process") }
        }
    }
}

extension ChildProcess {
    /// Starts `command` and runs `body`, which talks with it. The program's standard input is its end of the
    /// conversation; its output and errors go to this process's standard error, and it may ask at the terminal.
    ///
    /// When `body` ends, so does the conversation, and the program is to end then: it is ended by signals after five
    /// seconds, and at once when `body` throws or the task is cancelled.
    package static func conversing<Value: Sendable>(
        with command: [String], environment: [String: String]? = nil,
        _ body: @Sendable (Conversation) async throws -> Value
    ) async throws -> Value {
        guard let name = command.first else { throw HostError(.input, "an empty command can't be run") }
        let (conversation, child) = try Conversation.pair()
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(1))]
        var variables: Subprocess.Environment = .inherit
        if let environment {
            variables = .custom(environment.map { Array("\($0.key)=\($0.value)".utf8) + [0] })
        }
        let configuration = Configuration(
            executable: .path(FilePath(name)), arguments: Arguments(Array(command.dropFirst())),
            environment: variables, platformOptions: options)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try? await Subprocess.run(
                    configuration, input: .fileDescriptor(child, closeAfterSpawningProcess: true),
                    output: .fileDescriptor(.standardError, closeAfterSpawningProcess: false),
                    error: .currentStandardError)
                conversation.close()
            }
            let value: Value
            do {
                value = try await body(conversation)
                conversation.close()
                group.addTask { try? await Task.sleep(for: .seconds(5)) }
            } catch {
                conversation.close()
                group.cancelAll()
                throw error
            }
            try await group.next()
            group.cancelAll()
            return value
        }
    }
}

/// What this process keeps from the rest of the machine.
package enum ProcessPrivacy {
    /// Lets no process of this user look into the memory of this one, and writes none of it to disk when it crashes
    /// (prctl(2), PR_SET_DUMPABLE).
    package static func closeMemory() throws {
        guard martlet_close_memory() == 0 else { throw HostError.last("keep its memory to itself") }
    }
}
