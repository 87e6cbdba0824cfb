import Host
import SystemPackage

/// Copies of trees, for where they can't be mounted.
enum TreeCopy {
    private static let chunk = 1 << 20

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

    /// Copies what is in `source` into the directory `target`; modes are kept but for owner's access, links as links.
    static func copy(_ source: FilePath, into target: FilePath) throws {
        try DirectoryWalk(source, withStatus: true).forEach { entry in
            let path = target.appending(entry.path)
            switch entry.kind {
            case .directory: try Files.createDirectories(path)
            case .link: try Files.symlink(Files.readLink(source.appending(entry.path)), at: path)
            case .regular:
                let mode = entry.status?.mode ?? 0o644
                try copyFile(source.appending(entry.path), to: path, mode: (mode & 0o777) | 0o600)
            default:
                throw SandboxError(.request, "only files, directories and links can be given to a step", path: path)
            }
            return true
        }
    }

    static func copyFile(_ source: FilePath, to target: FilePath, mode: UInt16) throws {
        let from = try FileDescriptor.open(source, .readOnly, options: [.closeOnExec])
        try from.closeAfter {
            let to = try FileDescriptor.open(
                target, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: FilePermissions(rawValue: CInterop.Mode(mode)))
            try to.closeAfter {
                while let bytes = try from.availableBytes(chunk), !bytes.isEmpty { _ = try to.writeAll(bytes) }
            }
        }
    }
}
