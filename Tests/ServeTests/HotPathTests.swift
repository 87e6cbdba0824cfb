import Bytes
import Ledger
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import Testing

@testable import Serve

/// What answers without a task, on a connection that is not there.
struct HotPathTests {
    /// What was asked on hot paths. The lock guards the list alone.
    private final class Questions: Sendable {
        let list = Mutex<[(content: [UInt8], reply: @Sendable (HotReply) -> Void)]>([])
    }

    /// A connection with the handler, and the replies that it waits for.
    private final class Connection {
        let channel = EmbeddedChannel()
        let paths = HotPaths()
        let questions = Questions()

        /// The contents that wait for an answer.
        var asked: [[UInt8]] { questions.list.withLock { $0.map(\.content) } }

        init() throws {
            paths.open([
                HotPath("/log/add", contentLimit: 8) { [questions] content, reply in
                    questions.list.withLock { $0.append((content, reply)) }
                }
            ])
            let pipeline = channel.pipeline.syncOperations
            let pace = ConnectionGuard(ServerLimits()) { _ in }
            try pipeline.addHandlers(HTTPResponseEncoder(), pace)
            try pipeline.addHandler(
                HotPathHandler(paths, pace, encoder: pipeline.context(handlerType: HTTPResponseEncoder.self)))
            try channel.connect(to: SocketAddress(unixDomainSocketPath: "/none")).wait()
        }

        func send(_ method: HTTPMethod, _ uri: String, _ content: [UInt8]?, _ fields: HTTPHeaders = [:]) throws {
            var headers = fields
            if let content { headers.add(name: "Content-Length", value: String(content.count)) }
            try channel.writeInbound(
                HTTPServerRequestPart.head(
                    HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers)))
            for byte in content ?? [] {
                try channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(bytes: [byte])))
            }
            try channel.writeInbound(HTTPServerRequestPart.end(nil))
        }

        /// The paths of requests that were handed on since the last call.
        func handedOn() throws -> [String] {
            var paths: [String] = []
            while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                if case .head(let head) = part { paths.append(head.uri) }
            }
            return paths
        }

        /// What was answered since the last call.
        func answers() throws -> [String] {
            var text = ""
            while let part = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
            return text.components("HTTP/1.1 ").dropFirst().map { answer in
                "\(answer.prefix(3)) \(answer.components("\r\n\r\n").dropFirst().joined())"
            }
        }

        func reply(_ text: String) {
            reply(.answer { HotAnswer(text: text) })
        }

        func reply(_ reply: HotReply) {
            questions.list.withLock { $0.removeFirst() }.reply(reply)
            channel.embeddedEventLoop.run()
        }

        func answerAsOther() throws {
            try channel.writeOutbound(
                HTTPServerResponsePart.head(
                    HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "0"])))
            try channel.writeOutbound(HTTPServerResponsePart.end(nil))
        }
    }

    @Test("a request of a hot path is answered, and every other is handed on")
    func choice() throws {
        let connection = try Connection()
        try connection.send(.POST, "/log/add", [1, 2, 3])
        #expect(connection.asked == [[1, 2, 3]])
        #expect(try connection.answers() == [])
        connection.reply("7")
        #expect(try connection.answers() == ["200 7"])
        #expect(try connection.handedOn() == [])
        let others: [(HTTPMethod, String, [UInt8]?, HTTPHeaders)] = [
            (.GET, "/log/add", nil, [:]), (.POST, "/log/add?x", [1], [:]), (.POST, "/log/add/", [1], [:]),
            (.POST, "/log/add", [UInt8](repeating: 0, count: 9), [:]), (.POST, "/log/add", nil, [:]),
            (.POST, "/log/add", [1], ["Expect": "100-continue"]), (.POST, "/log/add", [1], ["Connection": "close"]),
            (.POST, "/log/add", [1], ["Transfer-Encoding": "chunked"]),
        ]
        for (method, uri, content, fields) in others {
            try connection.send(method, uri, content, fields)
            #expect(try connection.handedOn() == [uri])
            try connection.answerAsOther()
            _ = try connection.answers()
        }
        #expect(connection.asked.isEmpty)
    }

    @Test("answers leave in the order of requests, whoever gives them")
    func order() throws {
        let connection = try Connection()
        try connection.send(.POST, "/log/add", [1])
        try connection.send(.POST, "/log/add", [2])
        try connection.send(.GET, "/healthz", nil)
        try connection.send(.POST, "/log/add", [3])
        #expect(connection.asked == [[1]])
        #expect(try connection.handedOn() == [])
        connection.reply("first")
        connection.reply("second")
        #expect(try connection.answers() == ["200 first", "200 second"])
        // What stands behind a request that others answer is theirs too.
        #expect(try connection.handedOn() == ["/healthz", "/log/add"])
        #expect(connection.asked.isEmpty)
        try connection.answerAsOther()
        try connection.answerAsOther()
        try connection.send(.POST, "/log/add", [4])
        connection.reply("fourth")
        #expect(try connection.answers() == ["200 ", "200 ", "200 fourth"])
    }

    @Test("what turns out not to be plain is handed on as it came")
    func handingOn() throws {
        let connection = try Connection()
        try connection.send(.POST, "/log/add", [1, 2])
        try connection.send(.POST, "/log/add", [3])
        connection.reply(.routes)
        var parts: [HTTPServerRequestPart] = []
        while let part = try connection.channel.readInbound(as: HTTPServerRequestPart.self) { parts.append(part) }
        // What came after it follows, for answers leave in order.
        guard parts.count == 6, case .head(let head) = parts[0], case .body(let content) = parts[1],
            case .end = parts[2]
        else {
            Issue.record("\(parts)")
            return
        }
        #expect(head.uri == "/log/add" && head.headers["Content-Length"] == ["2"])
        #expect(Array(content.readableBytesView) == [1, 2])
        #expect(connection.asked.isEmpty)
        try connection.answerAsOther()
        try connection.answerAsOther()
        try connection.send(.POST, "/log/add", [4])
        connection.reply("fourth")
        #expect(try connection.answers() == ["200 ", "200 ", "200 fourth"])
    }

    @Test("an answer that is kept is given again, to those who ask for nothing more")
    func kept() throws {
        let connection = try Connection()
        let kept = KeptAnswers([])
        connection.paths.open([], [kept])
        try connection.send(.GET, "/log/tile/0/000", nil)
        #expect(try connection.handedOn() == ["/log/tile/0/000"])
        try connection.answerAsOther()
        _ = try connection.answers()
        kept.keep(HotAnswer(text: "tile"), for: "/log/tile/0/000")
        try connection.send(.GET, "/log/tile/0/000", nil)
        #expect(try connection.answers() == ["200 tile"])
        let others: [(HTTPMethod, String, HTTPHeaders)] = [
            (.HEAD, "/log/tile/0/000", [:]), (.GET, "/log/tile/0/001", [:]), (.GET, "/log/tile/0/000?", [:]),
            (.GET, "/log/tile/0/000", ["If-None-Match": "x"]), (.GET, "/log/tile/0/000", ["Connection": "close"]),
        ]
        for (method, uri, fields) in others {
            try connection.send(method, uri, nil, fields)
            #expect(try connection.handedOn() == [uri])
            try connection.answerAsOther()
            _ = try connection.answers()
        }
    }

    @Test("a connection that ends before its answer costs nothing but the answer")
    func gone() throws {
        let connection = try Connection()
        try connection.send(.POST, "/log/add", [1])
        _ = try connection.channel.finish(acceptAlreadyClosed: true)
        connection.reply("late")
        #expect(try connection.answers() == [])
    }

    @Test("what is refused says so as on other paths")
    func refusal() throws {
        let answer = HotAnswer(.unavailable("later", retryAfter: 3))
        let text = String(buffer: answer.bytes)
        #expect(text.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        #expect(text.contains("\r\nRetry-After: 3\r\n"))
        let content = text.components("\r\n\r\n")[1]
        #expect(try JSON(parsing: Array(content.utf8))["message"]?.stringValue == "later")
        #expect(text.contains("\r\nContent-Length: \(content.utf8.count)\r\n"))
    }
}

extension StringProtocol {
    /// The parts between `separator`.
    fileprivate func components(_ separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map { String($0) }
    }
}
