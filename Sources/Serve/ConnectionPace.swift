/// Decides when a connection is too slow to be kept: a state machine without a clock of its own.
///
/// It defends against clients that hold connections by sending a byte now and then, and by never reading answers.
/// While the server itself works on a request, nothing is held against the client.
struct ConnectionPace: Sendable {
    /// Why a connection is given up.
    enum Verdict: String, Hashable, Sendable {
        case idle = "no request came"
        case stalled = "the request's content stopped"
        case slow = "the request's content came too slowly"
        case unread = "the answer was not taken"
        case unwanted = "content went on after the request was answered"
    }

    /// How much content of an answered request is read and thrown away, before the connection is.
    static let drainLimit = 4 << 20
    /// How long a request's content is not yet judged by its average rate.
    static let rateGrace = Duration.seconds(30)

    private let limits: ServerLimits
    /// When the server began to wait for a request; `nil` while one is under way.
    private var waitingSince: Duration?
    private var content: (began: Duration, last: Duration, bytes: Int)?
    private var isAnswering = false
    private var wasAnswered = false
    private var drained = 0
    private var pendingWrites = 0
    private var lastWrite = Duration.zero

    /// All times are durations since any fixed moment.
    init(_ limits: ServerLimits, now: Duration) {
        self.limits = limits
        waitingSince = now
    }

    mutating func head(at now: Duration) {
        waitingSince = nil
        content = (now, now, 0)
        isAnswering = true
        wasAnswered = false
        drained = 0
    }

    mutating func content(_ count: Int, at now: Duration) {
        content?.last = now
        content?.bytes += count
        if wasAnswered { drained += count }
    }

    mutating func requestEnd(at now: Duration) {
        content = nil
        if wasAnswered { waitingSince = now }
    }

    mutating func write(at now: Duration) {
        if pendingWrites == 0 { lastWrite = now }
        pendingWrites += 1
    }

    mutating func written(at now: Duration) {
        pendingWrites -= 1
        lastWrite = now
    }

    mutating func answerEnd(at now: Duration) {
        isAnswering = false
        wasAnswered = true
        if content == nil { waitingSince = now }
    }

    /// Why the connection is to be closed now; `nil` where it is not.
    func verdict(at now: Duration) -> Verdict? {
        if pendingWrites > 0, now - lastWrite > limits.stall { return .unread }
        if let waitingSince { return now - waitingSince > limits.idle ? .idle : nil }
        guard let content else { return nil }
        if wasAnswered, drained > Self.drainLimit || now - content.last > limits.stall { return .unwanted }
        // A handler that does not read keeps the content from coming; then its own pace is not the client's fault.
        if now - content.last > limits.stall { return .stalled }
        let time = now - content.began
        if time > Self.rateGrace, Double(content.bytes) < Double(limits.bytesPerSecond) * (time / .seconds(1)) {
            return .slow
        }
        return nil
    }
}
