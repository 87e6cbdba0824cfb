package import Bytes
internal import Host
package import SystemPackage

/// A program of the host that steps may start.
package struct Tool: Sendable, Hashable {
    /// The name that commands use.
    package var name: String
    /// Where the search path has it.
    package var path: FilePath
    /// The file itself, through every link.
    package var file: FilePath
    package var digest: Digest
    /// Whether the host has it under another name than commands use.
    package var isAlias: Bool
}

/// Where tools are looked for, and how the machine is identified.
package struct ToolSettings: Sendable {
    /// Where to look, as in `PATH`.
    package var searchPath: String
    /// Directories that every step may read beside the usual ones.
    package var roots: [FilePath]
    /// Whether the system's package database is part of every key.
    package var identifiesPackages: Bool
    /// Remembers the digests of files that have not changed.
    package var index: ToolIndex

    package init(searchPath: String, roots: [FilePath] = [], identifiesPackages: Bool = true, index: ToolIndex) {
        self.searchPath = searchPath
        self.roots = roots
        self.identifiesPackages = identifiesPackages
        self.index = index
    }
}

/// The programs of the host that steps can use, and what identifies the machine.
package struct Toolchain: Sendable {
    /// By name. A name that the host does not have is absent.
    package var tools: [String: Tool]
    /// Name and value of each property of the machine that results depend on.
    package var platform: [String: String]
    private let extraRoots: [FilePath]

    /// Where links that give tools the names of commands are, in every step's file tree.
    static let aliasDirectory = "/martlet/bin"

    /// Directories that every step sees, and so needs no root for.
    private static let systemDirectories = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    ]

    /// Names that distributions give to a tool instead of its own.
    private static let otherNames = ["yarn": "yarnpkg", "node": "nodejs"]

    /// Looks up `names` on this machine.
    package init(names: Set<String>, settings: ToolSettings) throws {
        var tools: [String: Tool] = [:]
        for name in names where !name.contains("/") {
            var isAlias = false
            var found = ToolPath.find(name, path: settings.searchPath)
            if found == nil, let other = Self.otherNames[name] {
                found = ToolPath.find(other, path: settings.searchPath)
                isAlias = true
            }
            guard let path = found else { continue }
            let file = ToolPath.resolve(path) ?? path
            tools[name] = Tool(
                name: name, path: path, file: file, digest: try settings.index.digest(of: file), isAlias: isAlias)
        }
        self.tools = tools
        extraRoots = settings.roots
        platform = ["os": Machine.operatingSystem, "arch": Machine.architecture]
        if !settings.roots.isEmpty { platform["roots"] = settings.roots.map(\.string).joined(separator: ":") }
        if settings.identifiesPackages { platform["packages"] = try Self.installedPackages(settings.index) }
    }

    /// Only these tools: what one package can use, so that its key does not depend on what else is built.
    func limited(to names: some Sequence<String>) -> Toolchain {
        var limited = self
        let names = Set(names)
        limited.tools = tools.filter { names.contains($0.key) }
        return limited
    }

    private var sortedTools: [Tool] { tools.values.sorted { $0.name < $1.name } }

    /// Directories outside the usual ones that hold tools, or that the workspace names.
    package var roots: [FilePath] {
        var roots = extraRoots
        for tool in sortedTools {
            // A tool outside the system directories brings its whole installation: `PREFIX/bin/tool`.
            for place in [tool.path, tool.file] where !Self.isSystem(place) {
                let bin = place.removingLastComponent()
                let prefix = bin.lastComponent?.string == "bin" ? bin.removingLastComponent() : bin
                if !roots.contains(where: { prefix.starts(with: $0) }) { roots.append(prefix) }
            }
        }
        return roots
    }

    /// The search path of a step.
    package var searchPath: String {
        var directories = aliases.isEmpty ? [] : [Self.aliasDirectory]
        directories += Self.systemDirectories
        for tool in sortedTools where !tool.isAlias && !Self.isSystem(tool.path) {
            let directory = tool.path.removingLastComponent().string
            if !directories.contains(directory) { directories.append(directory) }
        }
        return directories.joined(separator: ":")
    }

    /// Links that give a tool the name that commands use, by name.
    package var aliases: [String: FilePath] {
        tools.values.reduce(into: [:]) { if $1.isAlias { $0[$1.name] = $1.path } }
    }

    private static func isSystem(_ path: FilePath) -> Bool {
        ["/usr", "/bin", "/sbin", "/lib", "/lib64"].contains { path.starts(with: FilePath($0)) }
    }

    /// The identity of everything below `/usr`: which version of each package the distribution's tool installed.
    ///
    /// Steps can start any program there without naming it (`sh -c`), so naming tools alone would not be enough.
    private static func installedPackages(_ index: ToolIndex) throws -> String {
        for database in ["/var/lib/dpkg/status", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/lib/apk/db/installed"] {
            let path = FilePath(database)
            if try Files.status(path) != nil { return try index.digest(of: path).description }
        }
        return "unknown"
    }
}
