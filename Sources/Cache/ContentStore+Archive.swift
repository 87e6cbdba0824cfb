package import Bytes
package import Host
package import SystemPackage

/// An archive file that was written.
package struct ArchiveFile: Hashable, Sendable {
    /// The digest of the file's bytes.
    package var digest: Digest
    package var size: Int
}

extension ContentStore {
    /// Writes the tree as an archive to the new or replaced file `path`. The same tree gives the same bytes everywhere.
    ///
    /// Entries are called `./path`, directories come before what is in them, names are sorted by bytes. `modified` is the
    /// time of every entry in seconds since 1970. Every blob is checked on the way. A file called as the bundle's member
    /// in the root is refused: it would pass for the provenance.
    package func writeArchive(
        _ root: Digest, to path: FilePath, compression: Compression = .gzip, modified: Int = TarWriter.fixedTime
    ) throws -> ArchiveFile {
        guard try tree(root)[Artifact.bundleMember] == nil else {
            throw CacheError(
                .input, "is reserved for the provenance; the step must not write a file of that name",
                path: Artifact.bundleMember)
        }
        return try Self.writeFile(path) { write in
            try directory.withoutCollection {
                let packer = try Packer(compression, output: write)
                var tar = TarWriter(modified: modified) { try packer.write($0) }
                try tar.addDirectory("./")
                try add(root, prefix: "./", depth: 0, to: &tar)
                try tar.finish()
                try packer.finish()
            }
        }
    }

    /// Makes a file of what `body` writes, under a temporary name until it is complete.
    static func writeFile(
        _ path: FilePath, _ body: (_ write: @escaping ([UInt8]) throws -> Void) throws -> Void
    ) throws -> ArchiveFile {
        let temporary = Files.temporaryName(beside: path)
        do {
            let sink = Sink(try OpenFile(creating: temporary, mode: 0o644))
            try body { try sink.write($0) }
            try sink.file.setMode(0o644)
            try Files.rename(temporary, to: path)
            return sink.result
        } catch {
            try? Files.remove(temporary)
            throw error
        }
    }

    private func add(_ digest: Digest, prefix: String, depth: Int, to tar: inout TarWriter) throws {
        guard depth <= DirectoryWalk.depthLimit else {
            throw CacheError(.input, "a tree of more than \(DirectoryWalk.depthLimit) levels", path: prefix)
        }
        for entry in try tree(digest).entries {
            let path = prefix + entry.name
            switch entry.node {
            case .directory(let below, _):
                try tar.addDirectory(path + "/")
                try add(below, prefix: path + "/", depth: depth + 1, to: &tar)
            case .link(let target): try tar.addLink(path, target: target)
            case .file(let blob, let size, let isExecutable):
                try tar.beginFile(path, size: size, isExecutable: isExecutable)
                try copy(blob, size: size, to: &tar)
            }
        }
    }

    private func copy(_ digest: Digest, size: Int, to tar: inout TarWriter) throws {
        let file = try open(digest)
        var hasher = SHA256Hasher()
        var count = 0
        while count < size {
            let bytes = try file.read(min(1 << 17, size - count))
            guard !bytes.isEmpty else { break }
            hasher.update(bytes)
            count += bytes.count
            try tar.write(bytes)
        }
        guard hasher.finalize() == digest else {
            for isExecutable in [false, true] { try remove(damaged: BlobName(digest, isExecutable: isExecutable)) }
            throw CacheError(
                .damaged, "the stored bytes were not what they had been; they were removed", path: digest.description)
        }
    }
}

/// Writes to a file and hashes what it writes.
private final class Sink {
    let file: OpenFile
    private var hasher = SHA256Hasher()
    private var size = 0

    init(_ file: consuming OpenFile) { self.file = file }

    func write(_ bytes: [UInt8]) throws {
        try file.write(bytes)
        hasher.update(bytes)
        size += bytes.count
    }

    var result: ArchiveFile { ArchiveFile(digest: hasher.finalize(), size: size) }
}

/// A compressor that closures can share.
private final class Packer {
    private var compressor: Compressor?

    init(_ compression: Compression, output: @escaping ([UInt8]) throws -> Void) throws {
        compressor = try Compressor(compression, output: output)
    }

    func write(_ bytes: [UInt8]) throws { try compressor?.write(bytes) }

    func finish() throws {
        if let compressor = compressor.take() { try compressor.finish() }
    }
}
