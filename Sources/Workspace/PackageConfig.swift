/// The `config` of a package, by type, with the variant's defaults filled in.
package enum PackageConfig: Hashable, Sendable {
    case generic(GenericConfig)
    case go(GoConfig)
    case yarn(YarnConfig)
    case docker(DockerConfig)
    case image(ImageConfig)
    case swift(SwiftConfig)
}

/// `config` of a generic package: commands without a shell.
package struct GenericConfig: Hashable, Sendable {
    package var commands: [[String]] = []
    package var test: [[String]] = []
    package var dontTest = false

    package init() {}
}

/// `config` of a Go package.
package struct GoConfig: Hashable, Sendable {
    package enum Packaging: String, Sendable { case app, library }

    package var packaging = Packaging.app
    package var generate = false
    package var dontTest = false
    package var dontCheckGoFmt = false
    package var dontLint = false
    package var buildFlags: [String] = []
    package var buildCommand: [String] = []
    package var lintCommand: [String] = []
    package var goVersion = ""
    package var goMod = ""

    package init() {}
}

/// `config` of a yarn package.
package struct YarnConfig: Hashable, Sendable {
    package enum Packaging: String, Sendable { case app, library, archive, offlineMirror = "offline-mirror" }

    package var yarnLock = ""
    package var tsconfig = ""
    package var packaging = Packaging.app
    package var dontTest = false
    /// Empty means yarn's own command of that name.
    package var install: [String] = []
    package var build: [String] = []
    package var test: [String] = []

    package init() {}
}

/// `config` of a docker package.
package struct DockerConfig: Hashable, Sendable {
    package var dockerfile = "Dockerfile"
    package var image: [String] = []
    package var buildArgs: [String: String] = [:]
    package var squash = false
    package var metadata: [String: String] = [:]
    package var exportToCache: Bool?

    package init() {}
}

/// `config` of an image package, a type of martlet's own.
package struct ImageConfig: Hashable, Sendable {
    /// How layers are packed.
    package enum Compression: String, Sendable, CaseIterable {
        case gzip, zstd, none, estargz, zstdChunked = "zstd:chunked"
    }

    /// The image's definition, relative to the component.
    package var definition = "image.yaml"
    /// The lock of its Debian packages, relative to the component; empty for an image without any.
    package var lock = ""
    package var compression = Compression.gzip
    /// Where in the image the provenance of its packages is put, relative to the root; empty for nowhere.
    package var provenance = ""

    package init() {}
}

/// `config` of a Swift package, a type of martlet's own.
package struct SwiftConfig: Hashable, Sendable {
    package enum Configuration: String, Sendable { case debug, release }

    package var configuration = Configuration.release
    /// Executable products to build and package; empty means all that the package has.
    package var products: [String] = []
    package var dontTest = false
    package var buildFlags: [String] = []

    package init() {}
}

/// martlet's own settings of a package, under its `martlet:` key, which Leeway ignores.
package struct PackageSettings: Hashable, Sendable {
    /// Commands that run before the others with the network open. What they leave in `fetched/` is recorded by
    /// digest, becomes a resolved dependency, and is all that later steps see of them.
    package var fetch: [[String]] = []
    /// Names of programs whose files are part of the action key beside those that the commands name.
    package var tools: [String] = []
    /// Host directories that steps may read beside the usual ones.
    package var toolRoots: [String] = []
    /// Names of variables that are taken from martlet's own environment; name and value are part of the action key.
    package var passEnvironment: [String] = []
    /// The paths, relative to the package's directory, that make the artifact; empty means everything.
    package var outputs: [String] = []
    /// Time limit of each step in seconds.
    package var timeLimit: Int?
    /// Memory limit of each step in bytes.
    package var memoryLimit: Int?
    /// Limit of processes of each step.
    package var processLimit: Int?

    package init() {}
}
