internal import Bytes
internal import Host
internal import SystemPackage

/// What a `BUILD.yaml` says, and the `BUILD.js` beside it that is still to run.
struct ComponentDraft: Sendable {
    /// The directory relative to the root, or `//`.
    let name: String
    /// Relative to the root.
    let file: String
    var constants: [String: String] = [:]
    var packages: [PackageDraft] = []
    var scripts: [Script] = []
    var diagnostics: [Diagnostic] = []
    /// The SHA-256 of `BUILD.yaml`.
    var digest: Digest?
    /// The statuses of the component's files, read before their content.
    var statuses: [String: FileStatus] = [:]
    /// The text of `BUILD.js`.
    var script: String?

    init(directory: String) {
        name = directory.isEmpty ? "//" : directory
        file = directory.isEmpty ? "BUILD.yaml" : directory + "/BUILD.yaml"
    }

    var scriptFile: String { String(file.dropLast(4)) + "js" }

    /// The largest `BUILD.js` that is read.
    static let scriptLimit = 4 << 20

    /// Reads the files of a component.
    static func load(
        _ directory: String, root: FilePath, hasScript: Bool, arguments: [String: String],
        strictness: Diagnostic.Severity?
    ) -> ComponentDraft {
        var component = ComponentDraft(directory: directory)
        let start = SourceLocation(file: component.file, line: 1)
        do {
            for file in hasScript ? [component.file, component.scriptFile] : [component.file] {
                component.statuses[file] = try Files.status(root.appending(file))
            }
            let text = try Files.read(root.appending(component.file), limit: YAMLLimits().bytes)
            component.digest = .of(text)
            try component.read(text, arguments: arguments, strictness: strictness)
            if hasScript {
                component.script = try Files.readText(root.appending(component.scriptFile), limit: scriptLimit)
            }
        } catch let error as YAMLError {
            let place = SourceLocation(file: component.file, line: error.line)
            component.diagnostics.append(Diagnostic(.error, error.message, at: place))
        } catch {
            component.diagnostics.append(Diagnostic(.error, "\(error)", at: start))
        }
        return component
    }

    mutating func read(
        _ text: [UInt8], arguments: [String: String], strictness: Diagnostic.Severity?
    ) throws(YAMLError) {
        let raw = try YAMLParser.parse(text)
        var rawReader = YAMLReader(file: file, document: raw, unknownKeys: nil)
        if let root = raw.root {
            let fields = rawReader.fields(root, "the component") ?? []
            if let node = fields.last(where: { $0.key == "const" })?.value {
                constants = rawReader.stringMap(node, "const")
            }
        }
        let values = arguments.merging(constants) { _, constant in constant }
        // Leeway's quirk: constants alone are not enough for a substitution to happen.
        let text = arguments.isEmpty ? text : Substitution.replace(text, with: values)
        let document = arguments.isEmpty ? raw : try YAMLParser.parse(text)
        var reader = YAMLReader(file: file, document: document, unknownKeys: strictness)
        guard let root = document.root else { return }
        let rawFields = raw.root.flatMap { rawReader.fields($0, "the component") } ?? []
        let rawPackages =
            rawFields.last { $0.key == "packages" }.map { rawReader.nodes($0.value, "packages") } ?? []
        for (key, value, keyNode) in reader.fields(root, "the component") ?? [] {
            switch key {
            case "const": break
            case "packages":
                let nodes = reader.nodes(value, key)
                if nodes.count != rawPackages.count {
                    reader.report(
                        .error, "an argument's value changes the number of packages", at: keyNode,
                        remedy: "use arguments inside packages only")
                    break
                }
                for (node, rawNode) in zip(nodes, rawPackages) {
                    guard var package = PackageDraft(node, component: name, &reader) else { continue }
                    package.location = rawReader.location(rawReader.resolve(rawNode))
                    package.definition = YAMLEmitter.emit(rawNode)
                    if !arguments.isEmpty {
                        for name in Substitution.names(in: rawReader.resolve(rawNode)) {
                            package.substituted[name] = values[name]
                        }
                    }
                    packages.append(package)
                }
            case "scripts":
                for node in reader.nodes(value, key) {
                    if let script = Script(node, component: name, &reader) { scripts.append(script) }
                }
            default: reader.reportUnknown(key, at: keyNode, in: "a component", known: ["const", "packages", "scripts"])
            }
        }
        diagnostics += reader.diagnostics
    }

    /// Adds the packages that `BUILD.js` made: an array of objects, or nothing.
    mutating func addPackages(_ json: JSON, strictness: Diagnostic.Severity?) {
        let start = SourceLocation(file: scriptFile, line: 1)
        guard let items = json.arrayValue else {
            if !json.isNull {
                diagnostics.append(Diagnostic(.error, "the global 'packages' has to be an array", at: start))
            }
            return
        }
        for item in items {
            guard item.objectValue != nil else {
                diagnostics.append(Diagnostic(.error, "an item of 'packages' has to be an object", at: start))
                continue
            }
            // Leeway writes the object as YAML, reads that, and writes it again for the definition.
            let text = YAMLEmitter.emit(YAMLNode(json: item))
            do throws(YAMLError) {
                let document = try YAMLParser.parse(text)
                guard let root = document.root else { continue }
                var reader = YAMLReader(file: scriptFile, document: document, unknownKeys: strictness)
                if var package = PackageDraft(root, component: name, &reader) {
                    package.location = start
                    package.definition = YAMLEmitter.emit(
                        root, headComment: document.headComment, footComment: document.footComment)
                    packages.append(package)
                }
                diagnostics += reader.diagnostics.map {
                    Diagnostic($0.severity, $0.message, at: start, remedy: $0.remedy)
                }
            } catch {
                diagnostics.append(Diagnostic(.error, error.message, at: start))
            }
        }
    }
}
