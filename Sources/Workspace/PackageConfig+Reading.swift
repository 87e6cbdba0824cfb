extension PackageConfig {
    /// Reads `config` of a package or a variant, with the defaults that Leeway fills in.
    static func read(_ node: YAMLNode?, type: PackageType, from reader: inout YAMLReader) -> PackageConfig {
        let node = node ?? YAMLNode(kind: .scalar)
        switch type {
        case .generic: return .generic(GenericConfig(node, &reader))
        case .go: return .go(GoConfig(node, &reader))
        case .yarn: return .yarn(YarnConfig(node, &reader))
        case .docker: return .docker(DockerConfig(node, &reader))
        case .image: return .image(ImageConfig(node, &reader))
        case .swift: return .swift(SwiftConfig(node, &reader))
        }
    }

    /// The files that the package type adds to a package's sources, relative to its component.
    var implicitSources: [String] {
        switch self {
        case .generic: []
        case .go(let config):
            config.goMod.isEmpty ? [] : [config.goMod, String(config.goMod.dropLast(4)) + ".sum"]
        case .yarn(let config): [config.yarnLock, config.tsconfig].filter { !$0.isEmpty }
        case .docker(let config): [config.dockerfile]
        case .image(let config): [config.definition, config.lock].filter { !$0.isEmpty }
        case .swift: []
        }
    }

    /// Fills what is empty with the values of a variant.
    mutating func fill(from other: PackageConfig) {
        switch (self, other) {
        case (.generic(var own), .generic(let other)):
            own.fill(from: other)
            self = .generic(own)
        case (.go(var own), .go(let other)):
            own.fill(from: other)
            self = .go(own)
        case (.yarn(var own), .yarn(let other)):
            own.fill(from: other)
            self = .yarn(own)
        case (.docker(var own), .docker(let other)):
            own.fill(from: other)
            self = .docker(own)
        case (.image(var own), .image(let other)):
            own.fill(from: other)
            self = .image(own)
        case (.swift(var own), .swift(let other)):
            own.fill(from: other)
            self = .swift(own)
        default: break
        }
    }
}

/// Gives `own` the other value when it is empty; true counts as more than false.
private func fillEmpty(_ own: inout Bool, _ other: Bool) { own = own || other }
private func fillEmpty(_ own: inout String, _ other: String) { if own.isEmpty { own = other } }
private func fillEmpty<Item>(_ own: inout [Item], _ other: [Item]) { if own.isEmpty { own = other } }
private func fillEmpty(_ own: inout [String: String], _ other: [String: String]) {
    own.merge(other) { mine, theirs in mine.isEmpty ? theirs : mine }
}

extension GenericConfig {
    fileprivate init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(node, "config") ?? [] {
            switch key {
            case "commands": commands = reader.commands(value, key)
            case "test": test = reader.commands(value, key)
            case "dontTest": dontTest = reader.bool(value, key)
            default:
                reader.reportUnknown(
                    key, at: keyNode, in: "config of a generic package", known: ["commands", "test", "dontTest"])
            }
        }
    }

    fileprivate mutating func fill(from other: GenericConfig) {
        fillEmpty(&commands, other.commands)
        fillEmpty(&test, other.test)
        fillEmpty(&dontTest, other.dontTest)
    }
}

extension GoConfig {
    fileprivate init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(node, "config") ?? [] {
            switch key {
            case "packaging":
                let text = reader.string(value, key)
                if let known = Packaging(rawValue: text) {
                    packaging = known
                } else if !text.isEmpty {
                    reader.report(.error, "unknown packaging '\(text)'", at: value, remedy: "use app or library")
                }
            case "generate": generate = reader.bool(value, key)
            case "dontTest": dontTest = reader.bool(value, key)
            case "dontCheckGoFmt": dontCheckGoFmt = reader.bool(value, key)
            case "dontLint": dontLint = reader.bool(value, key)
            case "buildFlags": buildFlags = reader.strings(value, key)
            case "buildCommand": buildCommand = reader.strings(value, key)
            case "lintCommand": lintCommand = reader.strings(value, key)
            case "goVersion": goVersion = reader.string(value, key)
            case "goMod": goMod = reader.string(value, key)
            default:
                reader.reportUnknown(
                    key, at: keyNode, in: "config of a go package",
                    known: [
                        "packaging", "generate", "dontTest", "dontCheckGoFmt", "dontLint", "buildFlags",
                        "buildCommand", "lintCommand", "goVersion", "goMod",
                    ])
            }
        }
        if !buildCommand.isEmpty, !buildFlags.isEmpty || !goVersion.isEmpty {
            let other = buildFlags.isEmpty ? "goVersion" : "buildFlags"
            reader.report(.error, "buildCommand and \(other) exclude each other", at: node, remedy: "use one of them")
        }
        if goMod.hasPrefix("/") {
            reader.report(.error, "goMod has to be relative to the component", at: node)
        } else if !goMod.isEmpty, !goMod.hasSuffix(".mod") {
            reader.report(.error, "goMod has to end with .mod", at: node)
        }
    }

    fileprivate mutating func fill(from other: GoConfig) {
        fillEmpty(&generate, other.generate)
        fillEmpty(&dontTest, other.dontTest)
        fillEmpty(&dontCheckGoFmt, other.dontCheckGoFmt)
        fillEmpty(&dontLint, other.dontLint)
        fillEmpty(&buildFlags, other.buildFlags)
        fillEmpty(&buildCommand, other.buildCommand)
        fillEmpty(&lintCommand, other.lintCommand)
        fillEmpty(&goVersion, other.goVersion)
        fillEmpty(&goMod, other.goMod)
    }
}

extension YarnConfig {
    fileprivate init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(node, "config") ?? [] {
            switch key {
            case "yarnLock": yarnLock = reader.string(value, key)
            case "tsconfig": tsconfig = reader.string(value, key)
            case "packaging":
                let text = reader.string(value, key)
                if let known = Packaging(rawValue: text) {
                    packaging = known
                } else if !text.isEmpty {
                    reader.report(
                        .error, "unknown packaging '\(text)'", at: value,
                        remedy: "use app, library, archive or offline-mirror")
                }
            case "dontTest": dontTest = reader.bool(value, key)
            case "commands":
                for (name, command, nameNode) in reader.fields(value, key) ?? [] {
                    switch name {
                    case "install": install = reader.strings(command, name)
                    case "build": build = reader.strings(command, name)
                    case "test": test = reader.strings(command, name)
                    default:
                        reader.reportUnknown(
                            name, at: nameNode, in: "commands of a yarn package", known: ["install", "build", "test"])
                    }
                }
            default:
                reader.reportUnknown(
                    key, at: keyNode, in: "config of a yarn package",
                    known: ["yarnLock", "tsconfig", "packaging", "dontTest", "commands"])
            }
        }
    }

    fileprivate mutating func fill(from other: YarnConfig) {
        fillEmpty(&yarnLock, other.yarnLock)
        fillEmpty(&tsconfig, other.tsconfig)
        fillEmpty(&dontTest, other.dontTest)
        fillEmpty(&install, other.install)
        fillEmpty(&build, other.build)
        fillEmpty(&test, other.test)
    }
}

extension DockerConfig {
    fileprivate init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(node, "config") ?? [] {
            switch key {
            case "dockerfile":
                let text = reader.string(value, key)
                if !text.isEmpty { dockerfile = text }
            case "image": image = reader.strings(value, key)
            case "buildArgs": buildArgs = reader.stringMap(value, key)
            case "squash": squash = reader.bool(value, key)
            case "metadata": metadata = reader.stringMap(value, key)
            case "exportToCache": exportToCache = reader.isNull(value) ? nil : reader.bool(value, key)
            default:
                reader.reportUnknown(
                    key, at: keyNode, in: "config of a docker package",
                    known: ["dockerfile", "image", "buildArgs", "squash", "metadata", "exportToCache"])
            }
        }
    }

    fileprivate mutating func fill(from other: DockerConfig) {
        fillEmpty(&image, other.image)
        fillEmpty(&buildArgs, other.buildArgs)
        fillEmpty(&squash, other.squash)
        fillEmpty(&metadata, other.metadata)
        if exportToCache == nil { exportToCache = other.exportToCache }
    }
}

extension ImageConfig {
    fileprivate init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(node, "config") ?? [] {
            switch key {
            case "definition":
                let text = reader.string(value, key)
                if !text.isEmpty { definition = text }
                Self.checkFile(text, key, at: value, &reader)
            case "lock":
                lock = reader.string(value, key)
                Self.checkFile(lock, key, at: value, &reader)
            case "compression":
                let text = reader.string(value, key)
                if let known = Compression(rawValue: text) {
                    compression = known
                } else if !text.isEmpty {
                    let names = Compression.allCases.map(\.rawValue).joined(separator: ", ")
                    reader.report(.error, "unknown compression '\(text)'", at: value, remedy: "use one of \(names)")
                }
            case "provenance":
                provenance = reader.string(value, key)
                let parts = provenance.split(separator: "/", omittingEmptySubsequences: false)
                if !provenance.isEmpty, parts.contains(where: { ["", ".", ".."].contains($0) }) {
                    reader.report(
                        .error, "'\(provenance)' is no path of a file in the image", at: value,
                        remedy: "use app/provenance-bundle.jsonl, for instance")
                }
            default:
                reader.reportUnknown(
                    key, at: keyNode, in: "config of an image package",
                    known: ["definition", "lock", "compression", "provenance"])
            }
        }
    }

    private static func checkFile(_ path: String, _ key: String, at node: YAMLNode, _ reader: inout YAMLReader) {
        if path.hasPrefix("/") || path.split(separator: "/").contains("..") {
            reader.report(.error, "\(key) has to be a file of the component", at: node)
        }
    }

    fileprivate mutating func fill(from other: ImageConfig) {
        fillEmpty(&lock, other.lock)
        fillEmpty(&provenance, other.provenance)
    }
}

extension SwiftConfig {
    fileprivate init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(node, "config") ?? [] {
            switch key {
            case "configuration":
                let text = reader.string(value, key)
                if let known = Configuration(rawValue: text) {
                    configuration = known
                } else {
                    reader.report(
                        .error, "unknown configuration '\(text)'", at: value, remedy: "use debug or release")
                }
            case "products": products = reader.strings(value, key)
            case "dontTest": dontTest = reader.bool(value, key)
            case "buildFlags": buildFlags = reader.strings(value, key)
            default:
                reader.reportUnknown(
                    key, at: keyNode, in: "config of a swift package",
                    known: ["configuration", "products", "dontTest", "buildFlags"])
            }
        }
    }

    fileprivate mutating func fill(from other: SwiftConfig) {
        fillEmpty(&products, other.products)
        fillEmpty(&dontTest, other.dontTest)
        fillEmpty(&buildFlags, other.buildFlags)
    }
}
