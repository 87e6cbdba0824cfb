internal import Glibc
package import SystemPackage

/// Finds programs as a shell does.
package enum ToolPath {
    /// The real path, links resolved, of the first executable file called `name` in the colon-separated directories
    /// `path`; `nil` when there is none. A name with a slash is taken as it is. Relative directories are skipped: what
    /// they name depends on the working directory.
    package static func find(_ name: String, path: String) -> FilePath? {
        guard !name.isEmpty else { return nil }
        if name.utf8.contains(UInt8(ascii: "/")) { return executable(FilePath(name)) }
        for directory in path.split(separator: ":") where directory.utf8.first == UInt8(ascii: "/") {
            if let found = executable(FilePath(String(directory)).appending(name)) { return found }
        }
        return nil
    }

    /// The absolute path of `path` without any symbolic link in it; `nil` when it does not exist or can't be reached.
    package static func resolve(_ path: FilePath) -> FilePath? {
        guard let resolved = unsafe path.withPlatformString({ unsafe realpath($0, nil) }) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe FilePath(platformString: resolved)
    }

    private static func executable(_ path: FilePath) -> FilePath? {
        guard unsafe path.withPlatformString({ unsafe access($0, X_OK) }) == 0,
            let status = try? Files.status(path), status.kind == .regular
        else { return nil }
        return resolve(path)
    }
}
