internal import Glibc
package import SystemPackage

extension Files {
    /// Removes a directory that has no entries; absent is fine, entries are an error.
    package static func removeEmptyDirectory(_ path: FilePath) throws {
        guard unsafe path.withPlatformString({ unsafe rmdir($0) }) == 0 || errno == ENOENT else {
            throw HostError.last("remove the directory", path: path)
        }
    }
}
