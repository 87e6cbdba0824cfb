internal import Graph

/// The texts of the `describe` commands.
extension Workspace {
    /// The package with a full name, or an error that suggests one.
    package func package(named text: String) throws -> Package {
        if let name = PackageName(text), let package = packages[name] { return package }
        let close = order.map(\.description).min {
            YAMLReader.distance($0, text) < YAMLReader.distance($1, text)
        }
        let hint = close.flatMap { YAMLReader.distance($0, text) <= 3 ? "; did you mean '\($0)'?" : nil }
        throw WorkspaceError(.unknownName, "there is no package '\(text)'" + (hint ?? "; `collect` lists them all"))
    }

    /// A package and all below it, drawn as a tree.
    ///
    /// A package whose dependencies were shown before is marked with `…` instead of being shown again, so that the
    /// text stays as small as the graph.
    package func treeText(of name: PackageName) -> String {
        var out = "WORKSPACE\n"
        var shown: Set<PackageName> = []
        func add(_ name: PackageName, _ prefix: String, isLast: Bool) {
            let dependencies = packages[name]?.dependencies ?? []
            let isRepeated = !dependencies.isEmpty && !shown.insert(name).inserted
            out += prefix + (isLast ? "└── " : "├── ") + name.description + (isRepeated ? " …" : "") + "\n"
            if isRepeated { return }
            for (index, dependency) in dependencies.enumerated() {
                add(dependency, prefix + (isLast ? "    " : "│   "), isLast: index == dependencies.count - 1)
            }
        }
        if packages[name] != nil, !hasCycle { add(name, "", isLast: true) }
        return out
    }

    private var hasCycle: Bool {
        if case .cycle = graph.order() { true } else { false }
    }

    /// The packages that nothing depends on, sorted by name.
    package var roots: [PackageName] {
        order.indices.filter { graph.dependants[$0].isEmpty }.map { order[$0] }
    }

    /// Packages with their dependencies below them, indented, each with its type.
    package func dependenciesText(of names: [PackageName]) -> String {
        var out = ""
        var shown: Set<PackageName> = []
        func add(_ name: PackageName, _ indent: Int) {
            guard let package = packages[name] else { return }
            let isRepeated = !package.dependencies.isEmpty && !shown.insert(name).inserted
            let type = package.type.rawValue
            out +=
                String(repeating: " ", count: indent) + "[" + String(repeating: " ", count: max(0, 7 - type.count))
                + type + "] " + name.description + (isRepeated ? " …" : "") + "\n"
            if !isRepeated { for dependency in package.dependencies { add(dependency, indent + 4) } }
        }
        if !hasCycle { for name in names { add(name, 0) } }
        return out
    }

    /// The dependencies of packages as a Graphviz graph; each node and edge once, sorted.
    package func dotText(of names: [PackageName]) -> String {
        let start = names.compactMap { number(of: $0) }
        let all = Set(start + graph.transitiveDependencies(of: start)).sorted()
        func id(_ number: Int) -> String { "p" + (packages[order[number]]?.leewayVersion ?? "\(number)") }
        var out = "digraph G {\n"
        for number in all { out += "  \(id(number)) [label=\"\(order[number])\"];\n" }
        for number in all {
            for dependency in graph.dependencies[number] { out += "  \(id(number)) -> \(id(dependency));\n" }
        }
        return out + "}\n"
    }

    /// The text whose SHA-1 is a package's Leeway version.
    package func manifestText(of name: PackageName) -> String { packages[name]?.leewayManifest ?? "" }

    /// A component's constant.
    package func constant(_ name: String, of component: String) throws -> String {
        guard let known = components[component] else {
            throw WorkspaceError(.unknownName, "there is no component '\(component)'; `collect components` lists them")
        }
        guard let value = known.constants[name] else {
            throw WorkspaceError(.unknownName, "the component \(component) has no constant '\(name)'")
        }
        return value
    }
}
