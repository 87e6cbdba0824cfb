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
    let answer: @Sendable (_ content: [UInt8], _ reply: @escaping @Sendable (HotAnswer) -> Void) -> Void

    init(
        _ path: String, contentLimit: Int,
        answer: @escaping @Sendable (_ content: [UInt8], _ reply: @escaping @Sendable (HotAnswer) -> Void) -> Void
    ) {
        self.path = path
        self.contentLimit = contentLimit
        self.answer = answer
    }
}

/// The answer on a hot path.
package struct HotAnswer: Sendable {
    let status: Int
    let type: String
    let content: [UInt8]
    var fields: [(String, String)] = []

    /// 200 with a text.
    init(text: String) {
        status = 200
        type = "text/plain; charset=utf-8"
        content = Array(text.utf8)
    }

    init(_ refusal: Refusal) {
        status = refusal.status.code
        type = "application/json"
        content = refusal.json.bytes()
        fields = refusal.answerFields.map { ($0.name.rawName, $0.value) }
    }
}

/// The hot paths of a server, from when its faces are made.
final class HotPaths: Sendable {
    /// Guards the list alone.
    private let paths = Mutex<[HotPath]>([])

    func open(_ paths: [HotPath]) { self.paths.withLock { $0 = paths } }

    /// The path that answers this request; `nil` where it is one for the routes. What is not plain is: other versions,
    /// queries, contents of unknown length, and clients that want to hear something before or close after.
    func path(for head: HTTPRequestHead) -> HotPath? {
        guard head.method == .POST, head.version == .http1_1,
            let path = paths.withLock({ $0.first { $0.path == head.uri } }),
            let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length <= path.contentLimit,
            !head.headers.contains(name: "expect"), !head.headers.contains(name: "connection"),
            !head.headers.contains(name: "transfer-encoding")
        else { return nil }
        return path
    }
}
