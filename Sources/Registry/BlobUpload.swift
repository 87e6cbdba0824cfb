internal import Bytes
internal import Host
internal import SystemPackage
internal import Wire

/// One upload in pieces (distribution-spec "Pushing a blob in chunks"). Where it breaks, the registry is asked how far
/// it came.
final class BlobUpload {
    private let repository: RemoteRepository
    private let descriptor: Descriptor
    private(set) var location: HTTPURL
    /// The bytes that the registry has.
    private var position: Int
    private let state: UploadState
    /// The fewest bytes of a piece that is not the last.
    let minimum: Int
    private var failures = 0

    init(
        _ repository: RemoteRepository, _ descriptor: Descriptor, location: HTTPURL, position: Int, state: UploadState,
        minimum: Int = 0
    ) {
        self.repository = repository
        self.descriptor = descriptor
        self.location = location
        self.position = position
        self.state = state
        self.minimum = minimum
    }

    convenience init(
        _ repository: RemoteRepository, _ descriptor: Descriptor, location: HTTPURL,
        position: (url: HTTPURL, count: Int), state: UploadState
    ) {
        self.init(repository, descriptor, location: position.url, position: position.count, state: state)
    }

    /// Sends what is missing; `false` where the registry lost what it had, and all begins anew.
    func run(_ open: () async throws -> BlobStream) async throws -> Bool {
        guard position <= descriptor.size else { return false }
        let size = max(repository.client.settings.chunkSize, minimum)
        var stream = try await open()
        // The bytes of `pending` begin here.
        var start = 0
        var pending: [UInt8] = []
        var isOver = false
        state.write(location)
        while true {
            while !isOver, pending.count < size {
                guard let piece = try await stream.next() else {
                    isOver = true
                    break
                }
                pending += piece
                if start + pending.count <= position {
                    start += pending.count
                    pending = []
                }
            }
            if position > start {
                pending.removeFirst(min(position - start, pending.count))
                start = position
                continue
            }
            if pending.isEmpty { break }
            let chunk = Array(pending.prefix(size))
            guard try await send(chunk) else { return false }
            // The registry may have less than was sent, and never loses what it had.
            guard position >= start, position <= start + pending.count else { return false }
        }
        return try await close()
    }

    /// Sends one piece, and learns how far the registry came.
    private func send(_ chunk: [UInt8]) async throws -> Bool {
        let before = position
        do {
            let answer = try await repository.client.fetch(
                .init(
                    method: .patch, place: .url(location),
                    fields: [
                        "Content-Type": "application/octet-stream",
                        "Content-Range": "\(position)-\(position + chunk.count - 1)",
                    ], body: .bytes(chunk), isRepeatable: false, access: .push, deadline: .seconds(600)),
                repository.reference)
            switch answer.status {
            case 200..<300:
                location = try repository.location(answer)
                position += chunk.count
                state.write(location)
                repository.client.settings.progress(chunk.count)
                failures = 0
                return true
            case 404: return false
            case 408, 416, 429, 500...: return try await recover(answer, before)
            default: throw repository.client.failure(answer)
            }
        } catch let error as RegistryError where error.code == .unreachable {
            return try await recover(nil, before, error)
        }
    }

    /// Asks how far the registry came.
    private func recover(_ answer: HTTPAnswer?, _ before: Int, _ error: RegistryError? = nil) async throws -> Bool {
        failures += 1
        let settings = repository.client.settings
        guard failures < settings.attempts else {
            throw error ?? answer.map { repository.client.failure($0) }
                ?? RegistryError(.unreachable, "\(repository.name) does not take the upload")
        }
        let asked = answer?.fields["Retry-After"].flatMap { Int($0) }.map { min(max($0, 0), 60) }
        try await settings.wire.pause(asked.map { .seconds($0) } ?? .milliseconds(100 << failures))
        guard let (url, count) = try await repository.position(location) else { return false }
        guard count >= before, count <= descriptor.size else { return false }
        if count > before { failures = 0 }
        settings.progress(count - before)
        (location, position) = (url, count)
        state.write(location)
        return true
    }

    private func close() async throws -> Bool {
        let answer = try await repository.client.fetch(
            .init(
                method: .put, place: .url(try repository.closing(location, descriptor.digest)),
                fields: ["Content-Type": "application/octet-stream"], body: .bytes([]), isRepeatable: false,
                access: .push, deadline: .seconds(600)), repository.reference)
        switch answer.status {
        case 201:
            state.remove()
            return true
        case 404, 416, 408, 429, 502, 503, 504:
            state.remove()
            return false
        default:
            state.remove()
            throw repository.client.failure(answer)
        }
    }
}

/// Where an upload went on when it was last heard of, for a process that comes after one that was killed.
struct UploadState {
    private let file: FilePath?

    init(_ directory: FilePath?, _ name: String, _ descriptor: Descriptor) {
        // The name alone tells which upload it is, and gives nothing away.
        file = directory?.appending("\(Digest.of("\(name)\n\(descriptor.digest)").hex).url")
    }

    func read() -> HTTPURL? {
        guard let file, let text = try? Files.readText(file, limit: HTTPURL.greatestLength) else { return nil }
        return try? HTTPURL(text)
    }

    /// Writes down where the upload goes on. Without it a later process begins anew, so a failure is none.
    func write(_ location: HTTPURL) {
        guard let file else { return }
        try? Files.createDirectories(file.removingLastComponent(), mode: 0o700)
        // The address may let whoever has it write.
        try? Files.write(Array(location.text.utf8), to: file, mode: 0o600)
    }

    func remove() {
        if let file { try? Files.remove(file) }
    }
}
