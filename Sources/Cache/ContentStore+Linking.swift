package import Bytes
internal import Host
package import SystemPackage

extension ContentStore {
    /// Puts one blob at `path`, where nothing may be, by a hard link where that is possible. The blob is verified.
    ///
    /// For readers only, as `link`. Throws a `CacheError` with `isMiss` when the blob is absent or damaged.
    package func link(blob digest: Digest, size: Int, isExecutable: Bool, to path: FilePath) throws {
        let name = BlobName(digest, isExecutable: isExecutable)
        guard let last = path.lastComponent else {
            throw CacheError(.input, "is not the name of a file", path: path.string)
        }
        let parent = try OpenDirectory(path.removingLastComponent())
        try directory.withoutCollection {
            try link(Item(path: last.string, name: name, size: size), to: parent)
        }
    }
}
