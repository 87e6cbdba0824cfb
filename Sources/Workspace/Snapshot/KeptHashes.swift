internal import Bytes
internal import Host
internal import SystemPackage

/// The hashes of files in a load that was kept, by path and status: for a load that can't take over the rest of it.
struct KeptHashes: Sendable {
    private let tree: StatTree
    private let files: FileTable
    /// Where the tree has what it knows of each file, by path.
    private let places: [String: StatTree.WatchedPlace]

    /// `nil` when nothing that can be used is kept in `file`.
    init?(_ file: FilePath) {
        guard let bytes = try? Files.read(file, limit: WorkspaceSnapshot.byteLimit),
            let (tree, files) = try? WorkspaceSnapshot.contents(of: bytes)
        else { return nil }
        self.tree = tree
        self.files = files
        places = tree.watchedPlaces()
    }

    /// The hashes of the file at `path` when its status is what it was.
    func recall(_ path: String, _ status: FileStatus) -> ContentHashes? {
        guard let place = places[path], tree.has(status, at: place), let file = files[place.number] else { return nil }
        guard file.path == path, file.size == status.size else { return nil }
        return ContentHashes(digest: file.digest, highway: file.leewayHash.bytes, size: file.size)
    }
}
