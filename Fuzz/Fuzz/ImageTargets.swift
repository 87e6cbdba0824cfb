internal import Bytes
internal import Host

@testable internal import Image

extension FuzzTarget {
    /// Reading ar archives: members lie inside, one after the other.
    static let archive = FuzzTarget(name: "ar") { input in
        guard let members = try? ArchiveReader.members(of: input) else { return }
        require(members.reduce(0) { $0 + $1.content.count } <= input.count, "content comes from the archive")
    }

    /// Reading xz streams: the limit holds.
    static let xz = FuzzTarget(name: "xz") { input in
        guard let reader = try? XZDecompressor(ByteReader(input), limit: 1 << 20).reader else { return }
        var total = 0
        while let part = try? reader.next(limit: .max) { total += part.count }
        require(total <= 1 << 20, "the limit holds")
    }

    /// Reading Debian packages, whose paths stay inside.
    static let debianPackage = FuzzTarget(name: "debian-package") { input in
        var limits = DebianPackage.Limits()
        limits.unpackedBytes = 1 << 22
        guard let package = try? DebianPackage(parsing: input, limits: limits) else { return }
        for isMerged in [false, true] {
            for entry in (try? PackageLayer.entries(package, isMerged: isMerged)) ?? [] {
                let parts = entry.path.split(separator: "/", omittingEmptySubsequences: false)
                require(!entry.path.hasPrefix("/") && !parts.contains(".."), "a path stays inside the image")
            }
        }
    }

    /// Reading control files, releases and indexes.
    static let debianControl = FuzzTarget(name: "debian-control") { input in
        _ = try? ControlStanza(parsing: input[...])
        if let release = try? ReleaseFile(parsing: input) {
            for path in release.indexes.keys { require(ArchivePath.isValid(path), "an index lies inside the archive") }
        }
        guard let index = try? PackagesIndex(parsing: input) else { return }
        for name in index.names.prefix(100) {
            for package in (try? index.packages(named: name)) ?? [] {
                require(ArchivePath.isValid(package.filename), "a package lies inside the archive")
                require(DebianVersion(package.version.text)?.order(to: package.version) == 0, "a version reads back")
            }
        }
    }

    /// Reading clearsigned texts and keyrings; with no key of ours nothing is verified.
    static let openPGP = FuzzTarget(name: "openpgp") { input in
        if let message = try? ClearsignedText(parsing: input) {
            require(!message.text.contains(0x0D), "the text has lines of one kind")
            require(message.text.count <= input.count + 1, "the text comes from the file")
        }
        if let keyring = try? Keyring(parsing: input) {
            for key in keyring.certificates.flatMap(\.keys) where key.flaw == nil {
                require(key.key.publicKey != nil, "a key without flaw can check signatures")
            }
        }
    }

    /// Reading locks: they read back.
    static let imageLock = FuzzTarget(name: "image-lock") { input in
        guard let lock = try? ImageLock(parsing: input) else { return }
        require((try? ImageLock(parsing: lock.bytes)) == lock, "a lock reads back")
    }

    /// Reading ELF headers.
    static let sharedLibrary = FuzzTarget(name: "shared-library") { input in
        guard let library = SharedLibrary(input, name: "libx.so") else { return }
        require(!library.soname.isEmpty && !library.soname.contains("/"), "a soname is a name")
    }
}
