internal import Bytes
internal import Host
package import SystemPackage
internal import Workspace

extension ImageDefinition {
    private static let byteLimit = 1 << 20
    /// Definitions that extend others, at most.
    private static let chainLimit = 8

    /// Reads the definition at `path`, and those that it extends.
    /// - Parameter boundary: a directory that definitions and the sources of files have to be in, links followed.
    package static func load(_ path: FilePath, within boundary: FilePath? = nil) throws -> ImageDefinition {
        let definition = try load(path, within: boundary, depth: 0)
        for file in definition.files + definition.variants.flatMap(\.files) {
            if case .source(let source) = file.kind { try check(source, isWithin: boundary, "/\(file.path)") }
        }
        return definition
    }

    private static func check(_ path: FilePath, isWithin boundary: FilePath?, _ user: String) throws(ImageError) {
        guard let boundary else { return }
        guard let root = ToolPath.resolve(boundary), let place = ToolPath.resolve(path) else {
            var name = path
            _ = name.removePrefix(boundary)
            throw ImageError(.absent, "\(user) is made from \(name), which is not among the package's files")
        }
        guard place.starts(with: root) else {
            throw ImageError(.malformed, "\(user) is made from \(path), which is not one of the package's files")
        }
    }

    private static func load(_ path: FilePath, within boundary: FilePath?, depth: Int) throws -> ImageDefinition {
        try check(path, isWithin: boundary, "the image")
        guard depth < chainLimit else {
            throw ImageError(.malformed, "\(path): definitions extend each other more than \(chainLimit) times")
        }
        let json = try JSON.yaml(Files.read(path, limit: byteLimit), name: path.string)
        do {
            var fields = try DefinitionFields(json, at: "")
            let directory = path.removingLastComponent()
            var definition: ImageDefinition
            if let base = try fields.text("extends") {
                definition = try load(place(base, in: directory), within: boundary, depth: depth + 1)
                definition.path = path
            } else {
                definition = ImageDefinition(path: path, name: "")
            }
            try definition.read(&fields, in: directory)
            try fields.finish()
            try definition.check()
            return definition
        } catch let error as ImageError {
            throw ImageError(
                error.code, error.message.hasPrefix("\(path): ") ? error.message : "\(path): \(error.message)")
        }
    }

    static func place(_ text: String, in directory: FilePath) -> FilePath {
        text.hasPrefix("/") ? FilePath(text) : directory.appending(text)
    }

    private mutating func read(_ fields: inout DefinitionFields, in directory: FilePath) throws {
        name = try fields.text("name") ?? name
        if let list = try fields.list("archives") {
            archives = []
            for var item in list {
                archives.append(try Archive(&item, in: directory))
                try item.finish()
            }
        }
        architectures = try fields.texts("architectures") ?? architectures
        packages += try Self.wishes(fields.texts("packages"))
        resolvesTransitively = try fields.bool("resolve_transitive") ?? resolvesTransitively
        hasMergedUsr = try fields.bool("merged_usr") ?? hasMergedUsr
        hasFixedLayers = try fields.bool("fixed_layers") ?? hasFixedLayers
        hasCertificates = try fields.bool("certificates") ?? hasCertificates
        for var item in try fields.list("users") ?? [] {
            let user = try User(&item)
            try item.finish()
            users.removeAll { $0.name == user.name }
            users.append(user)
        }
        for var item in try fields.list("groups") ?? [] {
            let group = Group(
                name: try item.requiredText("name"), id: try item.integer("gid") ?? 0,
                members: try item.texts("members") ?? [])
            try item.finish()
            groups.removeAll { $0.name == group.name }
            groups.append(group)
        }
        osRelease.merge(try fields.map("os_release") ?? [:]) { $1 }
        files += try Self.files(&fields, in: directory)
        annotations.merge(try fields.map("annotations") ?? [:]) { $1 }
        try settings.read(&fields)
        if var all = try fields.mapping("variants") {
            for name in all.keys {
                guard var item = try all.mapping(name) else { continue }
                var variant = variants.first { $0.name == name } ?? Variant(name: name)
                variant.packages += try Self.wishes(item.texts("packages"))
                variant.files += try Self.files(&item, in: directory)
                try variant.settings.read(&item)
                try item.finish()
                variants.removeAll { $0.name == name }
                variants.append(variant)
            }
        }
    }

    private func check() throws(ImageError) {
        guard DebianName.isValid(name) else {
            throw ImageError(.malformed, "name has to be lower-case letters, digits, dots and dashes")
        }
        for architecture in architectures where Architecture.debianName(of: architecture) == nil {
            throw ImageError(
                .unsupported,
                "the architecture \(architecture) is not known; known are \(Architecture.known.joined(separator: ", "))"
            )
        }
        guard Set(architectures).count == architectures.count else {
            throw ImageError(.malformed, "an architecture is listed twice")
        }
        for variant in variants where !DebianName.isValid(variant.name) {
            throw ImageError(.malformed, "`\(variant.name)` is no name of a variant")
        }
        for list in [packages] + variants.map({ packages + $0.packages })
        where Set(list.map(\.name)).count != list.count {
            throw ImageError(.malformed, "a package is listed twice")
        }
    }

    private static func wishes(_ texts: [String]?) throws(ImageError) -> [Wish] {
        var out: [Wish] = []
        for text in texts ?? [] {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard let name = parts.first, DebianName.isValid(name), parts.count == 1 || DebianVersion(parts[1]) != nil
            else { throw ImageError(.malformed, "packages: `\(text)` is neither NAME nor NAME=VERSION") }
            out.append(Wish(name: name, version: parts.count > 1 ? parts[1] : nil))
        }
        return out
    }

    private static func files(_ fields: inout DefinitionFields, in directory: FilePath) throws(ImageError) -> [File] {
        var out: [File] = []
        for var item in try fields.list("files") ?? [] {
            let path = try item.requiredText("path")
            guard path.hasPrefix("/"), let relative = try? ImagePath.normalized(path), !relative.isEmpty else {
                throw item.wrong("path", "an absolute path below the root")
            }
            let content = try item.text("content")
            let source = try item.text("source")
            let link = try item.text("link")
            let isDirectory = try item.bool("directory") ?? false
            guard [content != nil, source != nil, link != nil, isDirectory].filter(\.self).count == 1 else {
                throw item.wrong("content", "given, or source, link or directory: one of them")
            }
            let kind: File.Kind =
                content.map { .content(Array($0.utf8)) } ?? source.map { .source(place($0, in: directory)) }
                ?? link.map { .link($0) } ?? .directory
            out.append(
                File(
                    path: relative, kind: kind,
                    mode: try item.mode("mode")
                        ?? (isDirectory ? 0o755 : link != nil ? 0o777 : content != nil ? 0o644 : nil),
                    owner: try item.integer("uid") ?? 0, group: try item.integer("gid") ?? 0))
            try item.finish()
        }
        return out
    }
}

extension ImageDefinition.Archive {
    fileprivate init(_ fields: inout DefinitionFields, in directory: FilePath) throws(ImageError) {
        var uri = try fields.requiredText("uri")
        while uri.hasSuffix("/") { uri.removeLast() }
        guard ["http://", "https://", "file:"].contains(where: uri.hasPrefix) else {
            throw fields.wrong("uri", "an address that begins with http://, https:// or file:")
        }
        uriText = uri
        // A directory beside the definition, for those who keep a mirror with it.
        if uri.hasPrefix("file:"), !uri.hasPrefix("file:/") {
            uri = "file:" + ImageDefinition.place(String(uri.dropFirst(5)), in: directory).string
        }
        self.uri = uri
        suite = try fields.requiredText("suite")
        guard ArchivePath.isValid(suite) else { throw fields.wrong("suite", "the name of a suite") }
        components = try fields.texts("components") ?? ["main"]
        guard !components.isEmpty, components.allSatisfy(ArchivePath.isValid) else {
            throw fields.wrong("components", "a list of components such as main")
        }
        keyringText = try fields.requiredText("keyring")
        keyring = ImageDefinition.place(keyringText, in: directory)
    }
}

extension ImageDefinition.User {
    fileprivate init(_ fields: inout DefinitionFields) throws(ImageError) {
        name = try fields.requiredText("name")
        id = try fields.integer("uid") ?? 0
        groupID = try fields.integer("gid") ?? id
        home = try fields.text("home") ?? "/nonexistent"
        shell = try fields.text("shell") ?? "/sbin/nologin"
        guard [name, home, shell].allSatisfy({ $0.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != UInt8(ascii: ":") } })
        else {
            throw fields.wrong("name", "without blanks and colons, as home and shell have to be")
        }
    }
}

extension ImageDefinition.Settings {
    fileprivate mutating func read(_ fields: inout DefinitionFields) throws(ImageError) {
        user = try fields.text("user") ?? user
        workingDirectory = try fields.text("working_directory") ?? workingDirectory
        entryPoint = try fields.texts("entry_point") ?? entryPoint
        command = try fields.texts("command") ?? command
        environment.merge(try fields.map("environment") ?? [:]) { $1 }
        labels.merge(try fields.map("labels") ?? [:]) { $1 }
        exposedPorts += try fields.texts("exposed_ports") ?? []
        volumes += try fields.texts("volumes") ?? []
        stopSignal = try fields.text("stop_signal") ?? stopSignal
    }

    /// These settings with those of a variant over them.
    func merging(_ other: Self) -> Self {
        var out = self
        out.user = other.user ?? user
        out.workingDirectory = other.workingDirectory ?? workingDirectory
        out.entryPoint = other.entryPoint ?? entryPoint
        out.command = other.command ?? command
        out.environment.merge(other.environment) { $1 }
        out.labels.merge(other.labels) { $1 }
        out.exposedPorts += other.exposedPorts
        out.volumes += other.volumes
        out.stopSignal = other.stopSignal ?? stopSignal
        return out
    }
}
