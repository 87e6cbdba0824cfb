internal import AsyncHTTPClient
internal import Bytes
internal import NIOCore
internal import NIOHTTP1

/// A server's answer whose content is still on its way.
package struct HTTPReply: Sendable {
    package let status: Int
    package let fields: HTTPFields
    /// Where the answer comes from, after redirects.
    package let url: HTTPURL
    /// The content, in pieces as they arrive. It can be read once.
    package let body: Body

    /// The pieces of an answer's content.
    package struct Body: AsyncSequence, Sendable {
        package typealias Element = [UInt8]
        let body: HTTPClientResponse.Body
        let url: HTTPURL

        package struct AsyncIterator: AsyncIteratorProtocol {
            var iterator: HTTPClientResponse.Body.AsyncIterator
            let url: HTTPURL

            @concurrent package mutating func next() async throws(WireError) -> [UInt8]? {
                do {
                    return try await iterator.next().map { Array($0.readableBytesView) }
                } catch {
                    throw WireError(error, url: url)
                }
            }
        }

        package func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(iterator: body.makeAsyncIterator(), url: url)
        }
    }

    /// The content as a whole. More than `limit` bytes are `.tooLarge`, before they are read where the server says so.
    @concurrent package func bytes(limit: Int) async throws(WireError) -> [UInt8] {
        if let length = fields["Content-Length"].flatMap({ Int($0) }), length > limit { throw tooLarge(limit) }
        var out: [UInt8] = []
        var iterator = body.makeAsyncIterator()
        while let piece = try await iterator.next() {
            guard out.count + piece.count <= limit else { throw tooLarge(limit) }
            out += piece
        }
        return out
    }

    /// The same answer, with content that has been read.
    package func holding(_ bytes: [UInt8]) -> HTTPReply {
        HTTPReply(
            status: status, fields: fields, url: url, body: Body(body: .bytes(ByteBuffer(bytes: bytes)), url: url))
    }

    private func tooLarge(_ limit: Int) -> WireError {
        WireError(.tooLarge, "\(url.shown) answers with more than the \(limit) bytes that are taken here")
    }
}

/// A server's answer that is here in full.
package struct HTTPAnswer: Hashable, Sendable {
    package let status: Int
    package let fields: HTTPFields
    package let url: HTTPURL
    package let bytes: [UInt8]

    package init(status: Int, fields: HTTPFields, url: HTTPURL, bytes: [UInt8]) {
        self.status = status
        self.fields = fields
        self.url = url
        self.bytes = bytes
    }

    package var isSuccess: Bool { 200..<300 ~= status }

    /// The content of a success; for every other status an error with the first words of the answer.
    package func success() throws(WireError) -> [UInt8] {
        guard isSuccess else { throw failure }
        return bytes
    }

    /// The answer as an error.
    package var failure: WireError {
        let words = String(decoding: bytes.prefix(300), as: UTF8.self)
            .split(whereSeparator: \.isWhitespace).joined(separator: " ").safeForTerminal
        return WireError(
            .status, "\(url.shown) answers \(status)\(words.isEmpty ? "" : ": \(words)")", status: status)
    }
}
