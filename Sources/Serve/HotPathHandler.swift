internal import NIOCore
internal import NIOHTTP1

/// Answers requests of hot paths itself, and hands on all others. One for each connection, on its event loop.
///
/// Answers leave in the order of requests: while one is under way, whatever else comes is held, and soon nothing more is read;
/// and while others answer a request, those behind it are theirs too.
final class HotPathHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// Between requests, or within one that others answer.
        case handingOn
        case collecting(HotPath)
        /// Until the end of a request whose answer is known.
        case knowing(HotAnswer)
        case answering
    }

    /// What came while a request was being answered.
    private enum Held {
        case part(HTTPServerRequestPart)
        case event(Any)
        case error(any Error)
    }

    /// What is read although a request is being answered.
    private static let greatestHeldCount = 16

    private let paths: HotPaths
    private let pace: ConnectionGuard
    /// Where answers are bytes: on the way out, past what makes them of parts.
    private let encoder: ChannelHandlerContext
    private var state = State.handingOn
    /// What is collected. It is not within the state, where more content would copy what is there.
    private var head: HTTPRequestHead?
    private var content: ByteBuffer?
    /// The content that is being answered; its buffer is the connection's again.
    private var asked: [UInt8] = []
    /// The requests that were handed on and have no whole answer yet.
    private var handedOn = 0
    private var held = CircularBuffer<Held>()
    /// Whether others got a part and don't know yet that it was the last for now.
    private var owesReadComplete = false
    private var holdsRead = false
    /// `nil` when the connection is gone.
    private var context: ChannelHandlerContext?

    /// The handler with `encoder` must be nearer to the connection than this one.
    init(_ paths: HotPaths, _ pace: ConnectionGuard, encoder: ChannelHandlerContext) {
        self.paths = paths
        self.pace = pace
        self.encoder = encoder
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    private var isAnswering: Bool {
        if case .answering = state { true } else { false }
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if isAnswering { held.append(.part(part)) } else { receive(part, context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // What others have nothing to do with, they need not hear the end of.
        guard owesReadComplete else { return }
        owesReadComplete = false
        context.fireChannelReadComplete()
    }

    private func handOn(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        owesReadComplete = true
        context.fireChannelRead(wrapInboundOut(part))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A server that stops closes connections without requests; this one has one, which others don't know of.
        if isAnswering { held.append(.event(event)) } else { context.fireUserInboundEventTriggered(event) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isAnswering { held.append(.error(error)) } else { context.fireErrorCaught(error) }
    }

    func read(context: ChannelHandlerContext) {
        // Few clients send a request before they have the last answer, and to stop reading costs more than to read.
        if isAnswering, held.count >= Self.greatestHeldCount { holdsRead = true } else { context.read() }
    }

    private func receive(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch (part, state) {
        case (.head(let head), _):
            if handedOn == 0, let answer = paths.kept(for: head) {
                state = .knowing(answer)
            } else if handedOn == 0, let path = paths.path(for: head) {
                state = .collecting(path)
                self.head = head
            } else {
                handedOn += 1
                state = .handingOn
                handOn(part, context)
            }
        case (.body(let more), .collecting):
            if content == nil { content = more } else { content?.writeImmutableBuffer(more) }
        case (.end, .knowing(let answer)):
            state = .handingOn
            pace.answer(answer.bytes, past: encoder)
        case (.end, .collecting(let path)):
            state = .answering
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            let loop = context.eventLoop
            asked = content.map { Array($0.readableBytesView) } ?? []
            content = nil
            path.answer(asked) { reply in
                loop.execute { bound.value.finish(reply) }
            }
        default: handOn(part, context)
        }
    }

    // MARK: What leaves

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { handedOn = max(0, handedOn - 1) }
        context.write(data, promise: promise)
    }

    private func finish(_ reply: HotReply) {
        guard let context, isAnswering, let head else { return }
        let content = asked
        self.head = nil
        asked = []
        state = .handingOn
        switch reply {
        case .answer(let make): pace.answer(make().bytes, past: encoder)
        case .routes:
            handedOn += 1
            handOn(.head(head), context)
            if !content.isEmpty { handOn(.body(ByteBuffer(bytes: content)), context) }
            handOn(.end(nil), context)
        }
        while !isAnswering, let next = held.popFirst() {
            switch next {
            case .part(let part): receive(part, context)
            case .event(let event): context.fireUserInboundEventTriggered(event)
            case .error(let error): context.fireErrorCaught(error)
            }
        }
        channelReadComplete(context: context)
        if !isAnswering, holdsRead {
            holdsRead = false
            context.read()
        }
    }
}
