import Dispatch
import Host
import Synchronization
import SystemPackage

/// Copies of trees, for where they can't be mounted.
enum TreeCopy {
    /// Files that are copied by one piece of work.
    private static let chunk = 64

    /// The request with every overlay's `lower` copied into its `upper`, which is then simply writable.
    static func replacingOverlays(_ request: SandboxRequest) throws -> SandboxRequest {
        var request = request
        for (index, mount) in request.mounts.enumerated() {
            guard case .overlay(let lower, let upper, _, at: let place) = mount else { continue }
            try copy(lower, into: upper)
            request.mounts[index] = .writable(upper, at: place)
        }
        return request
    }

    /// Copies what is in `source` into the directory `target`, on all cores; modes are kept but for owner's access, links
    /// as links.
    static func copy(_ source: FilePath, into target: FilePath) throws {
        var files: [(path: String, mode: UInt16)] = []
        try DirectoryWalk(source, withStatus: true).forEach { entry in
            let path = target.appending(entry.path)
            switch entry.kind {
            case .directory: try Files.createDirectories(path)
            case .link: try Files.symlink(Files.readLink(source.appending(entry.path)), at: path)
            case .regular: files.append((entry.path, ((entry.status?.mode ?? 0o644) & 0o777) | 0o600))
            default:
                throw SandboxError(.request, "only files, directories and links can be given to a step", path: path)
            }
            return true
        }
        let found = files
        let failure = Mutex<(any Error)?>(nil)
        DispatchQueue.concurrentPerform(iterations: (found.count + chunk - 1) / chunk) { number in
            guard failure.withLock({ $0 == nil }) else { return }
            do {
                for (path, mode) in found[(number * chunk)..<min((number + 1) * chunk, found.count)] {
                    try copyFile(source.appending(path), to: target.appending(path), mode: mode)
                }
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    static func copyFile(_ source: FilePath, to target: FilePath, mode: UInt16) throws {
        let input = try OpenFile(reading: source)
        try OpenFile(creating: target, mode: mode).copyAll(from: input)
    }
}
