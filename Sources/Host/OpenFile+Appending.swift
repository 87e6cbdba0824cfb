internal import Glibc
package import SystemPackage

extension OpenFile {
    /// Opens an existing file to write at its end.
    package init(appending path: FilePath) throws {
        try self.init(path, flags: O_WRONLY | O_APPEND | O_NOFOLLOW)
    }

    /// Writes all of `span` at the current position.
    package func write(_ span: RawSpan) throws {
        try unsafe span.withUnsafeBytes { buffer throws in try unsafe write(buffer) }
    }
}
