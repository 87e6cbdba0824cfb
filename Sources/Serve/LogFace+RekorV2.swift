internal import Bytes
internal import HTTPTypes
internal import Hummingbird
internal import Sigstore

/// The calls of Rekor v2 (rekor-tiles, `api/proto/rekor/v2/rekor_service.proto`).
extension LogFace {
    func addVersion2(to routes: Routes) {
        routes.post("/api/v2/log/entries") { request, _ in
            try await answer("v2-create") { try await createV2(request) }
        }
    }

    private func createV2(_ request: Request) async throws -> Response {
        let awaited = try awaited(request)
        let record = try LogRecord(requestV2: await request.bytes(limit: LogRecord.greatestRequestByteCount))
        let stored = try await service.create(record, awaiting: awaited)
        try service.check(stored)
        if stored.isDuplicate, service.duplicates == .conflict {
            throw Refusal(
                .conflict, "an equivalent entry already exists in the transparency log with index \(stored.index)",
                headers: [HTTPField.Name.logIndex: String(stored.index)])
        }
        return .json(service.unpromised(stored, kind: record.kindVersion).rekorV2, status: .created)
    }
}

extension HTTPField.Name {
    /// Where the entry is that was logged before.
    static let logIndex = HTTPField.Name("x-log-index") ?? .location
}
