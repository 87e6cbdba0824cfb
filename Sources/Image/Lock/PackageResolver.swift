internal import Bytes

/// Chooses packages from verified indexes: what is asked for by name, and what that depends on where that is wanted.
///
/// Simple on purpose: of a dependency's alternatives the first that exists is taken, the newest version of it, and else the
/// provider whose name sorts first. Nothing is taken back; what can't be fulfilled is an error.
struct PackageResolver {
    /// One archive's indexes for the architecture, by the archive's position.
    struct Source {
        var archive: Int
        var position: Int
        var index: PackagesIndex
    }

    let sources: [Source]
    /// Debian's word, for messages.
    let architecture: String

    static let countLimit = 20_000

    private func candidates(_ name: String) throws(ImageError) -> [(package: ArchivePackage, source: Source)] {
        var out: [(package: ArchivePackage, source: Source)] = []
        for source in sources {
            for package in try source.index.packages(named: name) { out.append((package, source)) }
        }
        // The newest first; of equal versions the archive that is listed first.
        return out.enumerated().sorted {
            let order = $0.element.package.version.order(to: $1.element.package.version)
            return order != 0 ? order > 0 : $0.offset < $1.offset
        }.map(\.element)
    }

    private func locked(_ found: (package: ArchivePackage, source: Source)) -> ImageLock.Package {
        let package = found.package
        return ImageLock.Package(
            name: package.name, version: package.version.text, architecture: package.architecture,
            digest: package.digest, size: package.size, filename: package.filename, source: package.source,
            archive: found.source.archive, index: found.source.position)
    }

    /// The packages for `wishes`, in their order; dependencies come after what needs them, without those in `present`.
    func resolve(
        _ wishes: [ImageDefinition.Wish], transitive: Bool, present: [ImageLock.Package] = []
    ) throws(ImageError) -> [ImageLock.Package] {
        var out: [ImageLock.Package] = []
        var names = Set(present.map(\.name))
        var chosen: [String: DebianVersion] = [:]
        var provided: Set<String> = []
        for package in present { chosen[package.name] = DebianVersion(package.version) }
        var waiting: [ArchivePackage] = []
        func take(_ found: (package: ArchivePackage, source: Source)) throws(ImageError) {
            guard names.insert(found.package.name).inserted else { return }
            guard names.count <= Self.countLimit else {
                throw ImageError(.limit, "more than \(Self.countLimit) packages")
            }
            chosen[found.package.name] = found.package.version
            for name in found.package.provides { provided.insert(name.name) }
            out.append(locked(found))
            waiting.append(found.package)
        }
        for wish in wishes {
            let all = try candidates(wish.name)
            guard let found = all.first(where: { wish.version == nil || $0.package.version.text == wish.version })
            else {
                let versions = all.map(\.package.version.text).joined(separator: ", ")
                throw ImageError(
                    .absent,
                    "the archives have no \(wish.text) for \(architecture)"
                        + (versions.isEmpty
                            ? "; check the name, the suite and the components" : "; they have \(versions)"))
            }
            try take(found)
        }
        guard transitive else { return out }
        var next = 0
        while next < waiting.count {
            let package = waiting[next]
            next += 1
            for dependency in package.dependencies {
                let isMet = dependency.alternatives.contains { alternative in
                    if let version = chosen[alternative.name] { return alternative.isSatisfied(by: version) }
                    return alternative.relation == nil && provided.contains(alternative.name)
                }
                if isMet { continue }
                try take(try choice(dependency, for: package.name, chosen: chosen))
            }
        }
        return out
    }

    private func choice(
        _ dependency: DebianDependency, for name: String, chosen: [String: DebianVersion]
    ) throws(ImageError) -> (package: ArchivePackage, source: Source) {
        for alternative in dependency.alternatives where chosen[alternative.name] == nil {
            let found = try candidates(alternative.name).first { alternative.isSatisfied(by: $0.package.version) }
            if let found { return found }
        }
        for alternative in dependency.alternatives {
            for source in sources {
                let providers = try source.index.providers(of: alternative.name)
                if let provider = providers.first(where: { package in
                    package.provides.contains { provided in
                        guard provided.name == alternative.name else { return false }
                        guard alternative.relation != nil else { return true }
                        return provided.version.map(alternative.isSatisfied) ?? false
                    }
                }) {
                    return (provider, source)
                }
            }
        }
        let words = dependency.alternatives.map(\.name).joined(separator: " | ")
        throw ImageError(
            .absent, "\(name) depends on \(words), and the archives have no such package for \(architecture) that fits")
    }
}
