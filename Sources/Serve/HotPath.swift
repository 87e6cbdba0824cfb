internal import Bytes
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// A call that comes so often that a task for each would cost more than the call: POST with a small content to one path.
package struct HotPath: Sendable {
    let path: String
    let contentLimit: Int
    /// Called on the connection's thread with the content; it must not wait, and calls `reply` once, on any thread.
    let answer: Answering

    typealias Answering = @Sendable (_ content: [UInt8], _ reply: @escaping @Sendable (HotReply) -> Void) -> Void

    init(_ path: String, contentLimit: Int, answer: @escaping Answering) {
        self.path = path
        self.contentLimit = contentLimit
        self.answer = answer
    }
}

/// What becomes of a request of a hot path.
enum HotReply: Sendable {
    /// It is answered; the answer is made on the connection's thread.
    case answer(@Sendable () -> HotAnswer)
    /// It is not plain, and the routes answer it.
    case routes
}

/// An answer as it leaves: head and content.
package struct HotAnswer: Sendable {
    let bytes: ByteBuffer

    /// 200 with a text.
    init(text: String) { self.init(200, "text/plain; charset=utf-8", Array(text.utf8), [:]) }

    init(_ refusal: Refusal) {
        self.init(refusal.status.code, "application/json", refusal.json.bytes(), refusal.answerFields)
    }

    init(_ status: Int, _ type: String, _ content: [UInt8], _ fields: HTTPFields) {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(128 + content.count)
        switch status {
        case 200: bytes.writeStaticString("HTTP/1.1 200 OK\r\nServer: martlet\r\n")
        case 201: bytes.writeStaticString("HTTP/1.1 201 Created\r\nServer: martlet\r\n")
        default:
            bytes.writeString("HTTP/1.1 \(status) \(HTTPResponseStatus(statusCode: status).reasonPhrase)\r\n")
            bytes.writeStaticString("Server: martlet\r\n")
        }
        // Names and values of fields were checked when they were made.
        for field in fields { bytes.writeString("\(field.name.rawName): \(field.value)\r\n") }
        bytes.writeStaticString("Content-Type: ")
        bytes.writeString(type)
        bytes.writeStaticString("\r\nContent-Length: ")
        bytes.writeString(String(content.count))
        bytes.writeStaticString("\r\n\r\n")
        bytes.writeBytes(content)
        self.bytes = bytes
    }
}

/// Answers to GET that never change, by path: what was asked for once is answered without looking for it again.
package final class KeptAnswers: Sendable {
    private static let greatestCount = 1024
    /// Guards the list alone.
    private let answers = Mutex<[String: HotAnswer]>([:])
    private let counters: [Metrics.Counter]

    /// `counters` count answers that are given.
    init(_ counters: [Metrics.Counter]) { self.counters = counters }

    func keep(_ answer: HotAnswer, for path: String) {
        answers.withLock { answers in
            if answers.count >= Self.greatestCount { answers.removeAll(keepingCapacity: true) }
            answers[path] = answer
        }
    }

    func answer(to path: String) -> HotAnswer? {
        guard let answer = answers.withLock({ $0[path] }) else { return nil }
        for counter in counters { counter.add() }
        return answer
    }
}

/// What a server answers without a task, from when its faces are made.
final class HotPaths: Sendable {
    /// Guards the lists alone.
    private let lists = Mutex<(paths: [HotPath], kept: [KeptAnswers])>(([], []))

    func open(_ paths: [HotPath], _ kept: [KeptAnswers] = []) { lists.withLock { $0 = (paths, kept) } }

    /// The path that answers this request; `nil` where it is one for the routes. What is not plain is: other versions,
    /// queries, contents of unknown length, and clients that want to hear something before or close after.
    func path(for head: HTTPRequestHead) -> HotPath? {
        guard head.method == .POST, head.version == .http1_1,
            let path = lists.withLock({ $0.paths.first { $0.path == head.uri } }),
            let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length <= path.contentLimit,
            !head.headers.contains(name: "expect"), !head.headers.contains(name: "connection"),
            !head.headers.contains(name: "transfer-encoding")
        else { return nil }
        return path
    }

    /// The answer that is kept for this request.
    func kept(for head: HTTPRequestHead) -> HotAnswer? {
        guard head.method == .GET, head.version == .http1_1 else { return nil }
        let kept = lists.withLock { $0.kept }
        guard !kept.isEmpty, !head.headers.contains(name: "connection"), !head.headers.contains(name: "expect"),
            !head.headers.contains(name: "if-none-match"), !head.headers.contains(name: "content-length"),
            !head.headers.contains(name: "transfer-encoding")
        else { return nil }
        for answers in kept { if let answer = answers.answer(to: head.uri) { return answer } }
        return nil
    }
}
