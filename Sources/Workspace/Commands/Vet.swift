internal import Bytes
internal import Host
internal import SystemPackage

/// Checks of a workspace for what is allowed but probably not meant.
package struct Vet: Sendable {
    /// What a check found.
    package struct Finding: Hashable, Sendable {
        /// The name of the check.
        package var check: String
        package var component: String
        package var package: PackageName?
        package var message: String
        package var isError: Bool
        package var location: SourceLocation
    }

    /// A check by its name.
    package struct Check: Hashable, Sendable {
        package var name: String
        package var summary: String
    }

    /// All checks, sorted by name.
    package static let checks = [
        Check(name: "build-layout", summary: "no two dependencies of a package are put in the same place"),
        Check(name: "component:fmt", summary: "the BUILD.yaml of a component is formatted"),
        Check(name: "docker:copy-from-package", summary: "COPY and ADD name places that a dependency is put in"),
        Check(name: "generic:use-package", summary: "commands name places that a dependency is put in"),
        Check(name: "go:has-buildflags", summary: "Go packages use buildCommand instead of the old buildFlags"),
        Check(name: "go:has-gomod", summary: "the sources of a Go package include go.mod and go.sum"),
        Check(
            name: "yarn:implicit-transitive-dependency",
            summary: "a yarn package depends on the yarn packages that its code imports"),
        Check(name: "yarn:node-modules-source", summary: "no source of a yarn package is in node_modules"),
    ]

    let workspace: Workspace
    private var findings: [Finding] = []

    /// Runs checks.
    ///
    /// - Parameters:
    ///   - checks: the names of those to run; `nil` for all.
    ///   - components: whether to look at a component; its packages are looked at when `packages` says so.
    package static func run(
        _ workspace: Workspace, checks: Set<String>? = nil, components: (String) -> Bool = { _ in true },
        packages: (PackageName) -> Bool = { _ in true }
    ) -> [Finding] {
        var vet = Vet(workspace: workspace)
        func runs(_ name: String) -> Bool { checks?.contains(name) ?? true }
        if runs("component:fmt") {
            for component in workspace.components.values where components(component.name) { vet.checkFormat(component) }
        }
        let yarnNames = runs("yarn:implicit-transitive-dependency") ? vet.yarnNames() : [:]
        for name in workspace.order where packages(name) && components(name.component) {
            guard let package = workspace.packages[name] else { continue }
            if runs("build-layout") { vet.checkLayout(package) }
            switch package.config {
            case .go(let config):
                if runs("go:has-gomod") { vet.checkGoMod(package) }
                if runs("go:has-buildflags"), !config.buildFlags.isEmpty {
                    vet.add("go:has-buildflags", package, "buildFlags are deprecated; use buildCommand", isError: false)
                }
            case .docker(let config):
                if runs("docker:copy-from-package") { vet.checkDockerfile(package, config) }
            case .generic(let config):
                if runs("generic:use-package") { vet.checkCommands(package, config) }
            case .yarn:
                if runs("yarn:node-modules-source"),
                    let source = package.sources.first(where: { $0.path.contains("node_modules/") })
                {
                    vet.add("yarn:node-modules-source", package, "\(source.path) is a source", isError: true)
                }
                vet.checkImports(package, yarnNames)
            case .image, .swift: break
            }
        }
        return vet.findings.sorted {
            ($0.component, $0.package?.name ?? "", $0.check, $0.message)
                < ($1.component, $1.package?.name ?? "", $1.check, $1.message)
        }
    }

    private init(workspace: Workspace) { self.workspace = workspace }

    private mutating func add(_ check: String, _ package: Package, _ message: String, isError: Bool) {
        findings.append(
            Finding(
                check: check, component: package.name.component, package: package.name, message: message,
                isError: isError, location: package.location))
    }

    // MARK: - Checks

    private mutating func checkFormat(_ component: Workspace.Component) {
        let file = component.location.file
        guard let text = try? Files.read(workspace.root.appending(file), limit: YAMLLimits().bytes), !text.isEmpty,
            let formatted = try? Formatter.format(text, file: file), formatted != text
        else { return }
        findings.append(
            Finding(
                check: "component:fmt", component: component.name, package: nil,
                message: "\(file) is not formatted; `martlet fmt -i \(file)` does it", isError: false,
                location: component.location))
    }

    private mutating func checkLayout(_ package: Package) {
        var users: [String: PackageName] = [:]
        for dependency in package.dependencies {
            guard let place = package.layout[dependency] else { continue }
            if let other = users.updateValue(dependency, forKey: place), other != dependency {
                add("build-layout", package, "\(place) is where both \(other) and \(dependency) are put", isError: true)
            }
        }
    }

    private mutating func checkGoMod(_ package: Package) {
        for file in ["go.mod", "go.sum"]
        where !package.sources.contains(where: { $0.path == file || $0.path.hasSuffix("/" + file) }) {
            add("go:has-gomod", package, "the sources have no \(file)", isError: file == "go.mod")
        }
    }

    private mutating func checkDockerfile(_ package: Package, _ config: DockerConfig) {
        let source = package.sources.first {
            $0.path == config.dockerfile || $0.path.hasSuffix("/" + config.dockerfile)
        }
        guard let source else {
            return add("docker:copy-from-package", package, "the sources have no \(config.dockerfile)", isError: true)
        }
        guard let text = try? Files.readText(workspace.root.appending(source.path), limit: 4 << 20) else { return }
        for line in text.split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard let command = words.first?.lowercased(), command == "add" || command == "copy" else { continue }
            for word in words.dropFirst().dropLast() where !isSatisfied(String(word), in: package) {
                add(
                    "docker:copy-from-package", package,
                    "\(config.dockerfile) copies from \(word), which looks like a package, but no dependency is there",
                    isError: false)
            }
        }
    }

    private mutating func checkCommands(_ package: Package, _ config: GenericConfig) {
        for (what, commands) in [("command", config.commands), ("test", config.test)] {
            for (number, command) in commands.enumerated() {
                for word in command where !isSatisfied(word, in: package) {
                    add(
                        "generic:use-package", package,
                        "\(what) \(number + 1) names \(word), which looks like a package, but no dependency is there",
                        isError: false)
                }
            }
        }
    }

    /// Whether text that looks like the place of a dependency is the place of one.
    private func isSatisfied(_ text: String, in package: Package) -> Bool {
        guard let place = Self.packagePlace(in: text) else { return true }
        return package.layout.values.contains(place)
    }

    /// The first part of `text` that looks like a package's file name: words ending in `-`, another `-`, a word.
    static func packagePlace(in text: String) -> String? {
        let bytes = Array(text.utf8)
        func isWord(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        for start in bytes.indices where isWord(bytes[start]) {
            var index = start
            while index < bytes.count, isWord(bytes[index]) {
                while index < bytes.count, isWord(bytes[index]) { index += 1 }
                guard index < bytes.count, bytes[index] == UInt8(ascii: "-") else { break }
                index += 1
            }
            let dash = UInt8(ascii: "-")
            guard index + 1 < bytes.count, bytes[index - 1] == dash, bytes[index] == dash else { continue }
            var end = index + 1
            while end < bytes.count, isWord(bytes[end]) || bytes[end] == dash { end += 1 }
            if end > index + 1 { return String(decoding: bytes[start..<end], as: UTF8.self) }
        }
        return nil
    }

    // MARK: - Yarn

    /// The packages that make each yarn module, by the module's name.
    private func yarnNames() -> [String: [PackageName]] {
        var names: [String: [PackageName]] = [:]
        for package in workspace.packages.values where package.type == .yarn {
            let file = package.name.component == "//" ? "package.json" : package.name.component + "/package.json"
            guard package.sources.contains(where: { $0.path == file }),
                let text = try? Files.read(workspace.root.appending(file), limit: 4 << 20),
                let name = (try? JSON(parsing: text))?["name"]?.stringValue, !name.isEmpty
            else { continue }
            names[name, default: []].append(package.name)
        }
        return names
    }

    private mutating func checkImports(_ package: Package, _ names: [String: [PackageName]]) {
        if names.isEmpty { return }
        var imported: [String: String] = [:]
        for source in package.sources where source.path.hasSuffix(".js") || source.path.hasSuffix(".ts") {
            guard let text = try? Files.read(workspace.root.appending(source.path), limit: 16 << 20) else { continue }
            for name in names.keys where imported[name] == nil {
                let quoted = ["\"\(name)\"", "\"\(name)/", "'\(name)'", "'\(name)/"]
                if quoted.contains(where: { WorkspaceTree.Ignores.find(Array($0.utf8), in: text) }) {
                    imported[name] = source.path
                }
            }
        }
        for (name, source) in imported {
            let makers = names[name] ?? []
            if makers.contains(package.name) || !package.dependencies.allSatisfy({ !makers.contains($0) }) { continue }
            add(
                "yarn:implicit-transitive-dependency", package,
                "\(source) imports \(name), but none of its packages is a dependency: "
                    + makers.sorted().map(\.description).joined(separator: ", "), isError: true)
        }
    }
}
