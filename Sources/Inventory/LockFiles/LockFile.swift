internal import Bytes

/// What a lock file says: components, who needs whom, and what is not pinned.
package struct LockFile: Sendable {
    /// The formats, by the file's name.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case cargo = "Cargo.lock"
        case composer = "composer.lock"
        case dpkgStatus = "dpkg status"
        case debianLock = "Debian lock"
        case gemfile = "Gemfile.lock"
        case goMod = "go.mod"
        case goSum = "go.sum"
        case gradle = "gradle.lockfile"
        case npm = "package-lock.json"
        case pipfile = "Pipfile.lock"
        case pnpm = "pnpm-lock.yaml"
        case poetry = "poetry.lock"
        case requirements = "requirements.txt"
        case swift = "Package.resolved"
        case uv = "uv.lock"
        case yarn = "yarn.lock"

        /// The format of the file at `path`, decided by its name alone; `nil` for other files.
        package init?(path: some StringProtocol) {
            let parts = path.split(separator: "/")
            guard let name = parts.last.map({ String($0) }) else { return nil }
            switch name {
            case "npm-shrinkwrap.json": self = .npm
            case "buildscript-gradle.lockfile": self = .gradle
            case "status" where parts.suffix(3).elementsEqual(["lib", "dpkg", "status"]): self = .dpkgStatus
            case _ where parts.count >= 3 && parts[parts.count - 2] == "status.d" && !name.hasSuffix(".md5sums"):
                self = .dpkgStatus
            case _ where name.hasSuffix(".txt") && name.hasPrefix("requirements"): self = .requirements
            case _ where name.hasSuffix(".lock.json"): self = .debianLock
            case Kind.dpkgStatus.rawValue, Kind.debianLock.rawValue: return nil
            default: self.init(rawValue: name)
            }
        }
    }

    /// What makes a build depend on more than the lock file: an entry without an exact version or without a digest.
    package struct Unpinned: Hashable, Sendable, CustomStringConvertible {
        package var file: String
        /// From 1; 0 where it is not known.
        package var line: Int
        package var name: String
        /// What is missing.
        package var reason: String

        package init(file: String, line: Int, name: String, reason: String) {
            self.file = file
            self.line = line
            self.name = name
            self.reason = reason
        }

        package var description: String {
            let place = line > 0 ? "\(file):\(line)" : file
            return "\(place): \(name) \(reason)".safeForTerminal
        }
    }

    package var kind: Kind
    package var path: String
    package private(set) var components: [Component] = []
    /// For each component the indices of those that it needs.
    package private(set) var dependencies: [[Int]] = []
    package private(set) var unpinned: [Unpinned] = []
    /// The pairs of `dependencies`, each as one number.
    private var connected: Set<Int> = []

    /// The largest file, in bytes.
    package static let byteLimit = 64 << 20
    /// The most components of one file.
    package static let componentLimit = 200_000

    init(_ kind: Kind, path: String) {
        self.kind = kind
        self.path = path
    }

    /// Reads a lock file.
    ///
    /// - Parameters:
    ///   - bytes: the file's content.
    ///   - kind: its format.
    ///   - path: its name in messages and in components.
    ///   - sibling: gives the content of the file of a name in the same directory; `nil` where there is none. `go.mod`
    ///     needs its `go.sum`.
    package init(
        parsing bytes: [UInt8], kind: Kind, path: String, sibling: (String) throws -> [UInt8]? = { _ in nil }
    ) throws {
        self.init(kind, path: path)
        guard bytes.count <= Self.byteLimit else {
            throw InventoryError(
                .limit, "the file has \(bytes.count) bytes; the limit is \(Self.byteLimit)", file: path)
        }
        do {
            switch kind {
            case .cargo: try readCargo(bytes)
            case .composer: try readComposer(bytes)
            case .debianLock: try readDebianLock(bytes)
            case .dpkgStatus: try readDpkgStatus(bytes)
            case .gemfile: try readGemfile(bytes)
            case .goMod: try readGoMod(bytes, sums: sibling("go.sum"))
            case .goSum: try readGoSum(bytes)
            case .gradle: try readGradle(bytes)
            case .npm: try readNpm(bytes)
            case .pipfile: try readPipfile(bytes)
            case .pnpm: try readPnpm(bytes)
            case .poetry: try readPoetry(bytes)
            case .requirements: try readRequirements(bytes)
            case .swift: try readSwift(bytes)
            case .uv: try readUV(bytes)
            case .yarn: try readYarn(bytes)
            }
        } catch let error as InventoryError {
            throw error.inFile(path)
        }
    }

    /// Adds a component, and gives its index.
    @discardableResult
    mutating func add(_ component: Component, line: Int = 0) throws(InventoryError) -> Int {
        guard components.count < Self.componentLimit else {
            throw InventoryError(.limit, "there are more than \(Self.componentLimit) components")
        }
        guard !component.name.isEmpty else {
            throw InventoryError(.malformed, "a component has no name", line: line > 0 ? line : nil)
        }
        var component = component
        component.file = path
        component.line = line
        components.append(component)
        dependencies.append([])
        return components.count - 1
    }

    /// Says that one component needs another.
    mutating func connect(_ from: Int, to: Int) {
        if from != to, connected.insert(from << 32 | to).inserted { dependencies[from].append(to) }
    }

    /// Changes a component that was added.
    mutating func update(_ index: Int, _ change: (inout Component) -> Void) { change(&components[index]) }

    /// Notes what is not pinned.
    mutating func note(_ name: String, line: Int, _ reason: String) {
        if unpinned.count < Self.componentLimit {
            unpinned.append(Unpinned(file: path, line: line, name: name, reason: reason))
        }
    }

    /// Marks as direct what no other component needs, where the format does not say.
    mutating func markUnneededAsDirect() {
        var isNeeded = [Bool](repeating: false, count: components.count)
        for list in dependencies { for index in list { isNeeded[index] = true } }
        for index in components.indices where components[index].isDirect == nil {
            components[index].isDirect = !isNeeded[index]
        }
    }
}
