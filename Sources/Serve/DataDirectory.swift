internal import Host
internal import SystemPackage

/// The directory of one server, which holds all that it keeps; locked as long as this value lives.
final class DataDirectory: Sendable {
    private let token: FileLock.Token

    /// Makes the directory where it is missing, readable for its owner alone, and locks it.
    ///
    /// Two servers on one directory would write one log twice: the second is refused.
    init(_ path: FilePath) throws {
        try Files.createDirectories(path, mode: 0o700)
        guard let token = try FileLock(path.appending("lock")).tryLock() else {
            throw ServeError(
                .busy, "another server uses \(path); stop it, or give this one a directory of its own with --data")
        }
        self.token = token
    }
}
