package import Bytes
internal import Host

/// The kinds of packages that martlet builds.
package enum PackageType: String, Sendable, CaseIterable {
    case generic, go, yarn, docker, image, swift

    /// What Leeway called yarn packages at first, and took until its version 0.5.
    static let formerYarn = "typescript"

    /// A type by its name, or by the name that it had once.
    package init?(named name: String) {
        self.init(rawValue: name == Self.formerYarn ? Self.yarn.rawValue : name)
    }
}

/// One file that a package is made from.
package struct SourceFile: Hashable, Sendable {
    /// The path relative to the workspace root.
    package var path: String
    /// SHA-256 of the content that reading the path gives, through any link.
    package var digest: Digest
    package var size: Int
    package var isExecutable: Bool
    /// Where the path points when it is itself a symbolic link.
    package var linkTarget: String?
    /// A source that the package type adds to those the package names, such as `go.work` or a lock file. It is put
    /// beside the package's own files under its last path component, too.
    package var isImplicit: Bool
    /// What stands for the content in Leeway's versions.
    package var leewayHash: LeewayHash

    package init(
        path: String, digest: Digest, size: Int, isExecutable: Bool, linkTarget: String? = nil,
        isImplicit: Bool = false, leewayHash: LeewayHash = LeewayHash()
    ) {
        self.path = path
        self.digest = digest
        self.size = size
        self.isExecutable = isExecutable
        self.linkTarget = linkTarget
        self.isImplicit = isImplicit
        self.leewayHash = leewayHash
    }
}

/// A place in a workspace file, for messages.
package struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    /// The path relative to the workspace root.
    package var file: String
    /// The line, from 1.
    package var line: Int

    package init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    package var description: String { "\(file):\(line)" }
}

/// A package as it will be built: linked, with its variant and arguments applied.
package struct Package: Sendable {
    package var name: PackageName
    package var type: PackageType
    /// Where it is declared. For a package that a `BUILD.js` made, that file.
    package var location: SourceLocation
    /// Sorted by path, without duplicates.
    package var sources: [SourceFile] {
        get { sourceList.all }
        set { sourceList = .read(newValue) }
    }
    /// How many sources there are.
    package var sourceCount: Int { sourceList.count }
    var sourceList: SourceList
    /// What `sources` were found by.
    package var patterns = SourcePatterns()
    /// Direct dependencies in the order of the file.
    package var dependencies: [PackageName]
    /// Where each direct dependency is put, relative to the package's own directory.
    package var layout: [PackageName: String]
    package var argumentDependencies: [String]
    /// `NAME=VALUE`, with the variant's on top.
    package var environment: [String]
    /// Always built again, never shared.
    package var isEphemeral: Bool
    package var prep: [[String]]
    package var config: PackageConfig
    package var settings: PackageSettings
    /// The name of each argument whose value reached this package's definition through substitution, and that value.
    package var substituted: [String: String]
    /// `${name}` references that nothing resolved. A package that has any can be listed, but not built.
    package var unresolved: [String]
    /// The definition exactly as Leeway hashes it (specs/build.md 4.4).
    package var definition: [UInt8]
    /// The first lines of `leewayManifest`: what the version covers beside dependencies and sources.
    package var leewayHeader: String
    /// The lines of `leewayManifest` that give the dependencies' versions.
    var leewayDependencies = ""
    /// 40 hexadecimal digits.
    package var leewayVersion: String

    package init(
        name: PackageName, type: PackageType, location: SourceLocation, sources: [SourceFile],
        dependencies: [PackageName], layout: [PackageName: String], argumentDependencies: [String],
        environment: [String], isEphemeral: Bool, prep: [[String]], config: PackageConfig, settings: PackageSettings,
        substituted: [String: String], unresolved: [String], definition: [UInt8], leewayHeader: String,
        leewayVersion: String
    ) {
        self.name = name
        self.type = type
        self.location = location
        sourceList = .read(sources)
        self.dependencies = dependencies
        self.layout = layout
        self.argumentDependencies = argumentDependencies
        self.environment = environment
        self.isEphemeral = isEphemeral
        self.prep = prep
        self.config = config
        self.settings = settings
        self.substituted = substituted
        self.unresolved = unresolved
        self.definition = definition
        self.leewayHeader = leewayHeader
        self.leewayVersion = leewayVersion
    }

    /// The text whose SHA-1 is `leewayVersion`.
    package var leewayManifest: String {
        if leewayHeader.isEmpty { return "" }
        let lines = sources.map { $0.path + ":" + $0.leewayHash.hex }.sorted(by: Files.isOrderedByBytes)
        return leewayHeader + leewayDependencies + lines.joined(separator: "\n") + "\n"
    }
}
