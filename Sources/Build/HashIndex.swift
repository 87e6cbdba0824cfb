internal import Host
internal import Synchronization
internal import SystemPackage
internal import Workspace

/// The index of a workspace's file hashes, opened when a file has to be hashed: most runs compare statuses alone.
final class HashIndex: Sendable {
    private let file: FilePath
    private let began = Clocks.nowNanoseconds()
    /// The lock guards that it is opened once.
    private let opened = Mutex<StatIndex?>(nil)

    /// To be made before the first status is read: the index's rule against races counts from here.
    init(_ file: FilePath) { self.file = file }

    /// What a load asks.
    func memory() -> WorkspaceOptions.HashMemory {
        let index = opened.withLock { known in
            let index = known ?? StatIndex(file, began: began)
            known = index
            return index
        }
        var memory = WorkspaceOptions.HashMemory(
            recall: { path, status in
                guard let known = index.hashes(of: path, status), let highway = known.highway else { return nil }
                return ContentHashes(digest: known.digest, highway: highway, size: status.size)
            },
            remember: { new in
                for file in new {
                    index.remember(
                        .init(digest: file.hashes.digest, highway: file.hashes.highway), of: file.path, file.status)
                }
                // A workspace on a full disk can still be read.
                try? index.save()
            })
        memory.isEmpty = index.count == 0
        return memory
    }
}
