internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// A web server on this machine alone, on a port that nobody chose, for tests.
package final class LoopbackServer: Sendable {
    /// What was asked.
    package struct Request: Sendable {
        package let method: String
        /// Path and query.
        package let target: String
        package let fields: [(name: String, value: String)]
        package let body: [UInt8]

        package init(method: String, target: String, fields: [(name: String, value: String)], body: [UInt8]) {
            self.method = method
            self.target = target
            self.fields = fields
            self.body = body
        }

        package subscript(name: String) -> String? {
            fields.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    /// What is answered.
    package struct Reply: Sendable {
        package var status: Int
        package var fields: [(name: String, value: String)]
        package var body: [UInt8]
        /// Closes the connection after so many bytes of the body.
        package var breaksAfter: Int?
        /// Says nothing more after so many bytes of the body.
        package var stallsAfter: Int?

        package init(_ status: Int = 200, _ body: String = "", fields: [(name: String, value: String)] = []) {
            self.init(status, bytes: Array(body.utf8), fields: fields)
        }

        package init(_ status: Int = 200, bytes: [UInt8], fields: [(name: String, value: String)] = []) {
            self.status = status
            self.body = bytes
            self.fields = fields
        }
    }

    private let channel: any Channel
    package let port: Int

    /// Starts serving; `answer` gives `nil` where the connection is to be closed without a word.
    package init(port: Int = 0, _ answer: @escaping @Sendable (Request) async -> Reply?) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(Handler(answer))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        self.port = channel.localAddress?.port ?? 0
    }

    /// The address of `path`.
    package func address(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }

    package func close() async { try? await channel.close() }

    /// Serves until the process ends.
    package func serve() async throws { try await channel.closeFuture.get() }
}

/// One connection: requests one after the other.
private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: @Sendable (LoopbackServer.Request) async -> LoopbackServer.Reply?
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(_ answer: @escaping @Sendable (LoopbackServer.Request) async -> LoopbackServer.Reply?) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            (self.head, body) = (head, [])
            // A request for a tunnel has no end: what follows is somebody else's.
            if head.method == .CONNECT { reply(context) }
        case .body(let buffer): body += buffer.readableBytesView
        case .end: if head?.method != .CONNECT { reply(context) }
        }
    }

    private func reply(_ context: ChannelHandlerContext) {
        guard let head else { return }
        let request = LoopbackServer.Request(
            method: head.method.rawValue, target: head.uri, fields: head.headers.map { ($0.name, $0.value) },
            body: body)
        let (channel, answer) = (context.channel, answer)
        let promise = context.eventLoop.makePromise(of: LoopbackServer.Reply?.self)
        promise.completeWithTask { await answer(request) }
        let isHead = head.method == .HEAD
        promise.futureResult.whenSuccess { reply in Self.write(reply, isHead: isHead, to: channel) }
    }

    private static func write(_ reply: LoopbackServer.Reply?, isHead: Bool, to channel: any Channel) {
        guard let reply else {
            channel.close(promise: nil)
            return
        }
        var headers = HTTPHeaders(reply.fields.map { ($0.name, $0.value) })
        if !headers.contains(name: "Content-Length"), !headers.contains(name: "Transfer-Encoding") {
            headers.add(name: "Content-Length", value: String(reply.body.count))
        }
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: reply.status), headers: headers)
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        let count = reply.breaksAfter ?? reply.stallsAfter ?? reply.body.count
        if !isHead, count > 0 {
            channel.write(
                HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: reply.body.prefix(count)))), promise: nil)
        }
        if reply.breaksAfter != nil {
            channel.flush()
            channel.close(promise: nil)
        } else if reply.stallsAfter != nil {
            channel.flush()
        } else {
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        }
    }
}
