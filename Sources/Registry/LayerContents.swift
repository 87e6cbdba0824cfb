package import Bytes
package import Host

/// What is in a layer or another tar archive: each path with what its header says and the digest of its content.
package struct LayerContents: Sendable {
    package struct Entry: Hashable, Sendable {
        package var change: LayerChange
        package var digest: Digest
    }

    /// By path; of one path the last counts.
    package private(set) var entries: [String: Entry] = [:]

    private static let greatestSize = 1 << 40

    /// Reads an archive, packed or not.
    package init(_ bytes: ByteReader) throws {
        let unpacked = try Decompressor(bytes, limit: Self.greatestSize).reader
        var reader = LayerReader(unpacked)
        while let change = try reader.next() {
            var hasher = SHA256Hasher()
            while let part = try reader.nextPart() { hasher.update(part) }
            entries[Self.name(change)] = Entry(change: change, digest: hasher.finalize())
        }
        while try unpacked.next(limit: 1 << 20) != nil {}
    }

    /// Reads a layer on a thread of its own while it arrives.
    package static func read(_ layer: Descriptor, from source: any ImageSource) async throws -> LayerContents {
        let pipe = BytePipe()
        async let result: LayerContents = pipe.read { try LayerContents($0) }
        do {
            var stream = try await source.blob(layer)
            while let piece = try await stream.next() {
                guard await pipe.write(piece) else {
                    while try await stream.next() != nil {}
                    break
                }
            }
            pipe.finish()
        } catch {
            pipe.finish(throwing: error)
            _ = try? await result
            throw error
        }
        return try await result
    }

    private static func name(_ change: LayerChange) -> String {
        switch change.kind {
        case .whiteout: ".wh. " + change.path
        case .opaque: ".wh..wh..opq " + change.path
        default: change.path
        }
    }

    /// In which files two archives differ, in the order of their paths. `ignored` paths are not looked at.
    package static func differences(
        _ first: LayerContents, _ second: LayerContents, ignoring ignored: Set<String> = []
    ) -> [FileDifference] {
        let paths = Set(first.entries.keys).union(second.entries.keys).subtracting(ignored)
        return paths.sorted(by: Files.isOrderedByBytes).compactMap { path in
            let (one, two) = (first.entries[path], second.entries[path])
            guard one != two else { return nil }
            return FileDifference(path: path, detail: detail(one, two))
        }
    }

    private static func detail(_ one: Entry?, _ two: Entry?) -> String {
        guard let one else { return "only in the second" }
        guard let two else { return "only in the first" }
        var parts: [String] = []
        func compare(_ name: String, _ left: some Equatable, _ right: some Equatable, _ text: String) {
            if "\(left)" != "\(right)" { parts.append("\(name) \(text)") }
        }
        let (a, b) = (one.change, two.change)
        compare("kind", a.kind, b.kind, "\(a.kind) and \(b.kind)".safeForTerminal)
        if one.digest != two.digest {
            parts.append(
                "content \(a.size) and \(b.size) bytes, sha256 \(one.digest.hex.prefix(12)) and \(two.digest.hex.prefix(12))"
            )
        }
        compare("mode", a.mode, b.mode, String(a.mode, radix: 8) + " and " + String(b.mode, radix: 8))
        compare("owner", a.owner, b.owner, "\(a.owner) and \(b.owner)")
        compare("group", a.group, b.group, "\(a.group) and \(b.group)")
        compare("time", a.modified, b.modified, "\(a.modified) and \(b.modified)")
        return parts.joined(separator: "; ")
    }
}

/// A file that two archives have otherwise.
package struct FileDifference: Hashable, Sendable {
    package var path: String
    /// What differs, the first archive's before the second's.
    package var detail: String
}
