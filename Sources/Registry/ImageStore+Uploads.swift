package import Bytes
internal import Host
internal import Synchronization
internal import SystemPackage

/// A blob that is on its way into a repository. Its bytes are in a file of their own, so that a client can go on after
/// the server was killed.
package final class StoredUpload: Sendable {
    package let id: String
    package let repository: String
    let file: FilePath

    private struct State {
        var offset: Int
        /// `nil` where the bytes were written by an earlier process: they are hashed at the end.
        var hasher: MessageHasher?
        var isClaimed = false
    }
    /// Guards the state, and is never held while a file is written: the claim keeps two requests from that.
    private let state: Mutex<State>

    init(id: String, repository: String, file: FilePath, offset: Int, hasher: MessageHasher?) {
        self.id = id
        self.repository = repository
        self.file = file
        state = Mutex(State(offset: offset, hasher: hasher))
    }

    /// How many bytes have come.
    package var offset: Int { state.withLock { $0.offset } }

    /// Takes the upload for one request; `false` where another one has it.
    package func claim() -> Bool {
        state.withLock { state in
            let isFree = !state.isClaimed
            state.isClaimed = true
            return isFree
        }
    }

    /// Gives the upload back.
    package func release() { state.withLock { $0.isClaimed = false } }

    /// Writes `span` at the end; only for whoever has the claim. When that fails, nothing of it counts.
    package func append(_ span: RawSpan) throws {
        let (offset, hasher) = state.withLock { ($0.offset, $0.hasher) }
        try open(at: offset).write(span)
        var updated = hasher
        updated?.update(span)
        state.withLock {
            $0.offset = offset + span.byteCount
            $0.hasher = updated
        }
    }

    /// The file, without what an append that failed left.
    private func open(at offset: Int) throws -> OpenFile {
        let open: OpenFile
        do {
            open = try OpenFile(appending: file)
        } catch let error as HostError where error.code == .notFound {
            throw RegistryError(.uploadUnknown, "there is no such upload any more; begin it again")
        }
        if try open.status().size != offset { try open.truncate(to: offset) }
        return open
    }

    /// The digest of all bytes; only for whoever has the claim.
    func digest(_ algorithm: HashAlgorithm) throws -> MessageDigest {
        let (offset, hasher) = state.withLock { ($0.offset, $0.hasher) }
        _ = try open(at: offset)
        if let hasher, hasher.algorithm == algorithm { return hasher.finalize() }
        var anew = MessageHasher(algorithm)
        let reader = try OpenFile(reading: file, followingLinks: false)
        while true {
            let piece = try reader.read(1 << 20)
            anew.update(piece)
            if piece.count < 1 << 20 { return anew.finalize() }
        }
    }
}

extension ImageStore {
    private static let rememberedUploads = 10_000

    /// Begins an upload, of which the digest will be of `algorithm`.
    package func beginUpload(_ repository: String, _ algorithm: HashAlgorithm = .sha256) throws -> StoredUpload {
        let layout = try make(repository)
        var generator = SystemRandomNumberGenerator()
        let id = Hex.encode((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let file = layout.appending("uploads").appending(id)
        _ = try OpenFile(creating: file, mode: 0o600)
        let upload = StoredUpload(
            id: id, repository: repository, file: file, offset: 0, hasher: MessageHasher(algorithm))
        keep(upload)
        return upload
    }

    /// The upload `id`, also one that an earlier process began; throws `.uploadUnknown` where there is none.
    package func upload(_ id: String, in repository: String) throws -> StoredUpload {
        let unknown = RegistryError(.uploadUnknown, "there is no upload of this name; begin one with POST")
        guard id.utf8.count == 32, Hex.decode(id) != nil else { throw unknown }
        let file = try layout(repository).appending("uploads").appending(id)
        guard let status = try Files.status(file, followingLinks: false), status.kind == .regular else {
            uploads.withLock { $0[id] = nil }
            throw unknown
        }
        if let upload = uploads.withLock({ $0[id] }), upload.repository == repository { return upload }
        let upload = StoredUpload(id: id, repository: repository, file: file, offset: status.size, hasher: nil)
        // Two requests may come here at once; both get what is remembered.
        return uploads.withLock {
            if let first = $0[id], first.repository == repository { return first }
            $0[id] = upload
            return upload
        }
    }

    /// Makes the blob of what was uploaded. On a digest that is not that of the bytes, the upload is over.
    package func finish(_ upload: StoredUpload, as digest: MessageDigest) throws {
        let found = try upload.digest(digest.algorithm)
        guard found == digest else {
            try cancel(upload)
            throw RegistryError(
                .mismatch, "the bytes have the digest \(found), not \(digest); upload them again from the start")
        }
        try Files.synchronize(upload.file)
        let pool = poolFile(digest)
        try Files.createDirectories(pool.removingLastComponent(), mode: 0o700)
        let name = blobFile(digest, in: try layout(upload.repository))
        // Collection may take a blob of the pool that no repository has yet; then it is put there again.
        for attempt in 1...10 {
            let isNew = try Files.renameIfAbsent(upload.file, to: pool)
            do {
                try link(pool, to: name)
                if !isNew { try Files.remove(upload.file) }
                break
            } catch let error as HostError where error.code == .notFound && !isNew && attempt < 10 {
                continue
            }
        }
        forget(upload)
    }

    /// Ends an upload, and forgets its bytes.
    package func cancel(_ upload: StoredUpload) throws {
        try Files.remove(upload.file)
        forget(upload)
    }

    private func keep(_ upload: StoredUpload) {
        uploads.withLock {
            if $0.count >= Self.rememberedUploads, let some = $0.keys.randomElement() { $0[some] = nil }
            $0[upload.id] = upload
        }
    }

    private func forget(_ upload: StoredUpload) { uploads.withLock { $0[upload.id] = nil } }
}
