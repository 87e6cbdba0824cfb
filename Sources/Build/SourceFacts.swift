internal import Attest
internal import Bytes
internal import Git
internal import Host
internal import Synchronization
internal import SystemPackage
internal import Workspace

/// What git says of a workspace's files, for provenance: the commit, and which inputs are not as it has them.
package struct SourceFacts: Sendable {
    private static let linkLimit = 40

    private let root: FilePath
    private let repository: GitRepository?
    private let tree: GitTree?
    private let blobs: BlobIndex
    private let plain = PlainDirectories()
    private let defining = DefiningInputs()
    /// Files of the commit, relative to the workspace, that are not there.
    private let missing: [String]
    /// What the files that define the workspace were when it was loaded.
    private let definitions: [String: Digest]

    /// Asks git about the workspace at `root`. Without a repository, or before its first commit, every input is
    /// recorded by itself.
    /// - Parameter definitions: the digests of the files that define the workspace, as they were read.
    /// - Parameter isNamed: whether `origin` and the reference are wanted, which nothing but statements need.
    /// - Parameter isThere: knows of some files that they are there, so that they need not be looked for.
    init(
        of root: FilePath, blobs: BlobIndex, definitions: [String: Digest] = [:], isNamed: Bool = true,
        isThere: @escaping (String) -> Bool = { _ in false }
    ) async throws {
        self.root = root
        self.blobs = blobs
        self.definitions = definitions
        do {
            repository = try await GitRepository.find(at: root, isNamed: isNamed)
        } catch let error as HostError where error.code == .notFound {
            repository = nil
        }
        guard let repository, let head = repository.head else {
            (tree, missing) = (nil, [])
            return
        }
        let tree = try await repository.tree(of: head)
        self.tree = tree
        let directory = try OpenDirectory(root)
        missing = tree.changes(
            of: [], in: repository.directory,
            expected: { !isThere($0) && (try? directory.status($0, followingLinks: false)) == .some(nil) }
        ).map(\.path)
    }

    /// The commit in hexadecimal, where there is one.
    package var commit: String? { repository?.head?.id.hex }

    /// What statements about uncommitted inputs rest on beside the inputs themselves: the commit, and the files that
    /// define the workspace. In another state they may be clean.
    var state: Digest { Self.state(commit: commit, definitions: definitions) }

    static func state(commit: String?, definitions: [String: Digest]) -> Digest {
        let lines = definitions.sorted { $0.key < $1.key }.map { "\($0.value.hex) \($0.key)\n" }
        return .of("commit \(commit ?? "none")\n" + lines.joined())
    }

    /// The URL of the remote called `origin`, without credentials.
    var origin: String? { repository?.origin }

    /// Names what `isChanged` depends on beside the files below `root`; `nil` when that can't be told by one process,
    /// or where submodules have commits of their own.
    static func identity(at root: FilePath) async throws -> (name: Digest, commit: String?)? {
        guard let place = try await GitRepository.place(of: root),
            try !Files.exists(place.root.appending(".gitmodules"))
        else { return nil }
        return (.of("\(place.commit.hex) \(place.directory) \(place.root)"), place.commit.hex)
    }

    /// The repository and commit for a statement.
    var source: ProvenanceFacts.Source? {
        guard let repository, let head = repository.head else { return nil }
        return .init(
            origin: repository.origin, commit: head.id.hex, ref: repository.ref, directory: repository.directory)
    }

    /// The inputs of `package` that the commit does not have as they are: by their bytes, whatever `git status` says.
    func changedInputs(of package: Package) async throws -> [ProvenanceFacts.ChangedInput] {
        let paths = try paths(of: package)
        guard let repository, let tree else {
            let sources = digests(of: package)
            return try paths.map { path in
                let known = sources[path] ?? definitions[path]
                return .init(
                    path: path, digest: try known ?? Files.digest(of: root.appending(path)).digest, reason: "untracked")
            }
        }
        let inputs = try gitInputs(of: package, paths, format: repository.format)
        let changes = try await repository.changes(of: inputs, from: tree) + deleted(from: package)
        guard !changes.isEmpty else { return [] }
        let sources = digests(of: package)
        return try changes.map { change in
            let path = root.appending(change.path)
            let known = sources[change.path] ?? definitions[change.path]
            let digest = try known ?? (Files.status(path)?.kind == .regular ? Files.digest(of: path).digest : nil)
            return .init(path: change.path, digest: digest, reason: change.reason.rawValue)
        }
    }

    private func digests(of package: Package) -> [String: Digest] {
        Dictionary(package.sources.map { ($0.path, $0.digest) }, uniquingKeysWith: { $1 })
    }

    /// Whether any input of `package` differs from the commit; `true` when that can't be told.
    func isChanged(_ package: Package) -> Bool {
        guard let repository, let tree, let paths = try? paths(of: package) else { return true }
        guard let inputs = try? gitInputs(of: package, paths, format: repository.format) else { return true }
        return !tree.changes(of: inputs, in: repository.directory).isEmpty || !deleted(from: package).isEmpty
    }

    /// The package's sources, and the files of the workspace and its component that say how it is built.
    private func paths(of package: Package) throws -> [String] {
        var paths = Set(package.sources.map(\.path))
        for file in Self.definitionFiles(of: package) where try defining.exists(file, below: root) {
            paths.insert(file)
        }
        return paths.sorted()
    }

    /// What git should have for each of a package's paths. Sources are taken as they were when the workspace was read,
    /// which is what the package is built from; only one whose content git's name is not known for is read again.
    private func gitInputs(of package: Package, _ paths: [String], format: GitObjectFormat) throws -> [GitInput] {
        let sources = Dictionary(package.sources.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
        var inputs: [GitInput] = []
        inputs.reserveCapacity(paths.count)
        var place = PlainDirectories.Place()
        for path in paths {
            guard let source = sources[path], source.linkTarget == nil, plain.holds(path, below: root, &place) else {
                if let digest = definitions[path] {
                    inputs += try defining.inputs(path) { try gitInputs(path, expecting: digest, format: format) }
                } else {
                    inputs += try gitInputs(path, expecting: sources[path]?.digest, format: format)
                }
                continue
            }
            inputs.append(
                GitInput(
                    path: path, kind: .file(isExecutable: source.isExecutable),
                    id: try blobName(of: source, format: format)))
        }
        return inputs
    }

    private func blobName(of source: SourceFile, format: GitObjectFormat) throws -> GitObjectID {
        if let known = blobs.name(of: source.digest, format) { return known }
        let content = try Files.read(root.appending(source.path), limit: 4 << 30)
        guard Digest.of(content) == source.digest else {
            throw BuildError(.changed, "\(source.path) changed while the build ran; build again")
        }
        let name = format.blobID(of: content)
        blobs.remember(name, of: source.digest, format)
        return name
    }

    private static func definitionFiles(of package: Package) -> [String] {
        let component = package.name.component == "//" ? "" : package.name.component + "/"
        return [
            "WORKSPACE.yaml", "WORKSPACE.args.yaml", ".leewayignore", component + "BUILD.yaml", component + "BUILD.js",
        ]
    }

    /// Files of the commit that would be inputs of `package` if they were there.
    private func deleted(from package: Package) -> [GitChange] {
        guard !missing.isEmpty else { return [] }
        let definitions = Set(Self.definitionFiles(of: package))
        return missing.filter { definitions.contains($0) || package.patterns.matches($0) }
            .map { GitChange(path: $0, reason: .deleted) }
    }

    /// What git should have for a path: the file, or each link on the way to it and the file that it ends at.
    ///
    /// A file that is no longer what the build was made from is an error: a file that is put back after it was built
    /// must not pass for the commit's.
    private func gitInputs(
        _ path: String, expecting digest: Digest?, format: GitObjectFormat, depth: Int = 0
    ) throws -> [GitInput] {
        guard depth < Self.linkLimit else { throw BuildError(.configuration, "\(path) goes through too many links") }
        var inputs: [GitInput] = []
        var place = root
        var relative = ""
        for component in path.split(separator: "/") {
            place.append(String(component))
            relative += (relative.isEmpty ? "" : "/") + component
            guard let status = try Files.status(place, followingLinks: false) else {
                throw BuildError(.changed, "\(path) is gone; build again")
            }
            guard status.kind == .link else { continue }
            let target = try Files.readLink(place)
            inputs.append(GitInput(path: relative, kind: .link, id: format.blobID(of: Array(target.utf8))))
            let end = place.removingLastComponent().pushing(FilePath(target)).lexicallyNormalized()
            let rest = path.dropFirst(relative.count)
            guard end.starts(with: root), let inside = Self.relative(end, to: root) else {
                // A file outside the workspace is nobody's commit.
                return inputs + [GitInput(path: path, kind: .file(isExecutable: false), id: format.blobID(of: []))]
            }
            return inputs + (try gitInputs(inside + rest, expecting: digest, format: format, depth: depth + 1))
        }
        guard let status = try Files.status(place) else { return inputs }
        let content = try Files.read(place, limit: 4 << 30)
        guard digest == nil || digest == .of(content) else {
            throw BuildError(.changed, "\(path) changed while the build ran; build again")
        }
        return inputs + [
            GitInput(path: path, kind: .file(isExecutable: status.isExecutable), id: format.blobID(of: content))
        ]
    }

    private static func relative(_ path: FilePath, to root: FilePath) -> String? {
        var path = path
        return path.removePrefix(root) ? path.string : nil
    }
}

/// Remembers which directories are reached through no symbolic link.
private final class PlainDirectories: Sendable {
    /// By path relative to the workspace. The lock guards the table only.
    private let known = Mutex<[String: Bool]>([:])

    /// The directory that was asked for last, which the next path is mostly in, too.
    struct Place {
        fileprivate var prefix: Substring.UTF8View?
        fileprivate var answer = false
    }

    /// The same as without a place, which sorted paths find their answer in.
    func holds(_ path: String, below root: FilePath, _ place: inout Place) -> Bool {
        if path.utf8.first == UInt8(ascii: "/") { return false }
        let end = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
        let prefix = path.utf8[..<end]
        if let known = place.prefix, known.elementsEqual(prefix) { return place.answer }
        place = Place(prefix: prefix, answer: holds(path, below: root))
        return place.answer
    }

    /// Whether no directory on the way from `root` to `path`, a relative one, is a symbolic link.
    func holds(_ path: String, below root: FilePath) -> Bool {
        if path.utf8.first == UInt8(ascii: "/") { return false }
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return true }
        let directory = String(path[..<slash])
        if let answer = known.withLock({ $0[directory] }) { return answer }
        let status = try? Files.status(root.appending(directory), followingLinks: false)
        let answer = status?.kind == .directory && holds(directory, below: root)
        known.withLock { $0[directory] = answer }
        return answer
    }
}

/// Remembers what git should have for the files that define a workspace, which are inputs of many packages: each is
/// compared once with what was read of it.
private final class DefiningInputs: Sendable {
    /// By path relative to the workspace. The lock guards the table only.
    private let known = Mutex<[String: [GitInput]]>([:])
    /// As above.
    private let existing = Mutex<[String: Bool]>([:])

    /// Whether `path` is there below `root`, asked once.
    func exists(_ path: String, below root: FilePath) throws -> Bool {
        if let answer = existing.withLock({ $0[path] }) { return answer }
        let answer = try Files.exists(root.appending(path))
        existing.withLock { $0[path] = answer }
        return answer
    }

    func inputs(_ path: String, _ find: () throws -> [GitInput]) throws -> [GitInput] {
        if let inputs = known.withLock({ $0[path] }) { return inputs }
        let inputs = try find()
        known.withLock { $0[path] = inputs }
        return inputs
    }
}
