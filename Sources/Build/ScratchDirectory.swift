internal import Host
internal import SystemPackage

/// A directory in which one martlet's steps run: locked while it lives, and removed by the next one after it died.
final class ScratchDirectory: Sendable {
    let path: FilePath
    /// Held for as long as this object is there, and let go by the kernel when the process ends.
    private let token: FileLock.Token

    private static let lockSuffix = ".lock"

    /// Makes a directory of its own in `parent`, and removes those of martlets that are gone.
    init(in parent: FilePath) throws {
        try Files.createDirectories(parent, mode: 0o700)
        Self.sweep(parent)
        var number = 0
        while true {
            let name = "\(Machine.processID)-\(Clocks.nowNanoseconds())-\(number)"
            number += 1
            guard let token = try FileLock(parent.appending(name + Self.lockSuffix)).tryLock() else { continue }
            path = parent.appending(name)
            self.token = token
            try Files.createDirectory(path, mode: 0o700)
            return
        }
    }

    deinit {
        try? Files.removeTree(path)
        try? Files.remove(FilePath(path.string + Self.lockSuffix))
    }

    private static func sweep(_ parent: FilePath) {
        for file in (try? Files.list(parent)) ?? [] where file.hasSuffix(lockSuffix) {
            let lock = FileLock(parent.appending(file))
            guard let token = try? lock.tryLock() else { continue }
            try? Files.removeTree(parent.appending(String(file.dropLast(lockSuffix.count))))
            try? Files.remove(lock.path)
            token.unlock()
        }
    }
}
