internal import Workspace

/// The variables of every step. Nothing else of the host's environment reaches one.
enum StepEnvironment {
    /// Where the workspace is in every step's file tree.
    static let workspaceDirectory = "/build"
    /// A directory in memory that is private to each step and gone after it.
    static let home = "/homeless"
    /// What fetch steps leave for later ones.
    static let fetchedDirectory = "/fetched"

    /// 1980-01-01, the earliest time that every archive format can hold. The time of a commit would give one key two
    /// results.
    static let sourceDateEpoch = "315532800"

    /// Debian's yarn finds its own modules only through Debian's node unless it is told where they are.
    static let debianNode = ["NODE_PATH": "/usr/share/nodejs"]

    /// Where the package's own directory is in a step's file tree.
    static func directory(of component: String) -> String {
        component == "//" ? workspaceDirectory : "\(workspaceDirectory)/\(component)"
    }

    /// The whole environment of a step.
    /// - Parameter passed: variables taken from martlet's own environment because the package asks for them.
    static func variables(
        for package: Package, step: Recipe.Step, searchPath: String, passed: [String: String]
    ) -> [String: String] {
        var variables = [
            "HOME": home,
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "LEEWAY_WORKSPACE_ROOT": workspaceDirectory,
            "PATH": searchPath,
            "SOURCE_DATE_EPOCH": sourceDateEpoch,
            "TMPDIR": "/tmp",
            "TZ": "UTC",
            "USER": "builder",
        ]
        switch package.type {
        case .go:
            variables["GOCACHE"] = "/tmp/go-build"
            variables["GOFLAGS"] = "-buildvcs=false"
            variables["GOMODCACHE"] = "\(fetchedDirectory)/go"
            variables["GOPATH"] = "/tmp/go"
            variables["GOPROXY"] = "off"
            variables["GOTOOLCHAIN"] = "local"
        case .yarn:
            variables.merge(debianNode) { $1 }
            variables["YARN_CACHE_FOLDER"] = "\(fetchedDirectory)/yarn"
        case .docker:
            variables["DOCKER_BUILDKIT"] = "1"
        case .generic, .image, .swift: break
        }
        variables.merge(step.environment) { $1 }
        variables.merge(passed) { $1 }
        for line in package.environment {
            guard let equals = line.firstIndex(of: "=") else { continue }
            variables[String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
        return variables
    }
}
