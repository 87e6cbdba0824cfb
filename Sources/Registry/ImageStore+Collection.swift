package import Bytes
internal import Host
internal import SystemPackage

extension ImageStore {
    /// What a collection does.
    package struct CollectionRules: Hashable, Sendable {
        /// How long nobody must have asked about a blob that no manifest names, in nanoseconds.
        package var blobAge: Int64 = 86_400 * 1_000_000_000
        /// How long nobody must have written to an upload.
        package var uploadAge: Int64 = 7 * 86_400 * 1_000_000_000
        /// Whether manifests go that have no tag, are in no index that stays, and refer to nothing that stays.
        package var removesUntagged = false
        /// Whether everything stays, and is only counted.
        package var isRehearsal = false

        package init() {}
    }

    /// What a collection removed.
    package struct CollectionReport: Hashable, Sendable {
        package var manifests = 0
        package var blobs = 0
        package var uploads = 0
        /// Bytes that the file system got back.
        package var byteCount = 0

        package init() {}

        package var json: JSON {
            [
                "manifests": .integer(manifests), "blobs": .integer(blobs), "uploads": .integer(uploads),
                "bytes": .integer(byteCount),
            ]
        }
    }

    /// The repositories, in the order of their names.
    package func repositories() throws -> [String] {
        var names: [String] = []
        var walk = DirectoryWalk(root.appending("repositories"))
        walk.entryLimit = 100_000_000
        try walk.forEach { entry in
            guard entry.kind == .directory else { return false }
            guard entry.path.hasSuffix("/_oci") else { return true }
            names.append(String(entry.path.dropLast("/_oci".count)))
            return false
        }
        return names.sorted(by: Files.isOrderedByBytes)
    }

    /// Removes what nothing needs. Servers and pushes may go on meanwhile.
    package func collect(_ rules: CollectionRules) throws -> CollectionReport {
        var report = CollectionReport()
        let now = Clocks.nowNanoseconds()
        // The files that lost a name here, which makes them look young.
        var unlinked: Set<UInt64> = []
        for repository in try repositories() {
            try Task.checkCancellation()
            // Half-made ones have no index yet.
            guard try contains(repository) else { continue }
            // First the index, then what it does not name any more: never the other way round.
            if rules.removesUntagged, !rules.isRehearsal {
                try change(repository) { layout, index in
                    let before = report.manifests
                    try removeUntagged(&index, layout, &report)
                    return (report.manifests > before, ())
                }
            }
            try change(repository) { layout, index in
                var kept = index
                if rules.removesUntagged, rules.isRehearsal { try removeUntagged(&kept, layout, &report) }
                try removeBlobs(kept, layout, now, rules, &report, &unlinked)
                try removeUploads(layout, now, rules, &report)
                return (false, ())
            }
        }
        try collectPool(now, rules, unlinked, &report)
        return report
    }

    private func removeUntagged(
        _ index: inout ImageStoreIndex, _ layout: FilePath, _ report: inout CollectionReport
    ) throws {
        var kept = Set(index.tags.values)
        var open = Array(kept)
        while let digest = open.popLast() {
            var next = index.referrers(of: digest)
            if index.manifests[digest]?.mediaType.isIndex == true, let manifest = try? read(digest, index, layout),
                case .index(let entries) = manifest
            {
                next += entries.manifests.map(\.digest)
            }
            for digest in next where index.manifests[digest] != nil && kept.insert(digest).inserted {
                open.append(digest)
            }
        }
        for digest in index.manifests.keys where !kept.contains(digest) {
            if index.remove(digest) { report.manifests += 1 }
        }
    }

    private func read(_ digest: MessageDigest, _ index: ImageStoreIndex, _ layout: FilePath) throws -> Manifest {
        try Manifest(
            parsing: Files.read(blobFile(digest, in: layout), limit: Manifest.greatestByteCount),
            mediaType: index.manifests[digest]?.mediaType)
    }

    private func removeBlobs(
        _ index: ImageStoreIndex, _ layout: FilePath, _ now: Int64, _ rules: CollectionRules,
        _ report: inout CollectionReport, _ unlinked: inout Set<UInt64>
    ) throws {
        var needed = Set(index.manifests.keys.map(\.description))
        for digest in index.manifests.keys {
            // A manifest that can't be read keeps everything: nobody knows what it names.
            guard case .image(let image) = try read(digest, index, layout) else { continue }
            for descriptor in [image.config] + image.layers { needed.insert("\(descriptor.digest)") }
        }
        for algorithm in HashAlgorithm.allCases {
            let directory = layout.appending("blobs").appending(algorithm.rawValue)
            for name in try Files.list(directory) where !needed.contains("\(algorithm.rawValue):\(name)") {
                let file = directory.appending(name)
                guard let status = try Files.status(file, followingLinks: false), now - status.changed >= rules.blobAge
                else { continue }
                report.blobs += 1
                // Blobs are counted where their last name goes, in the pool; what is there alone is a manifest.
                if status.linkCount == 1 { report.byteCount += status.size }
                guard !rules.isRehearsal else { continue }
                try Files.remove(file)
                unlinked.insert(status.inode)
            }
        }
    }

    private func removeUploads(
        _ layout: FilePath, _ now: Int64, _ rules: CollectionRules, _ report: inout CollectionReport
    ) throws {
        for name in try Files.list(layout.appending("uploads")) {
            let file = layout.appending("uploads").appending(name)
            guard let status = try Files.status(file, followingLinks: false), now - status.changed >= rules.uploadAge
            else { continue }
            report.uploads += 1
            report.byteCount += status.size
            if !rules.isRehearsal { try Files.remove(file) }
        }
    }

    private func collectPool(
        _ now: Int64, _ rules: CollectionRules, _ unlinked: Set<UInt64>, _ report: inout CollectionReport
    ) throws {
        var walk = DirectoryWalk(root.appending("blobs"), withStatus: true)
        walk.entryLimit = 100_000_000
        try walk.forEach { entry in
            guard let status = entry.status, status.kind == .regular else { return true }
            // An upload that is just being linked is young.
            let isOld = now - status.changed >= min(rules.blobAge, 60 * 1_000_000_000)
            guard status.linkCount == 1, isOld || unlinked.contains(status.inode) else { return false }
            report.byteCount += status.size
            if !rules.isRehearsal { try Files.remove(root.appending("blobs").appending(entry.path)) }
            return false
        }
    }
}
