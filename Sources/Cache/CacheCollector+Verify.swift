internal import Bytes
internal import Host
internal import Synchronization
internal import SystemPackage

extension CacheCollector {
    /// Hashes every blob and reads every record; removes what is damaged, the trees laid out from it, and the results
    /// that miss a blob.
    package func verify() async throws -> Verification {
        var found = Verification()
        let blobs = try self.blobs()
        let isSound = try await concurrentMap(blobs) { blob in
            guard store.isIntact(blob.status, blob.name, size: nil) else { return false }
            guard let file = try? directory.blobs.file(reading: blob.name.text) else { return true }
            return try Files.digest(of: file, sizeHint: blob.status.size).digest == blob.name.digest
        }
        found.blobs = blobs.count
        var damaged: Set<Digest> = []
        var whole: Set<Digest> = []
        for (blob, isSound) in zip(blobs, isSound) {
            if isSound {
                whole.insert(blob.name.digest)
            } else {
                damaged.insert(blob.name.digest)
                found.damaged.append("cas/sha256/\(blob.name.text)")
                try store.remove(damaged: blob.name)
            }
        }
        if !damaged.isEmpty { try removeTrees(madeOf: damaged) }
        try verifyRecords(whole, &found)
        return found
    }

    private func verifyRecords(_ whole: Set<Digest>, _ found: inout Verification) throws {
        for record in try records() {
            found.records += 1
            let name = ActionCache.name(record.key)
            let path = directory.actions.path.appending(name)
            guard let bytes = try? Files.read(path, limit: ActionResult.byteLimit),
                let result = try? ActionResult(decoding: bytes), result.key == record.key
            else {
                found.damaged.append("actions/\(name)")
                try directory.actions.remove(name)
                continue
            }
            let extra = Array(result.blobs.values) + (result.log.map { [$0] } ?? [])
            let needed = try? Array(store.references(of: result.tree).keys) + extra
            // A blob that was stored since the count is no reason to remove anything.
            if let needed,
                needed.allSatisfy({ whole.contains($0) || $0 == ContentStore.emptyTree || store.contains($0) })
            {
                continue
            }
            found.incomplete.append(record.key)
            try directory.actions.remove(name)
        }
    }

    /// Removes the laid-out trees that hold one of the blobs, or of which the parts are no longer known.
    private func removeTrees(madeOf damaged: Set<Digest>) throws {
        for name in try directory.trees.names() {
            guard let digest = Digest(hex: name) else { continue }
            if let parts = try? store.references(of: digest), parts.keys.allSatisfy({ !damaged.contains($0) }) {
                continue
            }
            store.checkedTrees.withLock { $0[digest] = nil }
            try Files.removeTree(directory.trees.path.appending(name))
        }
    }
}
