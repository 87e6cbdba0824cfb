internal import Host
internal import SystemPackage

/// Finds the files that each package is made from.
struct SourceFinder: Sendable {
    let root: FilePath
    let tree: WorkspaceTree
    let variant: Variant?
    /// Whether the workspace has a `go.work` at its root, which every Go package is made from.
    let hasGoWork: Bool

    /// A source by its path relative to the root; one outside the workspace has an absolute path.
    struct Found: Hashable, Sendable {
        var path: String
        var isLink: Bool
        var isImplicit: Bool
    }

    struct Result: Sendable {
        var sources: [Found] = []
        var diagnostics: [Diagnostic] = []
    }

    func sources(of package: PackageDraft) -> Result {
        var result = Result()
        let component = package.name.component == "//" ? "" : package.name.component
        let segments = component.isEmpty ? [] : component.utf8.split(separator: 0x2F).map { Array($0) }
        var chosen: [String: Found] = [:]
        func add(_ pattern: String) {
            let glob = Glob(pattern)
            if glob.isMalformed {
                result.diagnostics.append(
                    Diagnostic(
                        .warning, "the pattern '\(pattern)' is malformed and matches nothing", at: package.location))
            }
            for (path, file) in matches(glob, segments) {
                guard file.isRegular else {
                    result.diagnostics.append(
                        Diagnostic(
                            .error, "the source \(path) is not a file",
                            at: package.location, remedy: "remove it or exclude it from '\(pattern)'"))
                    continue
                }
                chosen[path] = Found(path: path, isLink: file.isLink, isImplicit: false)
            }
        }
        for pattern in package.patterns { add(pattern) }
        for path in implicitSources(of: package, component: component) where chosen[path] == nil {
            let place = path.hasPrefix("/") ? FilePath(path) : root.appending(path)
            let own = try? Files.status(place, followingLinks: false)
            let status = own?.kind == .link ? try? Files.status(place) : own
            guard let own, status?.kind == .regular else {
                result.diagnostics.append(
                    Diagnostic(
                        .error, "\(package.name) needs the file \(path), which does not exist", at: package.location,
                        remedy: "add it or correct the package's config"))
                continue
            }
            chosen[path] = Found(path: path, isLink: own.kind == .link, isImplicit: true)
        }
        if let variant {
            for pattern in variant.include { add(pattern) }
            for pattern in variant.exclude {
                for (path, _) in matches(Glob(pattern), segments) { chosen[path] = nil }
            }
        }
        result.sources = chosen.values.sorted { Files.isOrderedByBytes($0.path, $1.path) }
        return result
    }

    private func matches(_ glob: Glob, _ component: [[UInt8]]) -> [(path: String, file: WorkspaceTree.File)] {
        tree.files(matching: glob, below: component).map { found in
            let directory = tree.directories[found.directory]
            let file = directory.files[found.file]
            let name = String(decoding: file.name, as: UTF8.self)
            return (directory.path.isEmpty ? name : directory.path + "/" + name, file)
        }
    }

    private func implicitSources(of package: PackageDraft, component: String) -> [String] {
        var out = package.type == .go && hasGoWork ? ["go.work"] : []
        for source in package.config.implicitSources {
            if source.hasPrefix("/") {
                out.append(relative(FilePath(source)))
            } else {
                out.append(relative(root.appending(component).appending(source)))
            }
        }
        return out
    }

    /// A path without `.` and `..`, relative to the root where it is below it.
    private func relative(_ path: FilePath) -> String {
        let clean = path.lexicallyNormalized().string
        let base = root.string == "/" ? "/" : root.string + "/"
        return clean.hasPrefix(base) ? String(clean.dropFirst(base.count)) : clean
    }
}
