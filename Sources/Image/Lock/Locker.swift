internal import Bytes
internal import Host

/// Makes locks.
package struct Locker: Sendable {
    let client: ArchiveClient
    /// Seconds since 1970: when signatures and keys have to be good.
    let time: Int

    package init(client: ArchiveClient, time: Int) {
        self.client = client
        self.time = time
    }

    /// Resolves the definition's packages against its archives as they are now, all verified.
    ///
    /// `previous` is the lock that is replaced: an archive that went back in time since then is refused, for that is how
    /// fixed packages are kept from people; and where nothing changed, the old time of verification stays.
    package func lock(
        _ definition: ImageDefinition, previous: ImageLock? = nil, allowsOlder: Bool = false
    ) async throws -> ImageLock {
        guard !definition.archives.isEmpty, !definition.architectures.isEmpty else {
            throw ImageError(.malformed, "\(definition.path): archives and architectures have to be listed")
        }
        let architectures = definition.architectures.compactMap(Architecture.debianName)
        var states: [ArchiveState] = []
        for archive in definition.archives {
            let state = try await ArchiveState.fetch(archive, architectures: architectures, client: client, at: time)
            let old = previous?.archives.first { $0.uri == archive.uriText && $0.suite == archive.suite }
            if let old, state.lock.date < old.date, !allowsOlder {
                throw ImageError(
                    .untrusted,
                    "the release of \(archive.suite) is of \(ImageLock.time(state.lock.date)), older than the lock's (\(ImageLock.time(old.date))); if that is meant, give --allow-older"
                )
            }
            states.append(state)
        }
        var lock = ImageLock(
            definition: definition.lockInputs, verified: time, resolvesTransitively: definition.resolvesTransitively,
            archives: states.map(\.lock), selections: [])
        for architecture in definition.architectures {
            lock.selections += try selections(definition, architecture, states)
        }
        if let previous {
            var same = lock
            same.verified = previous.verified
            if same == previous { return previous }
        }
        return lock
    }

    private func selections(
        _ definition: ImageDefinition, _ architecture: String, _ states: [ArchiveState]
    ) throws -> [ImageLock.Selection] {
        let name = Architecture.debianName(of: architecture) ?? architecture
        var sources: [PackageResolver.Source] = []
        for (archive, state) in states.enumerated() {
            for (position, index) in state.indexes[name] ?? [] {
                sources.append(PackageResolver.Source(archive: archive, position: position, index: index))
            }
        }
        let resolver = PackageResolver(sources: sources, architecture: name)
        let transitive = definition.resolvesTransitively
        let base = try resolver.resolve(definition.packages, transitive: transitive)
        var materials: [ImageLock.Package] = []
        if definition.hasFixedLayers, definition.hasCertificates {
            let wish = ImageDefinition.Wish(name: ImageDefinition.certificatePackage)
            materials = try resolver.resolve([wish], transitive: false)
        }
        var out = [
            ImageLock.Selection(variant: "", architecture: architecture, packages: base, materials: materials)
        ]
        for variant in definition.variants where !variant.packages.isEmpty {
            let more = try resolver.resolve(variant.packages, transitive: transitive, present: base)
            out.append(
                ImageLock.Selection(variant: variant.name, architecture: architecture, packages: more, materials: []))
        }
        return out
    }
}
