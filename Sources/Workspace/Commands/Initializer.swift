internal import Host
package import SystemPackage

/// Writes the first version of a package into a component's `BUILD.yaml`.
package enum Initializer {
    /// The type that the files of a directory suggest.
    package static func suggestedType(in directory: FilePath) -> PackageType {
        func has(_ name: String) -> Bool { (try? Files.exists(directory.appending(name))) == true }
        if has("go.mod") { return .go }
        if has("package.json") { return .yarn }
        if has("Package.swift") { return .swift }
        if dockerfile(in: directory) != nil { return .docker }
        return .generic
    }

    private static func dockerfile(in directory: FilePath) -> String? {
        ["leeway.Dockerfile", "Dockerfile"].first { (try? Files.exists(directory.appending($0))) == true }
    }

    /// The text of the directory's `BUILD.yaml` with a new package added.
    ///
    /// - Parameter existing: the file as it is; `nil` when there is none.
    package static func adding(
        _ name: String, type: PackageType, in directory: FilePath, existing: [UInt8]?
    ) throws -> [UInt8] {
        guard !name.isEmpty, !name.contains(":"), !name.contains("/") else {
            throw WorkspaceError(.unknownName, "'\(name)' can't name a package; leave out colons and slashes")
        }
        let template = try template(name, type, directory)
        do throws(YAMLError) {
            let item = try YAMLParser.parse(Array(template.utf8)).root
            let document = try YAMLParser.parse(existing ?? [])
            guard let item else { return existing ?? [] }
            var root = document.root ?? YAMLNode(kind: .mapping)
            if root.kind == .scalar, root.value.isEmpty { root = YAMLNode(kind: .mapping) }
            guard root.kind == .mapping else {
                throw YAMLError(message: "BUILD.yaml has to be a mapping", line: 1)
            }
            let keys = stride(from: 0, to: root.content.count, by: 2)
            if let index = keys.first(where: { root.content[$0].value == "packages" }) {
                var packages = root.content[index + 1]
                if packages.kind != .sequence { packages = YAMLNode(kind: .sequence) }
                let names = packages.content.compactMap { package in
                    stride(from: 0, to: package.content.count - 1, by: 2)
                        .first { package.content[$0].value == "name" }.map { package.content[$0 + 1].value }
                }
                guard !names.contains(name) else {
                    throw YAMLError(message: "there is a package '\(name)' already", line: 1)
                }
                packages.isFlow = false
                packages.content.append(item)
                root.content[index + 1] = packages
            } else {
                root.content.append(.scalar("packages"))
                root.content.append(YAMLNode(kind: .sequence, content: [item]))
            }
            return YAMLEmitter.emit(
                root, headComment: document.headComment, footComment: document.footComment, step: 2)
        } catch {
            throw WorkspaceError(.unreadable, "BUILD.yaml:\(error.line): \(error.message)", path: directory)
        }
    }

    private static func template(_ name: String, _ type: PackageType, _ directory: FilePath) throws -> String {
        let head = "name: \(name)\ntype: \(type.rawValue)\n"
        switch type {
        case .go:
            return head
                + "srcs: [go.mod, go.sum, \"**/*.go\"]\nenv: [CGO_ENABLED=0]\nconfig:\n  packaging: app\n"
        case .yarn:
            return head
                + "srcs: [package.json, \"src/**\"]\nconfig:\n  yarnLock: yarn.lock\n  tsconfig: tsconfig.json\n"
        case .swift: return head + "srcs: [Package.swift, Package.resolved, \"Sources/**\", \"Tests/**\"]\n"
        case .image:
            guard try Files.exists(directory.appending("image.yaml")) else {
                throw WorkspaceError(
                    .unknownName, "there is no image.yaml, the image's definition; write one first", path: directory)
            }
            let hasLock = try Files.exists(directory.appending("image.lock.json"))
            return head + "config:\n  definition: image.yaml\n" + (hasLock ? "  lock: image.lock.json\n" : "")
        case .docker:
            guard let file = dockerfile(in: directory) else {
                throw WorkspaceError(.unknownName, "there is no Dockerfile; write one first", path: directory)
            }
            return head + "config:\n  dockerfile: \(file)\n  image: [registry.example/\(name):latest]\n"
        case .generic:
            let names = try Files.list(directory).filter { $0 != "BUILD.yaml" && !$0.hasPrefix(".") }
            let sources = try names.map { name in
                let isDirectory = try Files.status(directory.appending(name))?.kind == .directory
                return "\"" + name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                    + (isDirectory ? "/**" : "") + "\""
            }
            return head + "srcs: [\(sources.joined(separator: ", "))]\nconfig:\n"
                + "  commands:\n    - [\"echo\", \"commands go here\"]\n"
        }
    }
}
