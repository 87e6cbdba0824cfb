internal import Bytes
internal import Host
internal import SystemPackage

@testable internal import Workspace

extension FuzzTarget {
    /// Reading and writing YAML.
    static let yaml = FuzzTarget(name: "yaml") { input in
        guard let document = try? YAMLParser.parse(input), let root = document.root else { return }
        _ = YAMLEmitter.emit(root, headComment: document.headComment, footComment: document.footComment)
        _ = YAMLEmitter.emit(root, step: 2)
    }

    /// Reading a BUILD.yaml and the definitions of its packages, with and without arguments.
    static let buildFile = FuzzTarget(name: "build-file") { input in
        for arguments in [[:], ["version": "1.2.3", "list": "[a, b]"]] {
            var component = ComponentDraft(directory: "components/app")
            try? component.read(input, arguments: arguments, strictness: .error)
            for package in component.packages {
                require(!package.name.name.isEmpty, "a package has a name")
            }
        }
    }

    /// Reading a load that was kept, with its checksum put right.
    static let snapshot = FuzzTarget(name: "snapshot") { input in
        guard input.count >= 48, let identity = Digest(input, at: 16) else { return }
        var repaired = input
        let sum = input.checksum(from: 16)
        for index in 0..<8 { repaired[8 + index] = UInt8(truncatingIfNeeded: sum >> (8 * UInt64(index))) }
        guard let snapshot = try? WorkspaceSnapshot(decoding: repaired, identity: identity) else { return }
        var reader = YAMLReader(file: "WORKSPACE.yaml", document: YAMLDocument(), unknownKeys: nil)
        let file = WorkspaceFile(YAMLNode(kind: .scalar), &reader)
        var workspace = Workspace(root: "/work", file: file, arguments: [:])
        try? workspace.unpack(snapshot.body, files: snapshot.files, ignores: .init(root: "/work", text: ""))
        for package in workspace.packages.values.prefix(100) { _ = package.leewayManifest }
        _ = workspace.updateVersions(afterChangesOf: [0, 1])
    }

    /// Reading a WORKSPACE.yaml.
    static let workspaceFile = FuzzTarget(name: "workspace-file") { input in
        _ = WorkspaceFile.isOurs(input)
        guard let document = try? YAMLParser.parse(input), let root = document.root else { return }
        var reader = YAMLReader(file: "WORKSPACE.yaml", document: document, unknownKeys: .error)
        _ = WorkspaceFile(root, &reader)
    }

    /// Matching: the first line is the pattern, the second the path.
    static let glob = FuzzTarget(name: "glob") { input in
        let lines = input.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
        guard lines.count == 2 else { return }
        let glob = Glob(String(decoding: lines[0], as: UTF8.self))
        _ = glob.isMalformed
        _ = glob.matches(String(decoding: lines[1], as: UTF8.self))
    }

    /// Reading and running Go templates.
    static let template = FuzzTarget(name: "template") { input in
        guard let text = String(validating: input, as: UTF8.self), let template = try? GoTemplate(text) else { return }
        _ = try? template.render([
            "Name": "app", "Count": 3, "List": ["a", "b"], "Map": ["x": 1, "y": ["z": true]], "None": nil,
        ])
    }

    /// Reading names of packages: what is read is written alike.
    static let packageName = FuzzTarget(name: "package-name") { input in
        guard let text = String(validating: input, as: UTF8.self) else { return }
        if let name = PackageName(text) {
            require(PackageName(name.description) == name, "a package's name reads back")
            require(!name.fileSystemSafe.contains("/"), "a file name has no slash")
        }
        _ = PackageName(text, in: "components/app")
        let values = ["a": "${b}", "b": "x"]
        _ = Substitution.replace(input, with: values)
        _ = Substitution.names(in: text)
    }
}
