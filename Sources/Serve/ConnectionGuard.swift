internal import Host
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// Closes connections of clients that are too slow, see `ConnectionPace`, and of those that wait for that: clients of
/// HTTP/1.0 read to the end of the connection (RFC 9112, 9.3 and 6.3). One for each connection, on its event loop.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private var pace: ConnectionPace
    private let limits: ServerLimits
    private let onClose: @Sendable (ConnectionPace.Verdict) -> Void
    private var timer: RepeatedTask?
    /// The last request was of HTTP/1.0.
    private var isOld = false

    init(_ limits: ServerLimits, onClose: @escaping @Sendable (ConnectionPace.Verdict) -> Void) {
        self.limits = limits
        self.onClose = onClose
        pace = ConnectionPace(limits, now: Self.now())
    }

    private static func now() -> Duration { .nanoseconds(Clocks.monotonicNanoseconds()) }

    func handlerAdded(context: ChannelHandlerContext) {
        // Often enough for the shortest deadline, and seldom enough to cost nothing.
        let period = max(.milliseconds(20), min(.seconds(5), min(limits.idle, limits.stall) / 4))
        let channel = context.channel
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleRepeatedTask(
            initialDelay: TimeAmount(period), delay: TimeAmount(period)
        ) { task in
            guard let verdict = bound.value.pace.verdict(at: Self.now()) else { return }
            task.cancel()
            bound.value.onClose(verdict)
            channel.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let now = Self.now()
        switch unwrapInboundIn(data) {
        case .head(var head):
            pace.head(at: now)
            isOld = head.version == .http1_0
            if isOld || !head.isKeepAlive {
                // The server understands this spelling alone.
                head.headers.replaceOrAdd(name: "connection", value: "close")
                context.fireChannelRead(wrapInboundOut(.head(head)))
                return
            }
        case .body(let buffer): pace.content(buffer.readableBytes, at: now)
        case .end: pace.requestEnd(at: now)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let now = Self.now()
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        var data = data
        let isEnd: Bool
        switch unwrapOutboundIn(data) {
        case .head(var head):
            isEnd = false
            if isOld {
                // No chunks, which came later.
                head.version = .http1_0
                head.headers.replaceOrAdd(name: "connection", value: "close")
                data = wrapOutboundOut(.head(head))
            }
        case .body: isEnd = false
        case .end: isEnd = true
        }
        pace.write(at: now)
        promise.futureResult.whenComplete { _ in
            bound.value.pace.written(at: Self.now())
            if isEnd { bound.value.pace.answerEnd(at: Self.now()) }
        }
        context.write(data, promise: promise)
    }

    /// Sends a whole answer that needs no encoder.
    func answer(_ answer: ByteBuffer, past encoder: ChannelHandlerContext) {
        pace.write(at: Self.now())
        let promise = encoder.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: encoder.eventLoop)
        promise.futureResult.whenComplete { _ in
            let now = Self.now()
            bound.value.pace.written(at: now)
            bound.value.pace.answerEnd(at: now)
        }
        encoder.writeAndFlush(NIOAny(IOData.byteBuffer(answer)), promise: promise)
    }
}

/// A connection with a guard in front of what handles its requests.
struct GuardedChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    let limits: ServerLimits
    let hotPaths: HotPaths
    let onClose: @Sendable (ConnectionPace.Verdict) -> Void

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            // Behind the decoder: first the guard, then what answers at once.
            let pace = ConnectionGuard(limits, onClose: onClose)
            let encoder = try pipeline.context(handlerType: HTTPResponseEncoder.self)
            try pipeline.addHandler(HotPathHandler(hotPaths, pace, encoder: encoder), position: .after(decoder))
            try pipeline.addHandler(pace, position: .after(decoder))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
