internal import Bytes
internal import Cache
internal import Host
internal import SystemPackage

/// Brings large blobs, and takes up what broke off where it broke: in this run, and in a later one.
struct BlobDownload: Sendable {
    /// Opens a blob from an offset on; `nil` where there definitely is none.
    let open: @Sendable (BlobName, Int) async throws -> IncomingBlob?
    let store: ContentStore
    /// Where blobs are until they are whole.
    let directory: FilePath
    /// How often a download that gets no further is taken up again.
    var attempts = 4
    /// Waits between attempts; tests put in what does not.
    var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// Brings `blob` into the store.
    func bring(_ blob: BlobName) async throws {
        guard !store.contains(blob.digest) else { return }
        try Files.createDirectories(directory, mode: 0o700)
        let partial = directory.appending(blob.digest.hex)
        // Two processes must not write one file: who comes second begins anew beside it.
        guard let token = try FileLock(FilePath(partial.string + ".lock")).tryLock() else {
            return try await bring(blob, through: Files.temporaryName(beside: partial))
        }
        try await bring(blob, through: partial)
        token.unlock()
    }

    private func bring(_ blob: BlobName, through file: FilePath) async throws {
        var failures = 0
        while true {
            let before = try length(file, of: blob)
            if before == blob.size { break }
            do {
                try await receive(blob, from: before, into: file)
            } catch let error as RemoteCacheError where error.isWorthAnotherTry {
                failures = try length(file, of: blob) > before ? 0 : failures + 1
                guard failures < attempts else { throw error }
                try await pause(.milliseconds(100 << failures))
            }
        }
        let (digest, _) = try store.put(file: file)
        try Files.remove(file)
        guard digest == blob.digest else {
            throw RemoteCacheError(
                .mismatch, "the file \(blob.digest) has the digest \(digest); it was damaged or replaced")
        }
    }

    /// How much of the blob is here. What can't be a part of it is no part of it.
    private func length(_ file: FilePath, of blob: BlobName) throws -> Int {
        if blob.size == 0 { try Files.write([], to: file) }
        guard let status = try Files.status(file, followingLinks: false) else { return 0 }
        guard status.kind == .regular, status.size <= blob.size else {
            try Files.remove(file)
            return 0
        }
        return status.size
    }

    private func receive(_ blob: BlobName, from offset: Int, into path: FilePath) async throws {
        guard let incoming = try await open(blob, offset) else {
            throw RemoteCacheError(.absent, "the file \(blob.digest) is not there")
        }
        let file = try OpenFile(updating: path, mode: 0o600)
        try file.truncate(to: incoming.start)
        try file.seek(to: incoming.start)
        var count = incoming.start
        while let piece = try await next(incoming) {
            count += piece.count
            guard count <= blob.size else {
                try Files.remove(path)
                throw RemoteCacheError(
                    .mismatch, "the file \(blob.digest) is longer than the \(blob.size) bytes that are named")
            }
            try file.write(piece)
        }
        guard count == blob.size else {
            throw RemoteCacheError(
                .truncated, "the file \(blob.digest) ends after \(count) of \(blob.size) bytes")
        }
    }

    private func next(_ incoming: IncomingBlob) async throws -> [UInt8]? {
        do {
            return try await incoming.next()
        } catch {
            throw RemoteCacheError(transfer: error)
        }
    }

    /// A small blob, whole and checked.
    func bytes(of blob: BlobName) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var failures = 0
        while true {
            let before = bytes.count
            do {
                guard let incoming = try await open(blob, before) else {
                    throw RemoteCacheError(.absent, "the pack \(blob.digest) is not there")
                }
                bytes.removeLast(bytes.count - min(incoming.start, bytes.count))
                while let piece = try await next(incoming) {
                    bytes += piece
                    guard bytes.count <= blob.size else {
                        throw RemoteCacheError(
                            .mismatch, "the pack \(blob.digest) is longer than the \(blob.size) bytes that are named")
                    }
                }
                guard bytes.count == blob.size else {
                    throw RemoteCacheError(
                        .truncated, "the pack \(blob.digest) ends after \(bytes.count) of \(blob.size) bytes")
                }
                break
            } catch let error as RemoteCacheError where error.isWorthAnotherTry {
                failures = bytes.count > before ? 0 : failures + 1
                guard failures < attempts else { throw error }
                try await pause(.milliseconds(100 << failures))
            }
        }
        guard Digest.of(bytes) == blob.digest else {
            throw RemoteCacheError(.mismatch, "the pack \(blob.digest) was damaged or replaced")
        }
        return bytes
    }
}

extension RemoteCacheError {
    /// Whether what broke off may go on when it is asked for again.
    fileprivate var isWorthAnotherTry: Bool { code == .unreachable || code == .truncated }
}
