internal import Bytes
internal import Graph
internal import Host
internal import SystemPackage

extension WorkspaceLoader {
    /// Files that are hashed again before reading everything is thought to be the simpler way.
    private static let changeLimit = 10_000

    // MARK: - Taking over

    /// The workspace as an earlier load left it, when nothing of what that looked at changed, or nothing but the content
    /// of sources. `nil` whenever there is the slightest doubt.
    func restored() async -> Workspace? {
        guard let keeping = options.keeping, keeping.mayKeep(workspace.arguments),
            let bytes = try? Files.read(keeping.file, limit: WorkspaceSnapshot.byteLimit),
            let snapshot = try? WorkspaceSnapshot(decoding: bytes, identity: identity(keeping))
        else { return nil }
        return try? await restored(snapshot, keeping)
    }

    private func restored(_ kept: WorkspaceSnapshot, _ keeping: WorkspaceOptions.Keeping) async throws -> Workspace? {
        var snapshot = kept
        // Git is asked while files are looked at.
        async let repository = kept.repository == nil ? nil : keeping.identifyRepository()?.name
        guard try tools(keeping, types: snapshot.types, hasScripts: snapshot.hasScripts) == snapshot.tools,
            let comparison = try await snapshot.tree.compare(with: root), comparison.files.count <= Self.changeLimit,
            snapshot.directoryLinks.allSatisfy({ (ToolPath.resolve(root.appending($0))?.string ?? "") == $1 })
        else { return nil }
        guard try await repository == snapshot.repository else { return nil }
        let ignores = WorkspaceTree.Ignores(root: root, text: ignored)
        var workspace = workspace
        if comparison.isSame {
            try workspace.unpack(snapshot.body, files: snapshot.files, ignores: ignores)
            workspace.state = snapshot.state
            workspace.isRestored = true
            return workspace
        }
        let files = snapshot.files
        let read = try await concurrentMap(comparison.files) { try content(of: $0, in: files) }
        var changed: Set<Int> = []
        for file in read {
            guard let file else { return nil }
            guard files[file.number] != file.source else { continue }
            snapshot.files.update(file.number, with: file.source)
            changed.insert(file.number)
        }
        try workspace.unpack(snapshot.body, files: snapshot.files, ignores: ignores)
        if !changed.isEmpty {
            // A changed file may be one that the commit has otherwise.
            guard snapshot.repository == nil, workspace.updateVersions(afterChangesOf: changed) else { return nil }
        }
        workspace.isRestored = true
        if isLittle(comparison, read.compactMap { $0 }) {
            workspace.state = snapshot.state(afterChangesOf: changed)
            return workspace
        }
        if !changed.isEmpty {
            snapshot.body = workspace.packed(sources: [])
            snapshot.state = WorkspaceSnapshot.state(snapshot.files, snapshot.body)
        }
        workspace.state = snapshot.state
        snapshot.tree.renew(comparison.directories + read.compactMap { $0?.change }, began: began)
        try? Files.write(snapshot.encoded, to: keeping.file, mode: 0o600)
        return workspace
    }

    /// Whether looking at all that differs once more, at every load, costs less than writing down everything anew.
    private func isLittle(_ comparison: StatTree.Comparison, _ read: [Reread]) -> Bool {
        read.count + comparison.directories.count <= 32 && read.reduce(0) { $0 + $1.source.size } <= 1 << 20
    }

    /// A source that was hashed again.
    private struct Reread: Sendable {
        var number: Int
        var source: SourceFile
        var change: StatTree.Comparison.Change
    }

    private func content(of file: StatTree.Comparison.File, in table: FileTable) throws -> Reread? {
        guard var source = table[file.number], source.path == file.path else { return nil }
        let (hashes, status) = try Files.contentHashes(
            of: root.appending(file.path), highway: SourceHashing.leewayHasher)
        source.digest = hashes.digest
        source.leewayHash = LeewayHash(hashes.highway)
        source.size = hashes.size
        source.isExecutable = status.isExecutable
        return Reread(number: file.number, source: source, change: file.change.read(with: status))
    }

    // MARK: - Keeping

    /// Keeps what this load saw and made for the next one, if all of it can be compared then.
    mutating func keep(
        _ tree: WorkspaceTree, _ sources: SourceTable, types: Set<PackageType>, _ git: WorkspaceOptions.GitFacts?
    ) async {
        guard let keeping = options.keeping, keeping.mayKeep(workspace.arguments), workspace.errors.isEmpty,
            StatTree.isPossible(at: root), let files = try? await FileTable.make(sources),
            let device = tree.walked.first?.status?.device
        else { return }
        let hasScripts = workspace.components.values.contains { $0.hasScript }
        guard let directories = try? await directories(of: tree, sources, device: device),
            directories.reduce(0, { $0 + $1.numbered }) == files.count,
            let tools = try? tools(keeping, types: types, hasScripts: hasScripts),
            let kept = StatTree(directories.map(\.encoded), device: device)
        else { return }
        var repository: Digest?
        if let git {
            // A link that was not followed may hide what the commit misses.
            let isWalked = Set(tree.walked.map(\.path))
            guard tree.directoryLinks.keys.allSatisfy(isWalked.contains),
                let identity = try? await keeping.identifyRepository(), identity.commit == git.commit
            else { return }
            repository = identity.name
        }
        let snapshot = WorkspaceSnapshot(
            identity: identity(keeping), tools: tools, repository: repository, types: types, hasScripts: hasScripts,
            directoryLinks: tree.directoryLinks, tree: kept, files: files,
            body: workspace.packed(sources: sources.packages))
        let bytes = snapshot.encoded
        guard bytes.count <= WorkspaceSnapshot.byteLimit else { return }
        workspace.state = snapshot.state
        // A workspace on a full disk can still be read.
        try? Files.write(bytes, to: keeping.file, mode: 0o600)
    }

    private static let alwaysRead: Set<String> = ["WORKSPACE.yaml", "WORKSPACE.args.yaml", ".leewayignore"]

    private struct Listed: Sendable {
        var encoded: StatTree.EncodedDirectory
        /// How many sources are in it.
        var numbered = 0
    }

    /// The directories of the walk with the statuses of what was read. A source that no walk comes by, outside the
    /// workspace or below what is ignored, is in none of them.
    private func directories(
        of tree: WorkspaceTree, _ sources: SourceTable, device: UInt64
    ) async throws -> [Listed]? {
        let (statuses, began) = (statuses, began)
        let listed = try await concurrentMap(tree.walked, chunk: 32) { directory -> Listed? in
            guard let status = directory.status else { return nil }
            var whole = StatTree.Directory(path: directory.path, status: status, entries: directory.names)
            let prefix = directory.path.isEmpty ? "" : directory.path + "/"
            var numbered = 0
            for index in whole.entries.indices {
                let path = prefix + String(decoding: whole.entries[index].name, as: UTF8.self)
                let number = sources.numbers[path]
                if number != nil { numbered += 1 }
                if let status = statuses[path] {
                    // A definition, and perhaps a source, too: its content was read right after this status.
                    whole.entries[index].watched = .init(status: status, number: nil)
                } else if let number, case .facts(let facts) = sources.facts[number] {
                    whole.entries[index].watched = .init(status: facts.status, number: number)
                }
            }
            return StatTree.EncodedDirectory(whole, device: device, began: began).map {
                Listed(encoded: $0, numbered: numbered)
            }
        }
        let whole = listed.compactMap { $0 }
        return whole.count == listed.count ? whole : nil
    }

    // MARK: - Identity

    /// Everything that a load depends on beside the files that are compared and the tools.
    private func identity(_ keeping: WorkspaceOptions.Keeping) -> Digest {
        var writer = PackedWriter()
        writer.add(keeping.identity)
        writer.add(root.string)
        writer.add(Int(Machine.effectiveUserID))
        writer.add(options.strictness.rawValue)
        writer.add(options.provenanceKeyID) { $0.add($1) }
        writer.add(options.variant) { $0.add($1) }
        writer.add(workspace.arguments)
        for file in Self.alwaysRead.sorted() { writer.add(workspace.definitionDigests[file]) { $0.add($1) } }
        return .of(writer.bytes)
    }

    /// What the environment manifest and the packages of `BUILD.js` files depend on.
    private func tools(
        _ keeping: WorkspaceOptions.Keeping, types: Set<PackageType>, hasScripts: Bool
    ) throws -> Digest {
        var writer = PackedWriter()
        for probe in EnvironmentManifest.probes(for: types, and: workspace.file.environmentManifest) {
            writer.add(probe.name)
            writer.add(try keeping.identifyProbe(probe))
        }
        if hasScripts { writer.add(try keeping.identifyEngine()) }
        return .of(writer.bytes)
    }
}

extension Workspace {
    /// Computes the versions of packages with changed sources, and of all that depend on them, again; `false` when more
    /// than versions would change.
    mutating func updateVersions(afterChangesOf numbers: Set<Int>) -> Bool {
        guard case .sorted(let sorted) = graph.order() else { return false }
        let changed = order.indices.filter { index in
            packages[order[index]]?.sourceList.holds(any: numbers) ?? false
        }
        let affected = Set(graph.transitiveDependants(of: changed) + changed)
        for number in sorted where affected.contains(number) {
            guard var package = packages[order[number]],
                package.substituted[Substitution.BuiltIn.packageVersion.rawValue] == nil
            else { return false }
            package.leewayDependencies = versionLines(of: package.dependencies)
            var hasher = SHA1Hasher()
            hasher.update(Array(package.leewayManifest.utf8))
            package.leewayVersion = Hex.encode(hasher.finalize())
            packages[package.name] = package
        }
        return true
    }
}
