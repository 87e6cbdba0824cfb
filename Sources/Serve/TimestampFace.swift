internal import Authority
internal import Bytes
internal import Hummingbird
internal import Sigstore

extension FaceKind {
    /// Timestamps. Settings: docs/formats/authority.md.
    package static let timestamps = FaceKind(name: "timestamps", summary: "Timestamp authority (RFC 3161)") {
        site, settings in
        try settings.check(known: [])
        let files = try await AuthoritySite.files(site)
        return TimestampFace(
            site: site, files: files, authority: try await files.timestampAuthority(AuthoritySite.secrets))
    }
}

/// RFC 3161 over HTTP (section 3.4), at the addresses of Sigstore's timestamp authority.
struct TimestampFace: Face, TrustedFace {
    let name = "timestamps"
    let site: Site
    let files: AuthorityFiles
    let authority: TimestampAuthority

    var notices: [FaceNotice] { [FaceNotice("Timestamps", at: site.url + "/api/v1/timestamp")] }

    func contribution() async throws -> TrustContribution {
        var out = TrustContribution()
        out.root.timestampAuthorities = try files.trusted(url: site.url).timestampers
        out.signing.timestampAuthorities = [
            .init(
                url: site.url + "/api/v1/timestamp", majorAPIVersion: 1,
                period: ValidityPeriod(start: files.timestamper.since), operator: files.organization)
        ]
        return out
    }

    func addRoutes(to routes: Routes) {
        routes.post("/api/v1/timestamp") { request, _ in try await timestamp(request) }
        routes.get("/api/v1/timestamp/certchain") { _, _ in
            Response.bytes(
                Array(authority.chain.map(\.pem).joined().utf8), type: "application/pem-certificate-chain")
        }
    }

    private func timestamp(_ request: Request) async throws -> Response {
        let type = (request.headers[.contentType] ?? "").prefix { $0 != ";" }.lowercased()
        let content = try await request.bytes(limit: TimestampRequest.greatestByteCount)
        let now = try AuthoritySite.now()
        let (response, refusal): ([UInt8], TimestampRefusal?)
        switch type {
        case "application/timestamp-query": (response, refusal) = await authority.response(der: content, at: now)
        case "application/json":
            do throws(TimestampRefusal) {
                (response, refusal) = (
                    try await authority.response(to: try TimestampRequest(json: content), at: now), nil
                )
            } catch {
                (response, refusal) = (error.response, error)
            }
        default:
            throw Refusal(.unsupportedMediaType, "a request is application/timestamp-query, or application/json")
        }
        site.metrics.add(
            "martlet_timestamps_total", labels: [("granted", refusal == nil ? "true" : "false")],
            help: "Timestamps that were asked for.")
        // The answer says why; the status tells those who look at that alone.
        let status: HTTPResponse.Status =
            switch refusal?.reason {
            case nil: .created
            case .systemFailure, .timeNotAvailable: .internalServerError
            default: .badRequest
            }
        return Response.bytes(response, type: "application/timestamp-reply", status: status)
    }
}
