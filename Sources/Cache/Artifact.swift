package import Bytes
package import Host
package import SystemPackage

/// A saved archive that carries its provenance.
///
/// The provenance is the first member, in a compressed stream of its own; behind it stand, byte for byte, the archive
/// that the provenance is about. Every tar program reads the two as one archive, and whoever takes the first stream away
/// has the artifact again: that is how its digest is checked.
package enum Artifact {
    /// The name of the member, without the `./` that stands before it.
    package static let bundleMember = "provenance-bundle.jsonl"
    /// The most bytes of provenance that are read.
    package static let bundleLimit = 1 << 28

    /// What a saved archive holds.
    package struct Inspection: Sendable {
        /// The provenance bundle, if there is one.
        package var bundle: [UInt8]?
        /// The digest of the archive without the bundle; `nil` when the bundle stands where it can't be taken out, as in
        /// archives that other programs packed.
        package var digest: Digest?
        /// The bytes of the archive without the bundle.
        package var size: Int
        /// The digests of the regular files by their paths.
        package var files: [String: Digest]
    }

    /// Writes the file `path`: the archive `source`, which `writeArchive` made, with `bundle` as its first member.
    package static func embed(_ bundle: [UInt8], in source: FilePath, to path: FilePath) throws -> ArchiveFile {
        let input = try OpenFile(reading: source)
        let first = try input.read(4)
        try input.seek(to: 0)
        let member = try leadingMember(bundle, Compression(recognizing: first))
        return try ContentStore.writeFile(path) { write in
            try write(member)
            while true {
                let bytes = try input.read(1 << 18)
                if bytes.isEmpty { break }
                try write(bytes)
            }
        }
    }

    /// The stream that stands before the archive: one tar entry without the end of an archive, in stored blocks.
    package static func leadingMember(_ bundle: [UInt8], _ compression: Compression) throws -> [UInt8] {
        guard bundle.count <= bundleLimit else {
            throw CacheError(.input, "a provenance bundle of \(bundle.count) bytes is too large")
        }
        var entry: [UInt8] = []
        var tar = TarWriter { entry += $0 }
        try tar.addFile("./" + bundleMember, bundle)
        return compression.stored(entry)
    }

    /// Reads a saved archive, whoever made it: its bundle, its digest without the bundle, and with `hashingFiles` the
    /// digests of its files. `contentLimit` bounds the unpacked bytes.
    package static func inspect(
        _ path: FilePath, hashingFiles: Bool = false, contentLimit: Int = 1 << 40
    ) throws -> Inspection {
        var inspection = Inspection(bundle: nil, digest: nil, size: 0, files: [:])
        let start = try leadingBundle(path, &inspection)
        let rest = try OpenFile(reading: path)
        try rest.seek(to: start)
        let (digest, size) = try Files.digest(of: rest, sizeHint: rest.status().size)
        inspection.size = size
        // Without a bundle in front there may be one inside, as Leeway packs it.
        if hashingFiles || start == 0 {
            try rest.seek(to: start)
            let source = try Decompressor(ByteReader(rest), limit: contentLimit).reader
            try readMembers(source, hashingFiles: hashingFiles, isBare: start > 0, &inspection)
        }
        if start > 0 || inspection.bundle == nil { inspection.digest = digest }
        return inspection
    }

    private static func readMembers(
        _ source: ByteReader, hashingFiles: Bool, isBare: Bool, _ inspection: inout Inspection
    ) throws {
        var reader = TarReader(source)
        while let entry = try reader.next() {
            guard case .file = entry.kind else { continue }
            if entry.path == bundleMember {
                guard !isBare else { throw CacheError(.input, "the archive holds two provenance bundles") }
                inspection.bundle = try reader.content(limit: bundleLimit)
            } else if hashingFiles {
                var hasher = SHA256Hasher()
                while let part = try reader.nextPart() { hasher.update(part) }
                inspection.files[entry.path] = hasher.finalize()
            }
        }
    }

    /// Refuses a front that is not, byte for byte, what is written around `bundle`: checksums don't cover all of a
    /// stream, and a saved archive must not have two forms.
    private static func checkFront(
        _ path: FilePath, _ bundle: [UInt8], _ compression: Compression, end: Int
    ) throws {
        let own = try leadingMember(bundle, compression)
        guard own.count == end, try OpenFile(reading: path).read(end) == own else {
            throw CacheError(.input, "the part of the archive with the provenance was altered", path: path.string)
        }
    }

    /// Reads the bundle in front, and gives the offset of what is behind it: 0 when there is none.
    private static func leadingBundle(_ path: FilePath, _ inspection: inout Inspection) throws -> Int {
        let source = ByteReader(try OpenFile(reading: path))
        let packed = try Decompressor(source, limit: bundleLimit + 4096, isSingle: true)
        let content = packed.reader
        let isPacked = packed.compression != .none
        let block = try content.read(512)
        guard let size = TarReader.size(ofFirstFile: "./" + bundleMember, in: block) else { return 0 }
        guard size <= bundleLimit else { throw CacheError(.input, "the provenance bundle is too large") }
        let bundle = try content.read(size)
        let padding = try content.read((512 - size % 512) % 512)
        guard bundle.count == size, padding.allSatisfy({ $0 == 0 }) else {
            throw CacheError(.input, "the provenance bundle is truncated", path: path.string)
        }
        inspection.bundle = bundle
        // Packed as one with other members, it can't be taken out without packing anew.
        if isPacked {
            guard try content.next(limit: 1) == nil else { return 0 }
            try checkFront(path, bundle, packed.compression, end: source.position)
            return source.position
        }
        try checkFront(path, bundle, .none, end: content.position)
        return content.position
    }
}
