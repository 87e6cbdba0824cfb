internal import Bytes
internal import Host
package import SystemPackage

extension OCILayout: ImageTarget {
    package func receive(_ descriptor: Descriptor, from source: any ImageSource) async throws {
        guard try !hasBlob(descriptor) else { return }
        var file = try BlobFile(descriptor, partial: partial)
        // What a process that was killed left is not fetched again.
        var stream = try await source.rest(of: descriptor, after: file.count, file.hasher)
        try await file.take(&stream)
        let target = blobPath(descriptor.digest)
        try Files.createDirectories(target.removingLastComponent())
        try file.finish(as: target)
    }

    package func receive(_ descriptor: Descriptor, content: [UInt8]) async throws {
        try write(content, as: descriptor)
    }

    package func receive(_ descriptor: Descriptor, file: FilePath) async throws {
        guard try !hasBlob(descriptor) else { return }
        // Nothing but SHA-256 is computed while a file is copied.
        guard descriptor.digest.algorithm == .sha256 else {
            return try write(Files.read(file, limit: descriptor.size), as: descriptor)
        }
        let target = blobPath(descriptor.digest)
        try Files.createDirectories(target.removingLastComponent())
        let temporary = Files.temporaryName(beside: target)
        do {
            let found = try Files.copy(file, to: temporary, mode: 0o644)
            guard found.bytes == descriptor.digest.bytes else {
                throw RegistryError(
                    .mismatch,
                    "\(file) has the digest sha256:\(found.hex) where \(descriptor.digest) is named; it was damaged or replaced"
                )
            }
            try Files.rename(temporary, to: target)
        } catch {
            try? Files.remove(temporary)
            throw error
        }
    }

    package func put(_ manifest: Manifest, as descriptor: Descriptor, tag: String?) async throws {
        try write(manifest.bytes, as: descriptor)
        // What is part of another manifest needs no entry of its own; a referrer does, or nobody would find it.
        guard tag != nil || manifest.subject != nil else { return }
        try await add(descriptor, name: tag)
    }

    package func finish() async throws {
        try? Files.removeEmptyDirectory(partial)
    }

    /// Adds a manifest to `index.json`; whoever had the name before loses it.
    package func add(_ descriptor: Descriptor, name: String?) async throws {
        try await changingIndex { entries in
            var entry = descriptor
            if let name {
                entries.removeAll { $0.annotations[Self.nameAnnotation] == name }
                entry.annotations[Self.nameAnnotation] = name
            } else if entries.contains(where: { $0.digest == descriptor.digest }) {
                return
            }
            entries.append(entry)
        }
    }

    /// Takes a name away. Its content stays.
    package func remove(name: String) async throws {
        try await changingIndex { entries in entries.removeAll { $0.annotations[Self.nameAnnotation] == name } }
    }

    /// Changes `index.json`; no two processes do so at the same time.
    package func changingIndex(_ change: (inout [Descriptor]) throws -> Void) async throws {
        let lock = FileLock(path.appending(".index.lock"))
        let token = try await lock.lock()
        let result = Result { try changeIndex(change) }
        // Whoever waits for this file notices that it is gone, and takes the next. It goes while the lock is held: later it
        // could be somebody else's already, and a third would get a lock of their own.
        try? Files.remove(lock.path)
        token.unlock()
        try result.get()
    }

    private func changeIndex(_ change: (inout [Descriptor]) throws -> Void) throws {
        let index = try index()
        var entries = index.manifests
        try change(&entries)
        if entries != index.manifests {
            let changed = ImageIndex(
                manifests: entries, artifactType: index.artifactType, subject: index.subject,
                annotations: index.annotations)
            try Files.write(changed.bytes, to: path.appending("index.json"))
        }
    }
}

/// A place whose contents can be read from the middle on.
protocol ResumableSource: ImageSource {
    /// The content of `descriptor` behind the first `count` bytes, which went through `hasher`.
    func blob(_ descriptor: Descriptor, after count: Int, _ hasher: MessageHasher) async throws -> BlobStream
}

extension ImageSource {
    /// The content of `descriptor` behind its first `count` bytes, which went through `hasher`.
    func rest(of descriptor: Descriptor, after count: Int, _ hasher: MessageHasher) async throws -> BlobStream {
        if count > 0, let source = self as? any ResumableSource {
            return try await source.blob(descriptor, after: count, hasher)
        }
        let whole = try await blob(descriptor)
        guard count > 0 else { return whole }
        let box = StreamBox(whole)
        var left = count
        return BlobStream(descriptor, shown, after: hasher, count: count) {
            while var piece = try await box.stream.next() {
                let skipped = min(left, piece.count)
                left -= skipped
                piece.removeFirst(skipped)
                if !piece.isEmpty { return piece }
            }
            return nil
        }
    }
}

private final class StreamBox {
    var stream: BlobStream
    init(_ stream: BlobStream) { self.stream = stream }
}
