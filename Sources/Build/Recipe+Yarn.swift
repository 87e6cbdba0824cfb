internal import Bytes
internal import Workspace

extension Recipe {
    /// A yarn package in one of Leeway's four packagings.
    static func yarn(_ package: Package, _ config: YarnConfig, _ context: RecipeContext) throws(BuildError) -> Recipe {
        let sources = YarnSources(package: package, context: context)
        var manifest = try sources.manifest()
        guard let npmName = manifest["name"]?.stringValue, !npmName.isEmpty,
            let npmVersion = manifest["version"]?.stringValue, !npmVersion.isEmpty
        else {
            throw BuildError(
                .configuration, "name and version in package.json must be text that is not empty",
                package: package.name, location: package.location)
        }

        var recipe = Recipe(steps: [], tools: ["yarn", "node"])
        var lock = try sources.lock()
        var prep: [[String]] = []
        for name in context.transitiveDependencies(package.name) {
            guard let dependency = context.packages[name], !dependency.isPassedOver else { continue }
            try recipe.addYarnDependency(
                dependency, of: package, config, context, manifest: &manifest, lock: &lock, prep: &prep)
        }
        var version = npmVersion
        switch config.packaging {
        case .library:
            // The library's own lock entry travels inside it, so that dependants can lock it.
            let files = manifest["files"]?.arrayValue ?? []
            manifest["files"] = .array(files + [.string(Self.lockEntryFile)])
        case .app:
            // One name and version must never stand for two contents in yarn's cache.
            version = "0.0.0-\(package.leewayVersion)"
            manifest["version"] = .string(version)
        case .archive, .offlineMirror: break
        }
        recipe.files.append(WrittenFile(path: "package.json", content: JSON.object(manifest).bytes(indented: true)))
        if let lock { recipe.files.append(WrittenFile(path: "yarn.lock", content: Array(lock.utf8))) }
        if config.packaging == .offlineMirror {
            recipe.addMirrorFiles(version: package.leewayVersion, npmName: npmName, npmVersion: version)
        }
        if config.packaging == .app {
            recipe.files.append(
                WrittenFile(path: "_pkg/package.json", content: installerManifest(package, npmName, version)))
        }
        prep += package.prep
        if !prep.isEmpty { recipe.steps.append(Step(.prep, prep)) }
        recipe.addYarnSteps(package, config, context, isOffline: try sources.isOffline(lock: lock))
        recipe.tools += recipe.steps.flatMap(\.commands).compactMap(\.first)
        return recipe
    }

    private static let lockEntryFile = "pkg-yarn.lock"
    private static let cache = "/fetched/yarn"

    private static func installerManifest(_ package: Package, _ npmName: String, _ npmVersion: String) -> [UInt8] {
        let manifest: JSON = [
            "name": "local", "version": .string(package.leewayVersion), "license": "UNLICENSED",
            "dependencies": .rows([(npmName, .string(npmVersion))]),
        ]
        return manifest.bytes()
    }

    /// Puts one dependency where yarn finds it: a library as an archive that the lock file names, anything else as a
    /// directory, and what a `link:` names as a `file:` dependency.
    private mutating func addYarnDependency(
        _ dependency: Package, of package: Package, _ config: YarnConfig, _ context: RecipeContext,
        manifest: inout JSONObject, lock: inout String?, prep: inout [[String]]
    ) throws(BuildError) {
        let place = package.place(of: dependency.name)
        var isLibrary = false
        if case .yarn(let other) = dependency.config { isLibrary = other.packaging == .library }
        let mirrored = config.packaging == .offlineMirror
        if isLibrary {
            dependencies.append(
                DependencyMount(package: dependency.name, path: "_libs/" + place, isPartOfArtifact: false))
            let archive = mirrored ? "_mirror/\(place).tar.gz" : "_libs/\(place).tgz"
            prep.append(["sh", "-c", Self.archiveCommand(of: "package", in: "_libs/\(place)", to: archive)])
            prep.append([
                "sh", "-c",
                "sed \"/resolved /c\\\\  resolved \\\"file://$PWD/\(archive)\\\"\" '_libs/\(place)/package/\(Self.lockEntryFile)' >> yarn.lock",
            ])
            lock = lock ?? ""
        } else {
            dependencies.append(DependencyMount(package: dependency.name, path: place, isPartOfArtifact: false))
            if mirrored {
                prep.append(["sh", "-c", Self.archiveCommand(of: ".", in: place, to: "_mirror/\(place).tar.gz")])
            }
        }
        guard dependency.type == .yarn else { return }
        let other = try YarnSources(package: dependency, context: context).manifest()
        guard let npmName = other["name"]?.stringValue else { return }
        for field in ["dependencies", "devDependencies"] {
            guard let reference = manifest[field]?[npmName]?.stringValue, reference.hasPrefix("link:") else { continue }
            let place = "_link_deps/\(npmName)"
            if !dependencies.contains(where: { $0.path == place }) {
                dependencies.append(
                    DependencyMount(
                        package: dependency.name, path: place, isPartOfArtifact: false,
                        subdirectory: isLibrary ? "package" : "node_modules/\(npmName)"))
            }
            var table = manifest[field]?.objectValue ?? [:]
            table[npmName] = .string("file:./\(place)")
            manifest[field] = .object(table)
            for old in [reference, reference.replacing("link:./", with: "link:")] {
                lock = lock?.replacing("\"\(npmName)@\(old)\"", with: "\"\(npmName)@file:./\(place)\"")
            }
        }
    }

    /// A shell line that archives `entry` so that the same files always give the same bytes. yarn takes the first
    /// component off every name, so it has to be `package`, as in npm's own archives.
    private static func archiveCommand(of entry: String, in directory: String, to archive: String) -> String {
        "tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r,go-w -C '\(directory)' -c \(entry) | gzip -n > '\(archive)'"
    }

    private mutating func addMirrorFiles(version: String, npmName: String, npmVersion: String) {
        let lockScript = """
            #!/bin/bash
            set -Eeuo pipefail
            here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
            sed "s?resolved \\"file://.*/?resolved \\"file://$here/?g" "$here/content_yarn.lock"

            """
        let installScript = """
            #!/bin/bash
            set -Eeuo pipefail
            here=$(dirname "${BASH_SOURCE[0]}")
            cp "$here/installer-package.json" package.json
            "$here/get_yarn_lock.sh" > yarn.lock
            mkdir -p _temp_yarn_cache
            yarn install --frozen-lockfile --prod --cache-folder _temp_yarn_cache
            rm -r yarn.lock _temp_yarn_cache

            """
        let installer: JSON = [
            "name": "local", "version": .string(version), "license": "UNLICENSED",
            "dependencies": .rows([(npmName, .string(npmVersion))]),
        ]
        files += [
            WrittenFile(path: "_mirror/get_yarn_lock.sh", content: Array(lockScript.utf8), isExecutable: true),
            WrittenFile(path: "_mirror/install.sh", content: Array(installScript.utf8), isExecutable: true),
            WrittenFile(
                path: "_mirror/installer-package.json", content: installer.bytes()),
            WrittenFile(path: ".yarnrc", content: Array("yarn-offline-mirror \"./_mirror\"\n".utf8)),
        ]
    }

    private mutating func addYarnSteps(
        _ package: Package, _ config: YarnConfig, _ context: RecipeContext, isOffline: Bool
    ) {
        let install = ["yarn", "install", "--frozen-lockfile", "--non-interactive", "--cache-folder", Self.cache]
        var fetch = Step(
            .fetch, [config.install.isEmpty ? install + (isOffline ? ["--offline"] : []) : config.install])
        fetch.usesNetwork = !isOffline
        steps.append(fetch)
        if !config.dontTest, !context.dontTest {
            var test = Step(.test, [config.test.isEmpty ? ["yarn", "test"] : config.test])
            test.keepsFiles = false
            steps.append(test)
        }
        steps.append(Step(.build, [config.build.isEmpty ? ["yarn", "build"] : config.build]))
        let entry = "yarn generate-lock-entry --resolved"
        let safe = package.name.fileSystemSafe
        switch config.packaging {
        case .library:
            steps.append(
                Step(
                    .package,
                    [
                        ["sh", "-c", "\(entry) file:///package.tgz > \(Self.lockEntryFile)"],
                        ["yarn", "pack", "--filename", "/tmp/package.tgz"],
                        ["mkdir", "_martlet"],
                        ["tar", "-xzf", "/tmp/package.tgz", "-C", "_martlet"],
                    ]))
            artifactDirectory = "_martlet"
        case .app:
            steps.append(
                Step(
                    .package,
                    [
                        ["sh", "-c", "\(entry) file:///tmp/package.tgz > \(Self.lockEntryFile)"],
                        ["yarn", "pack", "--filename", "/tmp/package.tgz"],
                        ["sh", "-c", "cat yarn.lock \(Self.lockEntryFile) > _pkg/yarn.lock"],
                        // yarn finds the mirror through the .yarnrc of the directory above.
                        [
                            "yarn", "--cwd", "_pkg", "install", "--prod", "--frozen-lockfile", "--non-interactive",
                            "--offline", "--cache-folder", Self.cache,
                        ],
                        // A list of times and absolute paths that nothing reads.
                        ["rm", "-f", "_pkg/node_modules/.yarn-integrity"],
                    ]))
            artifactDirectory = "_pkg"
        case .offlineMirror:
            steps.append(
                Step(
                    .package,
                    [
                        ["sh", "-c", "\(entry) file://./_mirror/\(safe).tar.gz > _mirror/content_yarn.lock"],
                        ["sh", "-c", "cat yarn.lock >> _mirror/content_yarn.lock"],
                        ["yarn", "pack", "--filename", "/tmp/package.tgz"],
                        [
                            "sh", "-c",
                            "mkdir /tmp/unpacked && tar -xzf /tmp/package.tgz -C /tmp/unpacked && "
                                + Self.archiveCommand(of: "package", in: "/tmp/unpacked", to: "_mirror/\(safe).tar.gz"),
                        ],
                    ]))
            artifactDirectory = "_mirror"
        case .archive:
            leftOut = ["_libs", "_link_deps"]
        }
    }
}

/// The files of a yarn package that its recipe depends on.
private struct YarnSources {
    let package: Package
    let context: RecipeContext

    /// The content of the source with this name in the package's own directory, or of an implicit source of that name.
    private func read(_ name: String) throws(BuildError) -> [UInt8]? {
        let own = package.name.component == "//" ? name : "\(package.name.component)/\(name)"
        let source =
            package.sources.first { $0.isImplicit && ($0.path == name || $0.path.hasSuffix("/" + name)) }
            ?? package.sources.first { $0.path == own }
        guard let source else { return nil }
        do {
            return try context.readSource(source.path)
        } catch {
            throw BuildError(.missing, "cannot read \(source.path): \(error)", package: package.name)
        }
    }

    /// `package.json`, which every yarn package must have.
    func manifest() throws(BuildError) -> JSONObject {
        guard let bytes = try read("package.json") else {
            throw BuildError(
                .configuration, "yarn packages must have a package.json among their sources", package: package.name,
                location: package.location)
        }
        do throws(ParseError) {
            guard let manifest = try JSON(parsing: bytes).objectValue else {
                throw ParseError("package.json is not an object", at: 0)
            }
            return manifest
        } catch {
            throw BuildError(
                .configuration, "package.json: \(error)", package: package.name, location: package.location)
        }
    }

    func lock() throws(BuildError) -> String? {
        try read("yarn.lock").map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether everything that the lock file names is in the workspace: in an offline mirror or by a path.
    func isOffline(lock: String?) throws(BuildError) -> Bool {
        guard let lock else { return false }
        if let settings = try read(".yarnrc"), String(decoding: settings, as: UTF8.self).contains("yarn-offline-mirror")
        {
            return true
        }
        return !lock.contains("resolved \"http")
    }
}
