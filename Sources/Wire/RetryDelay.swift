internal import Bytes

/// An answer with a status and fields, whole or on its way.
protocol StatusBearing: Sendable {
    var status: Int { get }
    var fields: HTTPFields { get }
}

extension HTTPReply: StatusBearing {}
extension HTTPAnswer: StatusBearing {}

/// How long to wait before a request is sent again.
enum RetryDelay {
    /// More than this is not waited at a server's word.
    static let greatest = Duration.seconds(30)

    /// After a connection that broke: twice as long each time, and somewhat apart from others who wait too.
    static func afterFailure(_ attempt: Int) -> Duration {
        .milliseconds(200 << min(attempt - 1, 6)) * Double.random(in: 0.75...1.25)
    }

    /// The wait that `answer` asks for; `nil` where sending the request again would give the same.
    static func asked(by answer: some StatusBearing, _ attempt: Int) -> Duration? {
        switch answer.status {
        case 408, 429, 502, 503, 504: break
        default: return nil
        }
        guard let text = answer.fields["Retry-After"] else { return afterFailure(attempt) }
        // A date is a number of seconds from the server's own clock, which the answer tells.
        let seconds =
            Int(text)
            ?? HTTPDate.seconds(text).flatMap { end in
                answer.fields["Date"].flatMap { HTTPDate.seconds($0) }.map { Int(end - $0) }
            }
        guard let seconds else { return afterFailure(attempt) }
        let wait = Duration.seconds(max(0, min(seconds, 1 << 30)))
        return wait <= greatest ? wait : nil
    }
}

/// Dates in header fields: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
enum HTTPDate {
    /// Seconds since 1970; `nil` for other forms.
    static func seconds(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        let number = month + 1 < 10 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp("\(words[3])-\(number)-\(words[1])T\(words[4])Z")?.seconds
    }
}
