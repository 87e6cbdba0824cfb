internal import Bytes
internal import Host

/// An archive's release with its indexes, verified from the keyring down.
struct ArchiveState: Sendable {
    var lock: ImageLock.Archive
    /// By Debian's architecture, with the position in the lock's indexes.
    var indexes: [String: [(position: Int, index: PackagesIndex)]]

    /// Verifies what was fetched or kept.
    static func release(
        _ bytes: [UInt8], keyring: Keyring, at time: Int
    ) throws -> (release: ReleaseFile, signers: [ImageLock.Signer]) {
        let text: ClearsignedText
        do {
            text = try ClearsignedText(parsing: bytes)
        } catch {
            throw ImageError(.untrusted, "the archive's InRelease can't be verified: \(error)")
        }
        let verified = try keyring.verify(text, at: time)
        let signers = verified.signers.map {
            ImageLock.Signer(fingerprint: $0.fingerprint, primaryFingerprint: $0.primaryFingerprint)
        }
        return (try ReleaseFile(parsing: verified.text), signers)
    }

    /// Unpacks an index by its name's ending.
    static func unpack(_ bytes: [UInt8]) throws -> PackagesIndex {
        let source = ByteReader(bytes)
        let limit = PackagesIndex.greatestByteCount
        let reader =
            XZDecompressor.recognizes(bytes)
            ? try XZDecompressor(source, limit: limit).reader : try Decompressor(source, limit: limit).reader
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 6)
        while let part = try reader.next(limit: .max) { text += part }
        return try PackagesIndex(parsing: text)
    }

    /// Fetches and verifies the archive as it is now.
    static func fetch(
        _ archive: ImageDefinition.Archive, architectures: [String], client: ArchiveClient, at time: Int
    ) async throws -> ArchiveState {
        let keyringBytes: [UInt8]
        do {
            keyringBytes = try Files.read(archive.keyring, limit: Keyring.greatestByteCount)
        } catch {
            throw ImageError(
                .absent, "the keyring can't be read: \(error); Debian's is in the package debian-archive-keyring")
        }
        let keyring = try Keyring(parsing: keyringBytes)
        let directory = "dists/\(archive.suite)"
        guard
            let bytes = try await client.fetch(
                "\(directory)/InRelease", from: archive.uri, limit: ArchiveClient.releaseLimit)
        else { throw ImageError(.absent, "\(archive.uri) has no \(directory)/InRelease; check uri and suite") }
        let (release, signers) = try Self.release(bytes, keyring: keyring, at: time)
        guard
            archive.suite == release.suite || archive.suite == release.codename
                || archive.suite.hasSuffix("-security") || archive.suite.contains("/")
        else {
            throw ImageError(
                .untrusted,
                "\(directory)/InRelease is of \(release.suite ?? "?") (\(release.codename ?? "?")): another suite than was asked for"
            )
        }
        // What a snapshot holds was fresh when the snapshot was made.
        if let until = release.validUntil, until < snapshotTime(archive.uri) ?? time {
            throw ImageError(
                .untrusted,
                "the archive's release was valid until \(ImageLock.time(until)); use a mirror that is kept up, or a snapshot's address"
            )
        }
        try client.cache.write(keyringBytes)
        try client.cache.write(bytes)
        var state = ArchiveState(
            lock: ImageLock.Archive(
                uri: archive.uriText, suite: archive.suite, codename: release.codename, date: release.date,
                keyring: keyring.digest, release: Digest.of(bytes), releaseSize: bytes.count, signers: signers,
                indexes: []),
            indexes: [:])
        for component in archive.components {
            for architecture in architectures {
                try await state.add("\(component)/binary-\(architecture)", architecture, release, archive, client)
            }
        }
        return state
    }

    private mutating func add(
        _ directory: String, _ architecture: String, _ release: ReleaseFile, _ archive: ImageDefinition.Archive,
        _ client: ArchiveClient
    ) async throws {
        let names = ["Packages.xz", "Packages.gz", "Packages"]
        let listed = names.map { "\(directory)/\($0)" }.filter { release.indexes[$0] != nil }
        guard !listed.isEmpty else {
            throw ImageError(
                .absent,
                "the release of \(archive.suite) lists no \(directory)/Packages; check components and architectures")
        }
        var lastError: (any Error)?
        for path in listed {
            guard let entry = release.indexes[path] else { continue }
            let base = "dists/\(archive.suite)"
            let byHash = "\(base)/\(directory)/by-hash/SHA256/\(entry.digest.hex)"
            do {
                let bytes = try await client.fetch(
                    entry.digest, size: entry.size, at: (release.offersByHash ? [byHash] : []) + ["\(base)/\(path)"],
                    from: archive.uri, limit: ArchiveClient.indexLimit)
                indexes[architecture, default: []].append((lock.indexes.count, try Self.unpack(bytes)))
                lock.indexes.append(ImageLock.Index(path: path, digest: entry.digest, size: entry.size))
                return
            } catch let error as ImageError where error.code == .absent {
                // Mirrors often keep one form alone.
                lastError = error
            }
        }
        if let lastError { throw lastError }
    }

    /// The time in a snapshot's address, such as `…/20250101T000000Z`, in seconds since 1970.
    static func snapshotTime(_ uri: String) -> Int? {
        for part in uri.split(separator: "/") where part.utf8.count == 16 {
            let digits = Array(part)
            guard digits[8] == "T", digits[15] == "Z", digits.allSatisfy({ $0.isNumber || $0 == "T" || $0 == "Z" })
            else {
                continue
            }
            let text = { (range: Range<Int>) in String(digits[range]) }
            let time = "\(text(0..<4))-\(text(4..<6))-\(text(6..<8))T\(text(9..<11)):\(text(11..<13)):\(text(13..<15))Z"
            if let time = Timestamp(time) { return Int(time.seconds) }
        }
        return nil
    }
}
