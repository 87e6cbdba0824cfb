internal import Bytes
internal import Graph
internal import Host

/// A whole load as it is kept between runs: what it looked at, and what came of it (docs/formats/snapshot.md).
///
/// A hint, never the truth: one that is absent, damaged, of another program or of other options is none, and then
/// everything is read.
struct WorkspaceSnapshot {
    /// What the options and the files that are always read have to be.
    var identity: Digest
    /// What tools have to be.
    var tools: Digest
    /// What the repository and its commit have to be, when git was asked.
    var repository: Digest?
    /// Names `files` and `body`.
    var state: Digest
    var types: Set<PackageType>
    var hasScripts: Bool
    /// Links to directories and where they lead to.
    var directoryLinks: [String: String]
    var tree: StatTree
    var files: FileTable
    /// The rest of the workspace, packed.
    var body: [UInt8]

    private static let magic = Array("martsnp1".utf8)
    /// The most bytes that are kept or read.
    static let byteLimit = 1 << 29

    static func state(_ files: FileTable, _ body: [UInt8]) -> Digest {
        Digest.of(Digest.of(files.bytes).bytes + Digest.of(body).bytes)
    }

    /// Names the same with other contents of some files, of which `files` has those that they have now.
    func state(afterChangesOf numbers: Set<Int>) -> Digest {
        if numbers.isEmpty { return state }
        var writer = PackedWriter()
        writer.add(state)
        for number in numbers.sorted() {
            writer.add(number)
            writer.bytes += files.record(number)
        }
        return .of(writer.bytes)
    }

    var encoded: [UInt8] {
        var writer = PackedWriter()
        writer.bytes.reserveCapacity(tree.encoded.count + files.bytes.count + body.count + 4096)
        writer.bytes += Self.magic + [UInt8](repeating: 0, count: 8)
        for digest in [identity, tools, state] { writer.add(digest) }
        writer.add(repository) { $0.add($1) }
        writer.add(types.map(\.rawValue).sorted())
        writer.add(hasScripts)
        writer.add(directoryLinks)
        writer.add(files.count)
        for block in [tree.encoded, files.bytes, body] { writer.add(block) }
        var checksum = PackedWriter()
        checksum.add(fixed: writer.bytes.checksum(from: 16))
        writer.bytes.replaceSubrange(8..<16, with: checksum.bytes)
        return writer.bytes
    }

    init(
        identity: Digest, tools: Digest, repository: Digest?, types: Set<PackageType>, hasScripts: Bool,
        directoryLinks: [String: String],
        tree: StatTree, files: FileTable, body: [UInt8]
    ) {
        self.identity = identity
        self.tools = tools
        self.repository = repository
        self.types = types
        self.hasScripts = hasScripts
        self.directoryLinks = directoryLinks
        self.tree = tree
        self.files = files
        self.body = body
        state = Self.state(files, body)
    }

    /// What it says of directories and files, whatever it is for.
    static func contents(of bytes: [UInt8]) throws(ParseError) -> (tree: StatTree, files: FileTable)? {
        try WorkspaceSnapshot(decoding: bytes, identity: nil).map { ($0.tree, $0.files) }
    }

    /// - Parameter identity: what it has to be for; another one is `nil`. Without one, any does.
    init?(decoding bytes: [UInt8], identity: Digest?) throws(ParseError) {
        guard bytes.starts(with: Self.magic) else { throw ParseError("not a snapshot", at: 0) }
        var reader = PackedReader(bytes)
        _ = try reader.take(Self.magic.count)
        let checksum: UInt64 = try reader.fixed()
        self.identity = try reader.digest()
        guard identity == nil || self.identity == identity else { return nil }
        guard bytes.checksum(from: 16) == checksum else { throw ParseError("the checksum does not match", at: 8) }
        tools = try reader.digest()
        state = try reader.digest()
        repository = try reader.optional { (reader) throws(ParseError) in try reader.digest() }
        types = Set(try reader.array { (reader) throws(ParseError) -> PackageType in try reader.choice() })
        hasScripts = try reader.bool()
        directoryLinks = try reader.table()
        let count = try reader.int()
        tree = try StatTree(decoding: try reader.blob())
        files = try FileTable(decoding: try reader.blob(), count: count)
        body = try reader.blob()
        guard reader.isAtEnd else { throw ParseError("more than a snapshot", at: reader.position) }
    }
}

extension Workspace {
    /// What of the workspace does not follow from `WORKSPACE.yaml`, the arguments and the table of files.
    /// - Parameter sources: the numbers of each package's sources in the table, where they are not from one.
    func packed(sources: [[Int]]) -> [UInt8] {
        var writer = PackedWriter()
        writer.add(order) { $1.pack(into: &$0) }
        for (number, name) in order.enumerated() {
            let own = sources.indices.contains(number) ? sources[number] : []
            packages[name]?.pack(into: &writer, sources: own, packages: numbers)
        }
        writer.add(components.values.sorted { $0.name < $1.name }) { writer, component in
            writer.add(component.name)
            writer.add(component.constants)
            writer.add(component.packages) { $1.pack(into: &$0) }
            writer.add(component.scripts) { $1.pack(into: &$0) }
            component.location.pack(into: &writer)
            writer.add(component.hasScript)
        }
        writer.add(scripts.values.sorted { $0.name < $1.name }) { writer, script in
            script.name.pack(into: &writer)
            writer.add(script.description)
            writer.add(script.dependencies) { $1.pack(into: &$0) }
            writer.add(script.environment)
            writer.add(script.workingDirectory.rawValue)
            writer.add(script.text)
            script.location.pack(into: &writer)
            writer.add(script.unresolved)
        }
        writer.add(diagnostics) { writer, diagnostic in
            writer.add(diagnostic.severity.rawValue)
            writer.add(diagnostic.message)
            diagnostic.location.pack(into: &writer)
            writer.add(diagnostic.remedy)
        }
        writer.add(environmentManifest.values)
        writer.add(definitionFiles)
        writer.add(definitionDigests.sorted { $0.key < $1.key }) { writer, entry in
            writer.add(entry.key)
            writer.add(entry.value)
        }
        return writer.bytes
    }

    /// Takes over what `packed` gave, with the sources that `files` has.
    mutating func unpack(
        _ bytes: [UInt8], files: FileTable, ignores: WorkspaceTree.Ignores
    ) throws(ParseError) {
        var reader = PackedReader(bytes)
        order = try reader.array { (reader) throws(ParseError) in try PackageName(from: &reader) }
        for (number, name) in order.enumerated() { numbers[name] = number }
        packages.reserveCapacity(order.count)
        var edges: [[Int]] = []
        for name in order {
            let package = try Package(from: &reader, files: files, names: order, ignores: ignores)
            guard package.name == name else { throw ParseError("another package than is due", at: reader.position) }
            edges.append(package.dependencies.compactMap { numbers[$0] })
            packages[name] = package
        }
        graph = Graph(dependencies: edges)
        for name in order {
            let lines = versionLines(of: packages[name]?.dependencies ?? [])
            packages[name]?.leewayDependencies = lines
        }
        for _ in 0..<(try reader.count()) {
            let component = Component(
                name: try reader.string(), constants: try reader.table(),
                packages: try reader.array { (reader) throws(ParseError) in try PackageName(from: &reader) },
                scripts: try reader.array { (reader) throws(ParseError) in try PackageName(from: &reader) },
                location: try SourceLocation(from: &reader), hasScript: try reader.bool())
            components[component.name] = component
        }
        for _ in 0..<(try reader.count()) {
            let script = try Script(from: &reader)
            scripts[script.name] = script
        }
        diagnostics = try reader.array { (reader) throws(ParseError) in
            let severity: Diagnostic.Severity = try reader.choice()
            let message = try reader.string()
            let location = try SourceLocation(from: &reader)
            return Diagnostic(severity, message, at: location, remedy: try reader.string())
        }
        environmentManifest = EnvironmentManifest(values: try reader.table())
        definitionFiles = try reader.strings()
        definitionDigests = [:]
        for _ in 0..<(try reader.count()) {
            let file = try reader.string()
            definitionDigests[file] = try reader.digest()
        }
        guard reader.isAtEnd else { throw ParseError("more than a workspace", at: reader.position) }
    }

    /// What the Leeway manifest of a package has of its dependencies.
    func versionLines(of dependencies: [PackageName]) -> String {
        var text = ""
        for name in dependencies { text += "\(name).\(packages[name]?.leewayVersion ?? "")\n" }
        return text
    }
}

extension Script {
    init(from reader: inout PackedReader) throws(ParseError) {
        let name = try PackageName(from: &reader)
        let description = try reader.string()
        let dependencies = try reader.array { (reader) throws(ParseError) in try PackageName(from: &reader) }
        let environment = try reader.strings()
        let workingDirectory: WorkingDirectory = try reader.choice()
        self.init(
            name: name, description: description, dependencies: dependencies, environment: environment,
            workingDirectory: workingDirectory, text: try reader.string(),
            location: try SourceLocation(from: &reader), unresolved: try reader.strings())
    }
}
