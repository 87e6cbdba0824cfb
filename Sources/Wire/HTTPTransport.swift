/// Whoever can get an answer to a request: `HTTPClient`, or in tests a service in the same process.
package protocol HTTPTransport: Sendable {
    /// Gives the answer with all its content, of which at most `limit` bytes are taken.
    func fetch(_ request: HTTPRequest, limit: Int, deadline: Duration?) async throws(WireError) -> HTTPAnswer
}

extension HTTPTransport {
    package func fetch(_ request: HTTPRequest, limit: Int) async throws(WireError) -> HTTPAnswer {
        try await fetch(request, limit: limit, deadline: nil)
    }
}

extension HTTPClient: HTTPTransport {}
