package import Attest
internal import Bytes
internal import Host
internal import Image
internal import Inventory
internal import Sandbox
internal import SystemPackage
internal import Workspace

/// Writes the provenance of what is built: martlet's own observations, never a step's.
package struct Witness: Sendable {
    private let root: FilePath
    var source: SourceFactsMemory
    package var program: MartletProgram
    package var variant: String?
    package var environment: [String: String]
    /// How martlet was called; secrets are taken out of it before it goes into a statement.
    package var commandLine: [String]
    package var redactor: Redactor
    /// The service that this is a build of.
    var service: ProvenanceFacts.Service?

    init(
        root: FilePath, source: SourceFactsMemory, program: MartletProgram, variant: String?,
        environment: [String: String], commandLine: [String], redactor: Redactor
    ) {
        self.root = root
        self.source = source
        self.program = program
        self.variant = variant
        self.environment = environment
        self.commandLine = commandLine
        self.redactor = redactor
    }

    /// What is said of one package's build.
    struct Testimony: Sendable {
        /// The in-toto statement in each shape, as the bytes to be signed.
        var statements: [ProvenanceFormat: [UInt8]]
        /// Whether the commit has every input as it was.
        var isCommitted: Bool
        /// The state of the repository that was looked at.
        var state: Digest
    }

    /// Testifies to one package's build.
    func testimony(
        about result: PackageBuild.Result, package: Package, recipe: Recipe, toolchain: Toolchain,
        dependencies: [PackageName: BuiltPackage]
    ) async throws -> Testimony {
        let built = result.built
        var facts = ProvenanceFacts(
            packageName: package.name.description, packageType: package.type.rawValue, actionKey: built.key,
            inputs: built.inputTree, inputCount: package.sourceCount, sandbox: Self.sandbox(of: built, recipe),
            builder: .init(version: MartletProgram.version, digest: program.digest))
        facts.subjects = [Subject(name: package.name.description, digest: ["sha256": built.artifact.hex])]
        facts.subjects += result.outputs.map { Subject(name: $0.path, digest: ["sha256": $0.digest.hex]) }
        facts.subjects += result.images.map {
            Subject(name: $0.name, digest: [$0.digest.algorithm.rawValue: $0.digest.hex])
        }
        facts.archive = try archiveState(of: package)
        facts.variant = variant
        facts.arguments = package.substituted
        facts.configuration = package.config.json
        facts.leewayVersion = package.leewayVersion
        facts.environment = environment
        facts.platform = "\(Machine.operatingSystem)/\(Machine.architecture)"
        let source = try await source.facts()
        facts.source = source.source
        facts.changedInputs = try await source.changedInputs(of: package)
        facts.dependencies = built.dependencies.map { reference in
            let dependency = dependencies[reference.package]
            var resource = ProvenanceFacts.Resource(
                name: reference.package.description, digest: dependency?.artifact)
            resource.archive = dependency?.imported?.archive
            return resource
        }
        facts.tools = toolchain.tools.values.map { tool in .init(name: tool.name, digest: tool.digest) }
        facts.fetched = built.fetched.map { .init(name: $0.path, uri: "martlet:fetched/\($0.path)", digest: $0.digest) }
        facts.locked = lockedPackages(of: package)
        facts.service = service
        facts.metadata = Provenance.Metadata(
            invocationID: service?.invocationID ?? built.key.hex, startedOn: Timestamp(seconds: Int64(built.startedOn)),
            finishedOn: Timestamp(seconds: Int64(built.finishedOn)))
        facts.redactor = redactor
        return Testimony(
            statements: [
                .slsa: facts.statement.payload,
                .leeway: LeewayProvenance(facts, commandLine: commandLine).envelope.payload,
            ],
            isCommitted: facts.source != nil && facts.changedInputs.isEmpty, state: source.state)
    }

    /// The packages that lock files among a package's sources name, with the digests that they give.
    ///
    /// A lock file that can't be read, or is not the one that was built with, names none here: it stays an input, and
    /// `sbom export` says what is wrong with it.
    private func lockedPackages(of package: Package) -> [ProvenanceFacts.LockedPackage] {
        var found = FoundFiles()
        for source in package.sources where LockFile.Kind(path: source.path) != nil {
            guard let bytes = try? Files.read(root.pushing(FilePath(source.path)), limit: LockFile.byteLimit),
                Digest.of(bytes) == source.digest
            else { continue }
            try? found.add(source.path, bytes)
        }
        guard let bill = try? found.bill(of: .init(name: package.name.description)) else { return [] }
        return bill.components.compactMap { component in
            let digest = component.digestSet
            return digest.isEmpty ? nil : .init(uri: component.purl.description, digest: digest)
        }
    }

    /// The signed state of the archives that an image's packages are from, and those packages.
    private func archiveState(of package: Package) throws -> [ResourceDescriptor] {
        guard case .image(let config) = package.config, !config.lock.isEmpty else { return [] }
        let component = package.name.component == "//" ? root : root.appending(package.name.component)
        let bytes = try Files.read(component.appending(config.lock), limit: ImageLock.byteLimit)
        guard package.sources.contains(where: { $0.digest == Digest.of(bytes) }) else {
            throw BuildError(.changed, "\(config.lock) changed while the build ran; build again", package: package.name)
        }
        let lock = try ImageLock(parsing: bytes)
        let definition = try ImageDefinition.load(component.appending(config.definition))
        return lock.resolvedDependencies(
            keyrings: definition.archives.map(\.keyringText), packages: lock.allPackages,
            packageRole: MartletBuild.Role.debian.rawValue)
    }

    /// A package is as well kept apart as its least well kept step.
    private static func sandbox(of built: BuiltPackage, _ recipe: Recipe) -> String {
        for step in recipe.steps { if case .imageBuilder = step.runner { return "image-builder" } }
        return built.sandbox.rawValue
    }
}
