import Bytes
import Workspace

@testable import Build

extension Package {
    /// A package with these settings and nothing else.
    static func fixture(
        _ name: String, config: PackageConfig = .generic(GenericConfig()), sources: [String: String] = [:],
        dependencies: [String] = [], prep: [[String]] = [], environment: [String] = [],
        settings: PackageSettings = PackageSettings(), isEphemeral: Bool = false
    ) -> Package {
        guard let name = PackageName(name) else { preconditionFailure("'\(name)' is no package name") }
        let type: PackageType =
            switch config {
            case .generic: .generic
            case .go: .go
            case .yarn: .yarn
            case .docker: .docker
            case .image: .image
            case .swift: .swift
            }
        return Package(
            name: name, type: type, location: SourceLocation(file: "\(name.component)/BUILD.yaml", line: 1),
            sources: sources.sorted { $0.key < $1.key }.map { path, content in
                SourceFile(path: path, digest: .of(content), size: content.utf8.count, isExecutable: false)
            },
            dependencies: dependencies.compactMap { PackageName($0) }, layout: [:], argumentDependencies: [],
            environment: environment, isEphemeral: isEphemeral, prep: prep, config: config, settings: settings,
            substituted: [:], unresolved: [], definition: [],
            leewayHeader: "buildProcessVersion: 1\nenvironment: 00\ndefinition: 11\n\n",
            leewayVersion: String(repeating: "0", count: 40))
    }
}

extension RecipeContext {
    /// A context of these packages, whose sources have these contents.
    static func fixture(_ packages: [Package], dontTest: Bool = false, files: [String: String] = [:]) -> RecipeContext {
        let table = Dictionary(packages.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        return RecipeContext(
            packages: table,
            transitiveDependencies: { name in
                var seen: [PackageName] = []
                func visit(_ name: PackageName) {
                    for dependency in table[name]?.dependencies ?? [] where !seen.contains(dependency) {
                        visit(dependency)
                        if !seen.contains(dependency) { seen.append(dependency) }
                    }
                }
                visit(name)
                return seen
            },
            dontTest: dontTest,
            readSource: { path in
                guard let content = files[path] else { throw BuildError(.missing, "no \(path)") }
                return Array(content.utf8)
            })
    }
}
