internal import Bytes

extension Package {
    /// - Parameter read: the numbers of the sources in the table of all, where they are not from one.
    func pack(into writer: inout PackedWriter, sources read: [Int], packages: [PackageName: Int]) {
        name.pack(into: &writer)
        writer.add(type.rawValue)
        location.pack(into: &writer)
        switch sourceList {
        case .kept(_, let numbers): writer.add(numbers) { $0.add(fixed: $1) }
        case .read(let files):
            writer.add(Array(zip(files, read))) { writer, source in
                let number = UInt32(source.1)
                writer.add(fixed: source.0.isImplicit ? number | SourceList.implicit : number)
            }
        }
        patterns.pack(into: &writer)
        // By number, in the order of the names: most of what a large workspace says.
        writer.add(dependencies) { $0.add(packages[$1] ?? 0) }
        writer.add(layout.sorted { $0.key < $1.key }) { writer, entry in
            writer.add(packages[entry.key] ?? 0)
            writer.add(entry.value)
        }
        writer.add(argumentDependencies)
        writer.add(environment)
        writer.add(isEphemeral)
        writer.add(prep)
        config.pack(into: &writer)
        settings.pack(into: &writer)
        writer.add(substituted)
        writer.add(unresolved)
        writer.add(definition)
        writer.add(leewayHeader)
        writer.add(leewayVersion)
    }

    init(
        from reader: inout PackedReader, files: FileTable, names: [PackageName], ignores: WorkspaceTree.Ignores
    ) throws(ParseError) {
        func package(_ reader: inout PackedReader) throws(ParseError) -> PackageName {
            let start = reader.position
            let number = try reader.int()
            guard names.indices.contains(number) else { throw ParseError("an unknown package", at: start) }
            return names[number]
        }
        let name = try PackageName(from: &reader)
        let type: PackageType = try reader.choice()
        let location = try SourceLocation(from: &reader)
        let start = reader.position
        let numbers = try reader.array { (reader) throws(ParseError) -> UInt32 in try reader.fixed() }
        guard numbers.allSatisfy({ Int($0 & ~SourceList.implicit) < files.count }) else {
            throw ParseError("a source that is not in the table", at: start)
        }
        let patterns = try SourcePatterns(from: &reader, ignores: ignores)
        let dependencies = try reader.array(package)
        var layout: [PackageName: String] = [:]
        for _ in 0..<(try reader.count()) {
            let dependency = try package(&reader)
            layout[dependency] = try reader.string()
        }
        self.init(
            name: name, type: type, location: location, sources: [], dependencies: dependencies, layout: layout,
            argumentDependencies: try reader.strings(), environment: try reader.strings(),
            isEphemeral: try reader.bool(), prep: try reader.commands(), config: try PackageConfig(from: &reader),
            settings: try PackageSettings(from: &reader), substituted: try reader.table(),
            unresolved: try reader.strings(), definition: try reader.blob(), leewayHeader: try reader.string(),
            leewayVersion: try reader.string())
        sourceList = .kept(files, numbers)
        self.patterns = patterns
    }
}

extension PackageName {
    func pack(into writer: inout PackedWriter) {
        writer.add(component)
        writer.add(name)
    }

    init(from reader: inout PackedReader) throws(ParseError) {
        self.init(component: try reader.string(), name: try reader.string())
    }
}

extension SourceLocation {
    func pack(into writer: inout PackedWriter) {
        writer.add(file)
        writer.add(line)
    }

    init(from reader: inout PackedReader) throws(ParseError) {
        self.init(file: try reader.string(), line: try reader.int())
    }
}

extension PackageSettings {
    func pack(into writer: inout PackedWriter) {
        writer.add(fetch)
        for list in [tools, toolRoots, passEnvironment, outputs] { writer.add(list) }
        for limit in [timeLimit, memoryLimit, processLimit] { writer.add(limit) { $0.add($1) } }
    }

    init(from reader: inout PackedReader) throws(ParseError) {
        self.init()
        fetch = try reader.commands()
        tools = try reader.strings()
        toolRoots = try reader.strings()
        passEnvironment = try reader.strings()
        outputs = try reader.strings()
        timeLimit = try reader.optional { (reader) throws(ParseError) in try reader.int() }
        memoryLimit = try reader.optional { (reader) throws(ParseError) in try reader.int() }
        processLimit = try reader.optional { (reader) throws(ParseError) in try reader.int() }
    }
}

extension PackageConfig {
    func pack(into writer: inout PackedWriter) {
        switch self {
        case .generic(let config):
            writer.add(PackageType.generic.rawValue)
            writer.add(config.commands)
            writer.add(config.test)
            writer.add(config.dontTest)
        case .go(let config):
            writer.add(PackageType.go.rawValue)
            writer.add(config.packaging.rawValue)
            for flag in [config.generate, config.dontTest, config.dontCheckGoFmt, config.dontLint] { writer.add(flag) }
            for list in [config.buildFlags, config.buildCommand, config.lintCommand] { writer.add(list) }
            writer.add(config.goVersion)
            writer.add(config.goMod)
        case .yarn(let config):
            writer.add(PackageType.yarn.rawValue)
            writer.add(config.yarnLock)
            writer.add(config.tsconfig)
            writer.add(config.packaging.rawValue)
            writer.add(config.dontTest)
            for list in [config.install, config.build, config.test] { writer.add(list) }
        case .docker(let config):
            writer.add(PackageType.docker.rawValue)
            writer.add(config.dockerfile)
            writer.add(config.image)
            writer.add(config.buildArgs)
            writer.add(config.squash)
            writer.add(config.metadata)
            writer.add(config.exportToCache) { $0.add($1) }
        case .image(let config):
            writer.add(PackageType.image.rawValue)
            for text in [config.definition, config.lock, config.compression.rawValue, config.provenance] {
                writer.add(text)
            }
        case .swift(let config):
            writer.add(PackageType.swift.rawValue)
            writer.add(config.configuration.rawValue)
            writer.add(config.products)
            writer.add(config.dontTest)
            writer.add(config.buildFlags)
        }
    }

    init(from reader: inout PackedReader) throws(ParseError) {
        let type: PackageType = try reader.choice()
        switch type {
        case .generic:
            var config = GenericConfig()
            config.commands = try reader.commands()
            config.test = try reader.commands()
            config.dontTest = try reader.bool()
            self = .generic(config)
        case .go:
            var config = GoConfig()
            config.packaging = try reader.choice()
            config.generate = try reader.bool()
            config.dontTest = try reader.bool()
            config.dontCheckGoFmt = try reader.bool()
            config.dontLint = try reader.bool()
            config.buildFlags = try reader.strings()
            config.buildCommand = try reader.strings()
            config.lintCommand = try reader.strings()
            config.goVersion = try reader.string()
            config.goMod = try reader.string()
            self = .go(config)
        case .yarn:
            var config = YarnConfig()
            config.yarnLock = try reader.string()
            config.tsconfig = try reader.string()
            config.packaging = try reader.choice()
            config.dontTest = try reader.bool()
            config.install = try reader.strings()
            config.build = try reader.strings()
            config.test = try reader.strings()
            self = .yarn(config)
        case .docker:
            var config = DockerConfig()
            config.dockerfile = try reader.string()
            config.image = try reader.strings()
            config.buildArgs = try reader.table()
            config.squash = try reader.bool()
            config.metadata = try reader.table()
            config.exportToCache = try reader.optional { (reader) throws(ParseError) in try reader.bool() }
            self = .docker(config)
        case .image:
            var config = ImageConfig()
            config.definition = try reader.string()
            config.lock = try reader.string()
            config.compression = try reader.choice()
            config.provenance = try reader.string()
            self = .image(config)
        case .swift:
            var config = SwiftConfig()
            config.configuration = try reader.choice()
            config.products = try reader.strings()
            config.dontTest = try reader.bool()
            config.buildFlags = try reader.strings()
            self = .swift(config)
        }
    }
}
