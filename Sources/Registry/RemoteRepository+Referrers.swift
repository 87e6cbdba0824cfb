package import Bytes
internal import Host
internal import SystemPackage
internal import Wire

extension RemoteRepository {
    /// The manifests about `subject`: what the registry's own list says; where it definitely has none, what the tag
    /// does that clients keep in its place. Nothing but 404 leads there: a registry that fails is not one that knows
    /// of nothing.
    package func referrers(of subject: MessageDigest, kind: MediaType?) async throws -> [Descriptor] {
        var out: [Descriptor] = []
        let query = kind.map { "?artifactType=\(RegistryClient.escaped($0.text))" } ?? ""
        do {
            try await pages(path("referrers/\(subject)\(query)"), what: "list of referrers") { fields, _ in
                out += try fields.descriptors("manifests", limit: Manifest.greatestEntryCount) ?? []
                guard out.count <= Manifest.greatestEntryCount else {
                    throw RegistryError(.limit, "\(name) lists more than \(Manifest.greatestEntryCount) referrers")
                }
            }
        } catch let error as RegistryError where error.code == .absent {
            out = try await fallback(subject)?.manifests ?? []
        }
        // A registry need not filter, and then does not say that it did.
        return out.unique().filter { kind == nil || $0.artifactType == kind }
    }

    /// The tag at which clients keep the list of referrers where a registry does not (distribution-spec "Referrers
    /// Tag Schema").
    package static func fallbackTag(_ subject: MessageDigest) -> String {
        "\(subject.algorithm.rawValue.prefix(32))-\(subject.hex.prefix(64))"
    }

    private func fallback(_ subject: MessageDigest) async throws -> ImageIndex? {
        do {
            guard case .index(let index) = try await manifest(.tag(Self.fallbackTag(subject))).manifest else {
                throw RegistryError(
                    .malformed, "\(name): the tag \(Self.fallbackTag(subject)) is no list of referrers, but an image")
            }
            return index
        } catch let error as RegistryError where error.code == .absent {
            return nil
        }
    }

    /// Puts a manifest that is about another one, and sees to it that it is found.
    package func attach(_ manifest: Manifest) async throws {
        try await attach(manifest, as: manifest.descriptor)
    }

    func attach(_ manifest: Manifest, as descriptor: Descriptor) async throws {
        guard let subject = manifest.subject else {
            throw RegistryError(.malformed, "what is attached names no subject")
        }
        let put = try await putManifest(manifest, as: descriptor, tag: nil)
        guard !put.keepsReferrers else { return }
        var entry = manifest.referrer
        entry.digest = descriptor.digest
        try await list([entry], subject.digest)
    }

    // MARK: The tag

    /// Adds `entries` to the list at the fallback tag, without losing what others add at the same time.
    ///
    /// Registries do not compare before they replace, so a writer may overwrite what another wrote a moment before.
    /// Each therefore reads back what it wrote, and again after longer than a writer needs between reading and
    /// writing: whoever read the list before this one's entry was in it has written by then, and the loss shows.
    func list(_ entries: [Descriptor], _ subject: MessageDigest) async throws {
        let token = try await lock(subject)?.lock()
        var window = Duration.milliseconds(60)
        var confirmations = 0
        var failures = 0
        for round in 0..<60 {
            let began = ContinuousClock.now
            do {
                let isListed = try await add(entries, subject, isFirst: round == 0, window)
                confirmations = isListed ? confirmations + 1 : 0
                failures = 0
            } catch let error as RegistryError where error.code == .unreachable {
                // While somebody writes, some registries can't read. Those that can't read at all are left soon.
                failures += 1
                guard failures < client.settings.attempts else { throw error }
                confirmations = 0
            }
            // Where nobody else was seen at work, two looks are enough.
            if confirmations >= (round > 2 ? 3 : 2) {
                _ = consume token
                return
            }
            // The slower the registry is, the longer others may be between reading and writing.
            window = max(window, min(.seconds(2), ContinuousClock.now - began))
            if confirmations > 0 || failures > 0 { try await settle(window * 3) }
        }
        throw RegistryError(
            .unreachable,
            "\(name): others keep overwriting the list of referrers at the tag \(Self.fallbackTag(subject)); try again when they are done"
        )
    }

    /// Looks whether the list has `entries`, and otherwise writes it with them.
    private func add(
        _ entries: [Descriptor], _ subject: MessageDigest, isFirst: Bool, _ window: Duration
    ) async throws -> Bool {
        var found = try await fallbackWithTag(subject)
        func isListed() -> Bool {
            entries.allSatisfy { entry in found?.index.manifests.contains { $0.digest == entry.digest } == true }
        }
        if isListed() { return true }
        if !isFirst {
            // Whoever met others waits, and what was read before is old then.
            try await settle(window)
            found = try await fallbackWithTag(subject)
            if isListed() { return true }
        }
        let merged = ImageIndex(
            manifests: ((found?.index.manifests ?? []) + entries).unique(), annotations: found?.index.annotations ?? [:]
        )
        _ = try await putManifest(
            .index(merged), as: merged.descriptor, tag: Self.fallbackTag(subject), ifMatch: found?.etag)
        return false
    }

    private func fallbackWithTag(_ subject: MessageDigest) async throws -> (index: ImageIndex, etag: String?)? {
        let answer = try await client.fetch(
            .init(
                place: path("manifests/\(Self.fallbackTag(subject))"), fields: ["Accept": MediaType.imageIndex.text],
                access: .push), reference, limit: Manifest.greatestByteCount)
        if answer.status == 404 { return nil }
        guard answer.status == 200 else { throw client.failure(answer) }
        let index = try ImageIndex(parsing: answer.bytes, mediaType: Self.type(answer.fields))
        return (index, answer.fields["ETag"])
    }

    /// Waits for about `time`, so that writers who met once do not meet again.
    private func settle(_ time: Duration) async throws {
        try await client.settings.wire.pause(time * Double.random(in: 1...1.5))
    }

    /// Writers on this machine take turns.
    private func lock(_ subject: MessageDigest) -> FileLock? {
        guard let state = client.settings.state, (try? Files.createDirectories(state, mode: 0o700)) != nil else {
            return nil
        }
        return FileLock(state.appending("\(Digest.of("\(name)\n\(subject)").hex).lock"))
    }
}
