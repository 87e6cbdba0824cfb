package import Bytes
package import Hummingbird

/// A request that is not done, and why: thrown by handlers, answered by their face.
package struct Refusal: Error, Sendable, CustomStringConvertible {
    package var status: HTTPResponse.Status
    /// One word for programs, as the face's protocol has it; empty where there is none.
    package var code: String
    /// What is wrong and what to do, for people. It goes to strangers: no paths, no secrets.
    package var message: String
    /// Seconds after which to try again.
    package var retryAfter: Int?
    /// More fields of the answer.
    package var headers: HTTPFields

    package init(
        _ status: HTTPResponse.Status, _ message: String, code: String = "", retryAfter: Int? = nil,
        headers: HTTPFields = [:]
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.headers = headers
    }

    package var description: String { "\(status.code) \(message)" }

    /// 503 with Retry-After: nothing was changed, and the same request may succeed later.
    package static func unavailable(_ message: String, retryAfter: Int = 5) -> Refusal {
        Refusal(.serviceUnavailable, message, code: "unavailable", retryAfter: retryAfter)
    }

    /// 413.
    package static func tooLarge(limit: Int) -> Refusal {
        Refusal(.contentTooLarge, "the request has more than the \(limit) bytes that are accepted here")
    }

    /// The fields that every answer to a refusal has, in whatever form its content is.
    package var answerFields: HTTPFields {
        var fields = headers
        if let retryAfter { fields[.retryAfter] = String(retryAfter) }
        return fields
    }

    /// `{"code": 404, "message": "…"}`: what Fulcio, Rekor and most others of the field answer.
    package func response() -> Response { Response.json(json, status: status, headers: answerFields) }

    /// The content of that.
    var json: JSON {
        var object: JSONObject = ["code": .integer(status.code), "message": .string(message)]
        if !code.isEmpty { object["reason"] = .string(code) }
        return .object(object)
    }
}

extension Response {
    /// A JSON answer.
    package static func json(
        _ json: JSON, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        bytes(json.bytes(), type: "application/json", status: status, headers: headers)
    }

    /// An answer with these bytes.
    package static func bytes(
        _ bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = type
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// A text answer.
    package static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        bytes(Array(text.utf8), type: "text/plain; charset=utf-8", status: status)
    }
}

extension Request {
    /// The whole content, for requests that are small by nature; a `Refusal` with 413 when it is larger than `limit`.
    package func bytes(limit: Int) async throws -> [UInt8] {
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw Refusal.tooLarge(limit: limit)
        }
        var bytes: [UInt8] = []
        for try await part in body {
            guard bytes.count + part.readableBytes <= limit else { throw Refusal.tooLarge(limit: limit) }
            bytes.append(contentsOf: part.readableBytesView)
        }
        return bytes
    }

    /// The content as JSON; a `Refusal` with 400 that says where it breaks.
    package func json(limit: Int) async throws -> JSON {
        let content = try await bytes(limit: limit)
        do {
            return try JSON(parsing: content, limits: JSONLimits(byteCount: limit, depth: 64))
        } catch {
            throw Refusal(.badRequest, "the content is not JSON: \(error)")
        }
    }
}
