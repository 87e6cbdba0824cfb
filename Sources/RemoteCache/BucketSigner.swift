internal import Bytes
internal import Host
internal import Wire

/// Signs requests to S3 and what is compatible with it (AWS Signature Version 4, "Authenticating Requests").
struct BucketSigner: Sendable {
    let credentials: BucketCredentials
    let region: String
    /// Seconds since 1970; a parameter so that tests decide.
    var clock: @Sendable () -> Int64 = { Clocks.nowNanoseconds() / 1_000_000_000 }

    private static let algorithm = "AWS4-HMAC-SHA256"

    func sign(_ request: inout HTTPRequest, payload: Digest) {
        guard let time = Timestamp(seconds: clock()) else { return }
        // 20130524T000000Z
        let moment = String(time.description.filter { $0 != "-" && $0 != ":" }.prefix(15)) + "Z"
        let day = String(moment.prefix(8))
        request.fields["x-amz-date"] = moment
        request.fields["x-amz-content-sha256"] = payload.hex
        if let token = credentials.sessionToken { request.fields["x-amz-security-token"] = token }
        let scope = "\(day)/\(region)/s3/aws4_request"
        let (canonical, names) = Self.canonical(request, payload: payload)
        let text = "\(Self.algorithm)\n\(moment)\n\(scope)\n\(Digest.of(canonical).hex)"
        var key = Array("AWS4\(credentials.secret)".utf8)
        for part in [day, region, "s3", "aws4_request"] {
            key = MessageAuthentication.code(Array(part.utf8), key: key)
        }
        let signature = Hex.encode(MessageAuthentication.code(Array(text.utf8), key: key))
        request.fields["Authorization"] =
            "\(Self.algorithm) Credential=\(credentials.id)/\(scope), SignedHeaders=\(names), Signature=\(signature)"
    }

    /// The request as it is signed, and the names of the fields in it. Paths are written by martlet without anything
    /// that would be escaped twice, and have no query.
    static func canonical(_ request: HTTPRequest, payload: Digest) -> (text: String, names: String) {
        let origin = request.url.origin
        let host = origin[(origin.firstRange(of: "://")?.upperBound ?? origin.startIndex)...]
        var fields = [("host", String(host))]
        for field in request.fields.fields {
            let name = field.name.lowercased()
            if name.hasPrefix("x-amz-") || name == "range" { fields.append((name, field.value)) }
        }
        fields.sort { $0.0 < $1.0 }
        let names = fields.map(\.0).joined(separator: ";")
        let lines = fields.map { "\($0.0):\($0.1)\n" }.joined()
        return (
            "\(request.method.rawValue)\n\(request.url.path)\n\n\(lines)\n\(names)\n\(payload.hex)", names
        )
    }
}
