package import Build
internal import Bytes
internal import Cache
internal import Host
internal import Sigstore
internal import SystemPackage
internal import Workspace

/// Leeway's own remote cache, as builds see it: `VERSION.tar.gz` or `VERSION.tar`, and beside it `.att`, which vouches for
/// it. Nothing is ever written there.
///
/// Whatever is not there, not believed or not to be reached is remarked upon and left to be built here.
package final class LeewayResults: ForeignResults {
    private let place: any ObjectPlace
    private let verifier: LeewayVerifier
    private let store: ContentStore
    private let actions: ActionCache
    private let directory: FilePath
    private let archives: LeewayArchive
    private let width: Int
    private let remarks = Remarks()
    /// Nanoseconds since 1970; a parameter so that tests decide, as is how to wait.
    private let now: @Sendable () -> Int64
    private let pause: @Sendable (Duration) async throws -> Void

    /// - Parameter width: how many objects are asked for at the same time.
    init(
        _ place: any ObjectPlace, verifier: LeewayVerifier, cache: ProjectCache, width: Int = 32,
        limits: LeewayArchive.Limits = .init(), now: @escaping @Sendable () -> Int64 = { Clocks.nowNanoseconds() },
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.place = place
        self.verifier = verifier
        self.width = width
        self.now = now
        self.pause = pause
        store = cache.store
        actions = cache.actions
        directory = cache.directory.appending("partial")
        archives = LeewayArchive(cache.store, directory: directory, limits: limits)
    }

    package func takeRemarks() -> [SharedRemark] { remarks.take() }

    /// Ends all connections.
    package func close() async { await place.close() }

    package func take(_ wanted: [WantedImport]) async throws -> [BuiltPackage] {
        try await concurrently(wanted, width: width) { try await self.take($0) }
    }

    private func take(_ wanted: WantedImport) async throws -> BuiltPackage? {
        do {
            guard let time = Timestamp(seconds: now() / 1_000_000_000) else { return nil }
            if let known = try await known(wanted, at: time) { return known }
            guard !remarks.isDown else { return nil }
            var refusal: RemoteCacheError?
            for object in LeewayObject.names(wanted) {
                do {
                    if let built = try await take(object, for: wanted, at: time) {
                        remarks.answered()
                        return built
                    }
                } catch let error as RemoteCacheError where error.code != .unreachable {
                    refusal = refusal ?? error
                }
            }
            remarks.answered()
            if let refusal { throw refusal }
        } catch {
            if error is CancellationError || Task.isCancelled { throw CancellationError() }
            let code = (error as? RemoteCacheError)?.code
            remarks.failed(
                wanted.name, code == .unreachable ? "Leeway's object can't be read" : "Leeway's object is not used",
                error, at: place.shown)
        }
        return nil
    }

    /// What was taken before, if it would be taken today.
    private func known(_ wanted: WantedImport, at time: Timestamp) async throws -> BuiltPackage? {
        guard let built = try await ImportedArtifact.find(wanted, store: store, actions: actions),
            let imported = built.imported
        else { return nil }
        let bytes = try store.read(imported.attestation, limit: UnverifiedBundle.Limits.byteCount)
        // A policy may be another now; then what lies there is looked at anew.
        let verified = try? verifier.verify(bytes, for: wanted, at: time)
        return verified?.archive == imported.archive ? built : nil
    }

    /// Takes the artifact from `object`; `nil` where there definitely is none.
    private func take(_ object: String, for wanted: WantedImport, at time: Timestamp) async throws -> BuiltPackage? {
        let name = object + ImportedArtifact.attestationSuffix
        guard let attestation = try await place.read(name, limit: UnverifiedBundle.Limits.byteCount) else {
            guard try await place.size(object) != nil else { return nil }
            throw RemoteCacheError(.unsigned, "nobody vouches for \(object): there is no \(name)")
        }
        let verified = try verifier.verify(attestation, for: wanted, at: time)
        guard let size = try await place.size(object) else {
            throw RemoteCacheError(.absent, "there is \(name), and no \(object)")
        }
        guard case .bytes(let count) = size, count <= archives.limits.archive else {
            throw RemoteCacheError(
                .limit, "\(object) has more than \(archives.limits.archive) bytes, or does not say how many")
        }
        let place = place
        let download = BlobDownload(
            open: { blob, offset in try await place.open(object, from: offset, size: blob.size) }, store: store,
            directory: directory, pause: pause)
        try await download.bring(BlobName(verified.archive, size: count))
        let tree: Digest
        do {
            tree = try await archives.unpack(verified.archive)
        } catch let error as HostError {
            throw RemoteCacheError(.malformed, "\(object) can't be unpacked: \(error)")
        }
        return try ImportedArtifact(
            wanted, object: object, archive: verified.archive, attestation: attestation, builder: verified.builder,
            repository: verified.repository, tree: tree
        ).record(from: place.shown, at: Int(time.seconds), store: store, actions: actions)
    }
}
