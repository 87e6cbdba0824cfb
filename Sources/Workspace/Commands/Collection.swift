package import Bytes
internal import Host
internal import SystemPackage

/// What `collect` and `describe` show: parts of a workspace as JSON values with Leeway's member names.
package struct Collection: Sendable {
    /// What can be collected.
    package enum Kind: String, CaseIterable, Sendable {
        case components, packages, scripts, files, variants

        /// Leeway's template for it.
        package var template: String {
            switch self {
            case .components, .variants: #"{{ range . }}{{ .Name }}{{"\n"}}{{ end }}"#
            case .packages:
                #"{{ range . }}{{ .Metadata.FullName }}{{"\t"}}{{ .Metadata.Version }}{{"\n"}}{{ end }}"#
            case .scripts:
                #"{{ range . }}{{ .FullName }}{{ if .Description }}{{"\t"}}{{ .Description }}{{ end }}{{"\n"}}{{ end }}"#
            case .files: #"{{ range . }}{{ .Name }}{{"\t"}}{{ .Version }}{{"\n"}}{{ end }}"#
            }
        }
    }

    /// How it is written.
    package enum Format: Sendable {
        /// Leeway's default, or a Go template.
        case template(String?)
        case json
        case yaml
    }

    let workspace: Workspace

    package init(_ workspace: Workspace) { self.workspace = workspace }

    /// The text of a collection.
    ///
    /// - Parameter selector: `name` or `name=value` of a constant that the component has to have; empty for all.
    package func text(_ kind: Kind, selector: String = "", format: Format = .template(nil)) throws -> String {
        // What is asked for most needs neither the values of all packages nor a template.
        if case .template(nil) = format, kind == .packages {
            return try packages(selector).map { "\($0.name)\t\($0.leewayVersion)\n" }.joined()
        }
        return try Self.write(values(kind, selector: selector), format, default: kind.template)
    }

    /// Writes any value as `collect` does.
    package static func write(_ value: JSON, _ format: Format, default template: String) throws -> String {
        switch format {
        case .json: return value.text(indented: false) + "\n"
        case .yaml: return String(decoding: YAMLEmitter.emit(YAMLNode(json: value)), as: UTF8.self)
        case .template(let given):
            return try GoTemplate(given ?? template).render(value)
        }
    }

    /// The items of a collection, sorted by name.
    package func values(_ kind: Kind, selector: String = "") throws -> JSON {
        let isSelected = try Self.predicate(selector)
        let components = workspace.components.values.filter { isSelected($0.constants) }
            .sorted { Files.isOrderedByBytes($0.name, $1.name) }
        let chosen = Set(components.map(\.name))
        let packages = workspace.order.compactMap { workspace.packages[$0] }
            .filter { chosen.contains($0.name.component) }
        switch kind {
        case .components: return .array(components.map(describe))
        case .packages: return .array(packages.map(describe))
        case .scripts:
            let scripts = workspace.scripts.values.filter { chosen.contains($0.name.component) }
            return .array(scripts.sorted { $0.name < $1.name }.map(describe))
        case .files:
            var files: [(path: String, value: JSON)] = []
            for package in packages {
                for (path, hash) in manifest(package) {
                    let value: JSON = [
                        "name": .string(path), "version": .string(hash), "package": .string(package.name.description),
                    ]
                    files.append((path, value))
                }
            }
            return .array(files.sorted { Files.isOrderedByBytes($0.path, $1.path) }.map(\.value))
        case .variants: return .array(workspace.file.variants.map(describe))
        }
    }

    /// The packages of the components that are selected, sorted by name.
    private func packages(_ selector: String) throws -> [Package] {
        let isSelected = try Self.predicate(selector)
        return workspace.order.compactMap { name in
            guard isSelected(workspace.components[name.component]?.constants ?? [:]) else { return nil }
            return workspace.packages[name]
        }
    }

    private static func predicate(_ selector: String) throws -> ([String: String]) -> Bool {
        let parts = selector.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
        switch (selector.isEmpty, parts.count) {
        case (true, _): return { _ in true }
        case (_, 1): return { $0[parts[0]] != nil }
        case (_, 2): return { ($0[parts[0]] ?? "") == parts[1] }
        default:
            throw WorkspaceError(.unknownName, "a selector is the name of a constant, or name=value")
        }
    }

    // MARK: - Descriptions

    private func metadata(_ package: Package) -> JSON {
        [
            "name": .string(package.name.name), "fullName": .string(package.name.description),
            "version": .string(package.leewayVersion), "ephemeral": .bool(package.isEphemeral),
        ]
    }

    /// Path and hash of each source, from the source lines of the manifest.
    private func manifest(_ package: Package) -> [(path: String, hash: String)] {
        var lines = package.leewayManifest.split(separator: "\n").suffix(package.sourceCount)
        if package.sources.isEmpty { lines = [] }
        return lines.compactMap { line in
            line.lastIndex(of: ":").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
        }
    }

    /// A package with all that Leeway tells about it.
    package func describe(_ package: Package) -> JSON {
        var sources = JSONObject()
        for (path, hash) in manifest(package) { sources[path] = .string(hash) }
        var layout = JSONObject()
        for name in package.dependencies.sorted() { layout[name.description] = .string(package.layout[name] ?? "") }
        var out = JSONObject()
        out["metadata"] = metadata(package)
        out["type"] = .string(package.type.rawValue)
        out["manifest"] = .object(sources)
        if !package.argumentDependencies.isEmpty { out["argdeps"] = Self.list(package.argumentDependencies) }
        if !package.dependencies.isEmpty {
            out["dependencies"] = .array(
                package.dependencies.sorted().compactMap { workspace.packages[$0].map(metadata) })
            out["layout"] = .object(layout)
        }
        out["config"] = .object(Self.config(package.config))
        if !package.environment.isEmpty { out["env"] = Self.list(package.environment) }
        out["definition"] = .string(String(decoding: package.definition, as: UTF8.self))
        out["fsSafeName"] = .string(package.name.fileSystemSafe)
        if !package.sources.isEmpty { out["sources"] = Self.list(package.sources.map(\.path)) }
        return .object(out)
    }

    /// A component with its constants and packages.
    package func describe(_ component: Workspace.Component) -> JSON {
        let origin = component.name == "//" ? workspace.root : workspace.root.appending(component.name)
        var out = JSONObject()
        out["name"] = .string(component.name)
        out["origin"] = .string(origin.string)
        if !component.constants.isEmpty { out["constants"] = Self.map(component.constants) }
        if !component.packages.isEmpty {
            out["packages"] = .array(component.packages.compactMap { workspace.packages[$0].map(metadata) })
        }
        return .object(out)
    }

    /// A script.
    package func describe(_ script: Script) -> JSON {
        [
            "name": .string(script.name.name), "fullName": .string(script.name.description),
            "description": .string(script.description), "workdirLayout": .string(script.workingDirectory.rawValue),
            "type": "bash", "dependencies": Self.list(script.dependencies.map(\.description)),
            "env": Self.list(script.environment), "script": .string(script.text),
        ]
    }

    private func describe(_ variant: Variant) -> JSON {
        var config = JSONObject()
        for (type, values) in variant.config.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            config[type.rawValue] = .object(Self.config(values))
        }
        return [
            "name": .string(variant.name),
            "srcs": ["include": Self.list(variant.include), "exclude": Self.list(variant.exclude)],
            "env": Self.list(variant.environment), "config": .object(config),
        ]
    }

    private static func list(_ texts: [String]) -> JSON { .array(texts.map { .string($0) }) }

    private static func map(_ values: [String: String]) -> JSON {
        var out = JSONObject()
        for key in values.keys.sorted(by: Files.isOrderedByBytes) { out[key] = .string(values[key] ?? "") }
        return .object(out)
    }

    private static func config(_ config: PackageConfig) -> JSONObject {
        var out = JSONObject()
        func commands(_ commands: [[String]]) -> JSON { .array(commands.map(list)) }
        switch config {
        case .docker(let config):
            out["buildArgs"] = map(config.buildArgs)
            out["dockerfile"] = .string(config.dockerfile)
            out["image"] = list(config.image)
            out["squash"] = .bool(config.squash)
        case .generic(let config):
            out["commands"] = commands(config.commands)
            out["dontTest"] = .bool(config.dontTest)
            out["test"] = commands(config.test)
        case .go(let config):
            out["buildCommand"] = list(config.buildCommand)
            out["buildFlags"] = list(config.buildFlags)
            out["dontCheckGoFmt"] = .bool(config.dontCheckGoFmt)
            out["dontLint"] = .bool(config.dontLint)
            out["dontTest"] = .bool(config.dontTest)
            out["generate"] = .bool(config.generate)
            out["lintCommand"] = list(config.lintCommand)
            out["packaging"] = .string(config.packaging.rawValue)
        case .yarn(let config):
            out["commands"] = [
                "build": list(config.build), "install": list(config.install), "test": list(config.test),
            ]
            out["dontTest"] = .bool(config.dontTest)
            out["packaging"] = .string(config.packaging.rawValue)
            out["tsConfig"] = .string(config.tsconfig)
            out["yarnLock"] = .string(config.yarnLock)
        case .image(let config):
            out["compression"] = .string(config.compression.rawValue)
            out["definition"] = .string(config.definition)
            out["lock"] = .string(config.lock)
            out["provenance"] = .string(config.provenance)
        case .swift(let config):
            out["buildFlags"] = list(config.buildFlags)
            out["configuration"] = .string(config.configuration.rawValue)
            out["dontTest"] = .bool(config.dontTest)
            out["products"] = list(config.products)
        }
        return out
    }
}
