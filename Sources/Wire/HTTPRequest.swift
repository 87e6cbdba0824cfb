/// What is asked of a server.
package struct HTTPRequest: Sendable {
    package enum Method: String, Hashable, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
        /// Makes a collection (RFC 4918 section 9.3).
        case makeCollection = "MKCOL"

        /// Whether asking twice is as asking once (RFC 9110 section 9.2.2, RFC 4918 section 9.3).
        package var isIdempotent: Bool {
            switch self {
            case .get, .head, .put, .delete, .makeCollection: true
            case .post, .patch: false
            }
        }
    }

    /// What is sent along.
    package enum Body: Sendable {
        case bytes([UInt8])
        /// So many bytes in pieces. Each call begins anew, so that a request can be repeated.
        case stream(length: Int, @Sendable () -> AsyncThrowingStream<[UInt8], any Error>)
    }

    package var method: Method
    package var url: HTTPURL
    package var fields: HTTPFields
    package var body: Body?
    /// Whether the request may be sent again when nobody knows what became of it. Methods that are not idempotent only
    /// may where the service makes them so.
    package var isRepeatable: Bool
    /// Whether a redirect to another origin ends the request: for contents that are secret, which no rule about header
    /// fields would keep back.
    package var staysAtOrigin = false

    package init(
        _ method: Method = .get, _ url: HTTPURL, fields: HTTPFields = HTTPFields(), body: Body? = nil,
        isRepeatable: Bool? = nil
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
        self.isRepeatable = isRepeatable ?? method.isIdempotent
    }

    /// The request for `url`, to which the server at the request's own address sends the client.
    ///
    /// Credentials stay with the origin that they were meant for, or any server could collect them by a redirect.
    func redirected(to url: HTTPURL, status: Int) -> HTTPRequest {
        var next = self
        next.url = url
        if status == 303, method != .head, method != .get {
            next.method = .get
            next.body = nil
            for name in ["Content-Type", "Content-Length", "Content-Encoding", "Content-Range"] {
                next.fields[name] = nil
            }
        }
        if url.origin != self.url.origin {
            for name in ["Authorization", "Cookie", "Proxy-Authorization", "Origin"] { next.fields[name] = nil }
        }
        return next
    }
}
