internal import Bytes
internal import HTTPTypes
internal import Hummingbird
internal import NIOPosix
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

// MARK: Without a task

extension LogFace {
    /// More than a signature with a certificate or with the greatest key takes.
    private static let hotByteCount = 32 << 10

    /// The same for clients that create one entry after the other: the answer costs little more than the check of its
    /// signature.
    var createPath: HotPath {
        let counters = Self.counters("v2-create", "POST", status: 201, in: site)
        let answers = CreatedAnswers(logID: service.identity.checkpointLogID)
        return HotPath("/api/v2/log/entries", contentLimit: Self.hotByteCount) { content, reply in
            checkers.submit { state in
                guard state == .active else {
                    return reply(.answer { HotAnswer(.unavailable("the server is stopping; send the same again")) })
                }
                let record: LogRecord
                do {
                    record = try LogRecord(requestV2: content)
                } catch {
                    return reply(.answer { hotAnswer("v2-create") { throw error } })
                }
                service.store.add(LogSubmission(body: record.body, searchKeys: record.searchKeys)) { result in
                    // The proof of what was there before has to be read.
                    if case .success(let added) = result, added.isDuplicate { return reply(.routes) }
                    reply(
                        .answer {
                            hotAnswer("v2-create") {
                                let answer = try created(record, result.get(), answers)
                                for counter in counters { counter.add() }
                                return answer
                            }
                        })
                }
            }
        }
    }

    private func created(_ record: LogRecord, _ added: AddedBody, _ answers: CreatedAnswers) throws -> HotAnswer {
        let (path, head) = try added.proof()
        try service.check(record.body, at: added.index, path, head)
        return HotAnswer(
            201, "application/json", answers.content(record, index: added.index, path: path, head: head), [:])
    }
}

extension HTTPField.Name {
    /// Where the entry is that was logged before.
    static let logIndex = HTTPField.Name("x-log-index") ?? .location
}
