internal import SystemPackage
package import Workspace

extension Project {
    /// The packages that `texts` name: full names, or `:name` (`.:name` in Leeway) for a package of the directory that
    /// martlet was started in. No text at all means the workspace's default target.
    package func targets(_ texts: [String]) throws -> [PackageName] {
        try texts.isEmpty ? [package(nil).name] : texts.map { try package($0).name }
    }

    /// The package that `text` names; `nil` means the workspace's default target.
    package func package(_ text: String?) throws -> Package {
        let text = try text ?? defaultTarget
        guard let name = PackageName(own(text), in: component), let package = workspace.packages[name] else {
            throw unknown("package", text, among: workspace.packages.keys.map(\.description), list: "packages")
        }
        return package
    }

    /// The script that `text` names.
    package func script(_ text: String) throws -> Script {
        guard let name = PackageName(own(text), in: component), let script = workspace.scripts[name] else {
            throw unknown("script", text, among: workspace.scripts.keys.map(\.description), list: "scripts")
        }
        return script
    }

    /// What `describe` can be asked about.
    package enum Item: Sendable {
        case component(Workspace.Component)
        case package(Package)

        /// The component, or the one that the package is in.
        package var componentName: String {
            switch self {
            case .component(let component): component.name
            case .package(let package): package.name.component
            }
        }
    }

    /// The package or component that `text` names; `.` is the component that martlet was started in, `nil` the
    /// workspace's default target.
    package func subject(_ text: String?) throws -> Item {
        let text = try text ?? defaultTarget
        if text.contains(":") { return .package(try package(text)) }
        guard let found = workspace.components[text == "." ? component : text] else {
            throw unknown("component", text, among: Array(workspace.components.keys), list: "components")
        }
        return .component(found)
    }

    private var defaultTarget: String {
        get throws {
            guard !workspace.file.defaultTarget.isEmpty else {
                throw BuildError(
                    .configuration, "no target was given; name one, or set defaultTarget in WORKSPACE.yaml")
            }
            return workspace.file.defaultTarget
        }
    }

    /// The component that martlet was started in.
    private var component: String {
        var path = options.directory
        guard path.removePrefix(workspace.root) else { return "//" }
        return path.string.isEmpty ? "//" : path.string
    }

    private func own(_ text: String) -> String { text.hasPrefix(".:") ? String(text.dropFirst()) : text }

    private func unknown(_ kind: String, _ text: String, among names: [String], list: String) -> BuildError {
        let last = text.split(separator: ":").last.map(String.init) ?? text
        let similar = names.filter { $0 == last || $0.hasSuffix(":" + last) || $0.hasSuffix(text) }.min()
        let meant = similar.map { "did you mean \($0)? " } ?? ""
        return BuildError(
            .configuration, "there is no \(kind) '\(text)'; \(meant)`martlet collect \(list)` lists all")
    }

    // MARK: Errors

    /// Fails when an error was found that concerns `targets`: in a file of the workspace itself, or of a component that
    /// they need something from. `nil` stands for everything.
    package func requireNoErrors(concerning targets: [PackageName]? = nil) throws {
        var errors = workspace.errors
        if let targets {
            var components = Set(targets.map(\.component))
            for target in targets {
                components.formUnion(workspace.transitiveDependencies(of: target).map(\.component))
            }
            errors = errors.filter { error in
                guard let directory = Self.component(of: error.location.file) else { return true }
                return components.contains(directory)
            }
        }
        guard !errors.isEmpty else { return }
        let count = errors.count == 1 ? "an error" : "\(errors.count) errors"
        throw BuildError(
            .configuration, "\(count) in the workspace's files must be mended first; `martlet vet` lists what is wrong",
            location: errors.first?.location)
    }

    /// The component that a `BUILD` file belongs to; `nil` for files of the workspace.
    private static func component(of file: String) -> String? {
        let name = file.split(separator: "/").last ?? ""
        guard name == "BUILD.yaml" || name == "BUILD.js" else { return nil }
        let directory = file.dropLast(name.count + (file.count > name.count ? 1 : 0))
        return directory.isEmpty ? "//" : String(directory)
    }
}
