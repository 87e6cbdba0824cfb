internal import Bytes
internal import Host
internal import SystemPackage
internal import Workspace

/// Which result of each package of a workspace was used last, so that a later run can say what changed since.
struct ResultHistory: Sendable {
    private static let byteLimit = 64 << 20
    private static let packageLimit = 200_000

    private let file: FilePath

    /// - Parameter directory: where the cache keeps histories, one file for each workspace.
    init(of root: FilePath, in directory: FilePath) {
        file = directory.appending("\(Digest.of(root.string).hex).json")
    }

    /// The key of the last result of each package. A damaged history is an empty one.
    func keys() -> [PackageName: Digest] {
        guard let bytes = try? Files.read(file, limit: Self.byteLimit),
            let members = (try? JSON(parsing: bytes))?["packages"]?.objectValue
        else { return [:] }
        var keys: [PackageName: Digest] = [:]
        for member in members {
            guard let name = PackageName(member.key), let key = member.value.stringValue.flatMap({ Digest(hex: $0) })
            else { continue }
            keys[name] = key
        }
        return keys
    }

    /// Takes the results of a build. Nothing is written when all of them are known.
    func record(_ new: [PackageName: Digest]) async throws {
        func isKnown(_ known: [PackageName: Digest]) -> Bool { new.allSatisfy { known[$0.key] == $0.value } }
        guard !isKnown(keys()) else { return }
        try Files.createDirectories(file.removingLastComponent())
        try await FileLock(FilePath(file.string + ".lock")).withLock {
            var all = keys()
            if all.count > Self.packageLimit { all = [:] }
            all.merge(new) { $1 }
            let rows = all.sorted { $0.key < $1.key }.map { ($0.key.description, JSON.string($0.value.hex)) }
            let json: JSON = ["version": 1, "packages": .rows(rows)]
            try Files.write(json.canonical(), to: file)
        }
    }
}
