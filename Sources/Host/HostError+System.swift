internal import Glibc
package import SystemPackage

extension HostError {
    /// The error for a refused system call, with the remedy that fits its `errno`.
    ///
    /// `operation` reads as the end of "could not", for instance "open the file".
    package static func system(_ operation: String, _ number: Int32, path: FilePath? = nil) -> HostError {
        let (code, reason) = explain(number)
        return HostError(code, "could not \(operation): \(reason)", path: path, errorNumber: number)
    }

    /// The error for the system call that just failed; reads `errno`, so nothing may come between.
    static func last(_ operation: String, path: FilePath? = nil) -> HostError {
        system(operation, errno, path: path)
    }

    private static func explain(_ number: Int32) -> (Code, String) {
        switch number {
        case ENOENT: (.notFound, "there is no such file or directory")
        case ENOTDIR: (.notFound, "a part of the path is not a directory")
        case EACCES: (.permission, "permission denied; check the owner and mode of the path and its directories")
        case EPERM: (.permission, "the system does not permit it for this user or file system")
        case EROFS: (.permission, "the file system is mounted read-only")
        case ENOSPC: (.noSpace, "the disk is full (blocks or inodes); free some space and try again")
        case EDQUOT: (.noSpace, "the disk quota is used up; free some space and try again")
        case EFBIG: (.tooLarge, "the file would be larger than the system allows; check 'ulimit -f'")
        case EMFILE: (.system, "too many open files in this process; raise 'ulimit -n'")
        case ENFILE: (.system, "too many open files on this machine; raise fs.file-max")
        case ENOMEM: (.system, "out of memory")
        case ELOOP: (.input, "too many symbolic links, or a symbolic link where none is accepted")
        case ENAMETOOLONG: (.input, "the name is too long")
        case EXDEV: (.system, "the two paths are on different file systems")
        case EMLINK: (.system, "the file has as many hard links as its file system allows")
        case EEXIST: (.system, "it exists already")
        case ENOTEMPTY: (.system, "the directory is not empty")
        case EISDIR: (.input, "it is a directory")
        case EIO: (.system, "the disk reported an input/output error; check its health")
        case ESTALE: (.changed, "the file vanished on its file server")
        default: (.system, text(of: number))
        }
    }

    /// The C library's words for `number`. martlet never sets a locale, so they are English.
    private static func text(of number: Int32) -> String { unsafe String(cString: strerror(number)) }
}
