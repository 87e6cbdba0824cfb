internal import Bytes
internal import Host
internal import Wire

extension RemoteRepository: ResumableSource {
    func blob(_ descriptor: Descriptor, after count: Int, _ hasher: MessageHasher) async throws -> BlobStream {
        let download = BlobDownload(self, descriptor, from: count)
        if count < descriptor.size { try await download.open() }
        return BlobStream(
            descriptor, "\(name): \(descriptor.digest)", after: hasher, count: count, source: download.next)
    }
}

/// A content on its way from a registry. What breaks off is taken up where it broke.
private final class BlobDownload {
    private let repository: RemoteRepository
    private let descriptor: Descriptor
    /// The bytes that came, those of a former process included.
    private var position: Int
    private var body: HTTPReply.Body.AsyncIterator?
    /// The bytes of the answer that came before.
    private var skipped = 0
    /// How often in a row the answer broke off without a byte.
    private var failures = 0

    init(_ repository: RemoteRepository, _ descriptor: Descriptor, from position: Int) {
        self.repository = repository
        self.descriptor = descriptor
        self.position = position
    }

    func open() async throws {
        var fields: HTTPFields = [:]
        if position > 0 { fields["Range"] = "bytes=\(position)-" }
        let reply = try await repository.client.send(
            .init(place: repository.path("blobs/\(descriptor.digest)"), fields: fields), repository.reference)
        switch reply.status {
        case 200:
            if let length = reply.fields["Content-Length"].flatMap({ Int($0) }), length > descriptor.size {
                throw RegistryError(
                    .mismatch,
                    "\(repository.name): \(descriptor.digest) has \(length) bytes where \(descriptor.size) are named")
            }
            // The range was ignored, as it may be: what is here already is passed over.
            skipped = position
        case 206 where position > 0:
            guard RemoteRepository.start(reply.fields) == position else {
                throw RegistryError(
                    .mismatch, "\(repository.name) continues \(descriptor.digest) at another place than was asked for")
            }
            skipped = 0
        default:
            let bytes = (try? await reply.bytes(limit: 1 << 16)) ?? []
            throw repository.failure(
                HTTPAnswer(status: reply.status, fields: reply.fields, url: reply.url, bytes: bytes), "blob",
                "\(descriptor.digest)")
        }
        body = reply.body.makeAsyncIterator()
    }

    func next() async throws -> [UInt8]? {
        while position < descriptor.size {
            do {
                if body == nil { try await open() }
                if var piece = try await received() {
                    let known = min(skipped, piece.count)
                    skipped -= known
                    piece.removeFirst(known)
                    guard !piece.isEmpty else { continue }
                    position += piece.count
                    failures = 0
                    repository.client.settings.progress(piece.count)
                    return piece
                }
                // The answer is over, and something is missing.
                body = nil
                try await pause(WireError(.unreachable, "it ends after \(position) of \(descriptor.size) bytes"))
            } catch let error as WireError {
                body = nil
                guard error.code == .unreachable || error.code == .timedOut else { throw RegistryError(error) }
                try await pause(error)
            } catch let error as RegistryError where error.code == .unreachable && position > 0 {
                body = nil
                try await pause(WireError(.unreachable, error.message))
            }
        }
        // One byte more than is named is somebody else's content.
        if let more = try? await received(), !more.isEmpty { return more }
        return nil
    }

    private func received() async throws -> [UInt8]? {
        // Safe: this value alone has the iterator, and does nothing with it before it has answered.
        nonisolated(unsafe) var iterator = body
        body = nil
        let piece = unsafe try await iterator?.next()
        body = unsafe iterator
        return piece
    }

    /// Waits before the next try; gives up where several brought nothing.
    private func pause(_ error: WireError) async throws {
        failures += 1
        let settings = repository.client.settings
        guard failures < settings.attempts else {
            throw RegistryError(
                .unreachable, "\(repository.name): \(descriptor.digest) breaks off again and again: \(error.message)")
        }
        try await settings.wire.pause(.milliseconds(100 << failures))
    }
}
