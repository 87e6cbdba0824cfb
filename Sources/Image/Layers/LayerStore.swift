internal import Bytes
internal import Host

/// Makes layers once, on all processors, and keeps them by their recipe's key.
struct LayerStore: Sendable {
    let client: ArchiveClient
    /// As many layers are made at a time.
    let width: Int

    private var cache: ImageCache { client.cache }

    /// The layers of `recipes`, in their order.
    func layers(_ recipes: [LayerRecipe], of definition: ImageDefinition) async throws -> [LayerRecord] {
        let keys = recipes.map(\.key)
        var known: [Digest: LayerRecord] = [:]
        var missing: [(key: Digest, recipe: LayerRecipe)] = []
        for (key, recipe) in zip(keys, recipes) where known[key] == nil {
            if let record = try kept(key) {
                known[key] = record
            } else if !missing.contains(where: { $0.key == key }) {
                missing.append((key, recipe))
            }
        }
        if !missing.isEmpty {
            try await fetchPackages(missing.compactMap(\.recipe.package), of: definition)
            // The largest first: they take longest, and nobody is to wait for one that began last.
            let work = missing.map { Work(key: $0.key, recipe: $0.recipe) }.sorted { $0.recipe.size > $1.recipe.size }
            let made = try await concurrentMap(work, chunk: 1, width: width) { try make($0) }
            for (item, record) in zip(work, made) { known[item.key] = record }
        }
        return keys.compactMap { known[$0] }
    }

    private struct Work: Sendable {
        var key: Digest
        var recipe: LayerRecipe
    }

    /// A layer that was made before and is still there, with the size that it had.
    private func kept(_ key: Digest) throws -> LayerRecord? {
        guard let record = try cache.readRecord("layers", key).flatMap({ LayerRecord($0) }),
            try Files.status(cache.path(record.digest))?.size == record.size
        else { return nil }
        return record
    }

    private func fetchPackages(_ packages: [ImageLock.Package], of definition: ImageDefinition) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, package) in packages.enumerated() {
                // Archives are other people's machines: a few connections at a time.
                if number >= 8 { _ = try await group.next() }
                if try Files.status(cache.path(package.digest))?.size == package.size { continue }
                group.addTask { _ = try await client.package(package, of: definition) }
            }
            try await group.waitForAll()
        }
    }

    private func make(_ work: Work) throws -> LayerRecord {
        var content: [UInt8]?
        if let package = work.recipe.package {
            content = try cache.read(package.digest, limit: package.size)
            guard content != nil else {
                throw ImageError(
                    .untrusted, "\(cache.path(package.digest)) was damaged; remove it, and it is fetched again")
            }
        }
        let entries = try work.recipe.entries(content)
        let layer = try LayerWriter.write(entries, work.recipe.compression)
        try cache.write(layer.blob, as: layer.digest)
        let record = LayerRecord(
            digest: layer.digest, diffID: layer.diffID, size: layer.blob.count,
            libraries: LayerRecord.libraries(entries), annotations: layer.annotations)
        try cache.writeRecord("layers", work.key, record.json)
        return record
    }
}
