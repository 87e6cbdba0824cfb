internal import Bytes
internal import Host
package import SystemPackage
internal import Workspace

/// A file of container structure tests (schema versions 1.0.0 and 2.0.0): what an image must hold and do.
package struct StructureTests: Sendable {
    struct Command: Sendable {
        var name: String
        /// Commands that run before it, and after it, in the same tree.
        var setup: [[String]]
        var teardown: [[String]]
        var command: [String]
        var environment: [Variable]
        var exitCode: Int
        var expectedOutput: [String]
        var excludedOutput: [String]
        var expectedError: [String]
        var excludedError: [String]
    }

    struct Variable: Sendable {
        var key: String
        var value: String
        var isPattern: Bool
    }

    struct Existence: Sendable {
        var name: String
        var path: String
        var shouldExist: Bool
        /// As `ls -l` and Go print them, such as `-rw-r--r--`.
        var permissions: String?
        var owner: Int?
        var group: Int?
        /// `owner`, `group`, `other` or `any`.
        var executableBy: String?
    }

    struct Content: Sendable {
        var name: String
        var path: String
        var expected: [String]
        var excluded: [String]
    }

    struct Metadata: Sendable {
        var environment: [Variable] = []
        var unboundEnvironment: [String] = []
        var labels: [Variable] = []
        var exposedPorts: [String] = []
        var unexposedPorts: [String] = []
        var volumes: [String] = []
        var unmountedVolumes: [String] = []
        var entryPoint: [String]?
        var command: [String]?
        var workingDirectory: String?
        var user: String?
    }

    /// The name of the file, for reports.
    package let name: String
    var environment: [Variable] = []
    /// The user that commands run as where the image's is not meant.
    var user: String?
    var commands: [Command] = []
    var existence: [Existence] = []
    var contents: [Content] = []
    var metadata: Metadata?

    /// How many checks there are.
    package var count: Int { commands.count + existence.count + contents.count + (metadata == nil ? 0 : 1) }

    /// Reads a file of tests, in YAML or JSON. What martlet can't check is refused and never passed over.
    package init(_ path: FilePath) throws {
        try self.init(parsing: Files.read(path, limit: 4 << 20), name: path.string)
    }

    init(parsing bytes: [UInt8], name: String) throws {
        self.name = name
        do {
            var fields = try DefinitionFields(JSON.yaml(bytes, name: name), at: "")
            let version = try fields.requiredText("schemaVersion")
            guard ["1.0.0", "2.0.0"].contains(version) else {
                throw ImageError(.unsupported, "schemaVersion is \(version); 1.0.0 and 2.0.0 are known")
            }
            environment = try Self.variables(&fields, "globalEnvVars")
            if var options = try fields.mapping("containerRunOptions") {
                user = try options.text("user")
                try options.finish()
            }
            for var item in try fields.list("commandTests") ?? [] {
                commands.append(try Command(&item))
                try item.finish()
            }
            for var item in try fields.list("fileExistenceTests") ?? [] {
                existence.append(try Existence(&item))
                try item.finish()
            }
            for var item in try fields.list("fileContentTests") ?? [] {
                contents.append(
                    Content(
                        name: try item.text("name") ?? "", path: try item.requiredText("path"),
                        expected: try item.texts("expectedContents") ?? [],
                        excluded: try item.texts("excludedContents") ?? []))
                try item.finish()
            }
            if var item = try fields.mapping("metadataTest") {
                metadata = try Metadata(&item)
                try item.finish()
            }
            try fields.finish()
        } catch let error as ImageError {
            throw ImageError(error.code, "\(name): \(error.message)")
        }
    }

    fileprivate static func variables(_ fields: inout DefinitionFields, _ key: String) throws(ImageError) -> [Variable]
    {
        var out: [Variable] = []
        for var item in try fields.list(key) ?? [] {
            out.append(
                Variable(
                    key: try item.requiredText("key"), value: try item.text("value") ?? "",
                    isPattern: try item.bool("isRegex") ?? false))
            try item.finish()
        }
        return out
    }
}

extension StructureTests.Command {
    fileprivate init(_ fields: inout DefinitionFields) throws(ImageError) {
        name = try fields.text("name") ?? ""
        setup = try Self.commands(&fields, "setup")
        teardown = try Self.commands(&fields, "teardown")
        // Version 1 has the whole command as a list, version 2 its arguments apart.
        if let value = fields.value("command"), value.arrayValue == nil {
            command = [try fields.requiredText("command")]
        } else {
            command = try fields.texts("command") ?? []
        }
        command += try fields.texts("args") ?? []
        guard !command.isEmpty else { throw fields.wrong("command", "given") }
        environment = try StructureTests.variables(&fields, "envVars")
        exitCode = try fields.integer("exitCode") ?? 0
        expectedOutput = try fields.texts("expectedOutput") ?? []
        excludedOutput = try fields.texts("excludedOutput") ?? []
        expectedError = try fields.texts("expectedError") ?? []
        excludedError = try fields.texts("excludedError") ?? []
    }

    private static func commands(_ fields: inout DefinitionFields, _ key: String) throws(ImageError) -> [[String]] {
        guard let value = fields.value(key) else { return [] }
        guard let items = value.arrayValue else { throw fields.wrong(key, "a list of commands") }
        var out: [[String]] = []
        for item in items {
            let words = item.arrayValue?.compactMap(DefinitionFields.text) ?? []
            guard !words.isEmpty else { throw fields.wrong(key, "a list of commands, each a list of words") }
            out.append(words)
        }
        return out
    }
}

extension StructureTests.Existence {
    fileprivate init(_ fields: inout DefinitionFields) throws(ImageError) {
        name = try fields.text("name") ?? ""
        path = try fields.requiredText("path")
        shouldExist = try fields.bool("shouldExist") ?? true
        permissions = try fields.text("permissions").flatMap { $0.isEmpty ? nil : $0 }
        owner = try fields.integer("uid").flatMap { $0 < 0 ? nil : $0 }
        group = try fields.integer("gid").flatMap { $0 < 0 ? nil : $0 }
        executableBy = try fields.text("isExecutableBy").flatMap { $0.isEmpty ? nil : $0 }
        if let executableBy, !["owner", "group", "other", "any"].contains(executableBy) {
            throw fields.wrong("isExecutableBy", "owner, group, other or any")
        }
    }
}

extension StructureTests.Metadata {
    fileprivate init(_ fields: inout DefinitionFields) throws(ImageError) {
        environment =
            try StructureTests.variables(&fields, "envVars") + StructureTests.variables(&fields, "env")
        unboundEnvironment = try StructureTests.variables(&fields, "unboundEnvVars").map(\.key)
        labels = try StructureTests.variables(&fields, "labels")
        exposedPorts = try fields.texts("exposedPorts") ?? []
        unexposedPorts = try fields.texts("unexposedPorts") ?? []
        volumes = try fields.texts("volumes") ?? []
        unmountedVolumes = try fields.texts("unmountedVolumes") ?? []
        entryPoint = try fields.texts("entrypoint")
        command = try fields.texts("cmd")
        workingDirectory = try fields.text("workdir").flatMap { $0.isEmpty ? nil : $0 }
        user = try fields.text("user").flatMap { $0.isEmpty ? nil : $0 }
    }
}
