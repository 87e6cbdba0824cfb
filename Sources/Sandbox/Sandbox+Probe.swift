import Host
package import SystemPackage

extension Sandbox {
    /// Finds out by trying how strong the walls of this machine can be, and why not stronger.
    package static func probe() async -> (level: SandboxLevel, reason: String?) {
        await probe(bubblewrap: "/usr/bin/bwrap", scratch: "/tmp")
    }

    /// - Parameter scratch: a directory on the file system where builds will happen.
    package static func probe(
        bubblewrap: FilePath, scratch: FilePath
    ) async -> (level: SandboxLevel, reason: String?) {
        guard (try? Files.status(bubblewrap)) ?? nil != nil else {
            return (.off, "bubblewrap is not installed (\(bubblewrap)); install the package `bubblewrap`")
        }
        do {
            let directory = try Files.temporaryDirectory(in: scratch, prefix: "martlet-probe-")
            defer { try? Files.removeTree(directory) }
            let sandbox = try Sandbox(level: .full, scratch: directory, bubblewrap: bubblewrap)
            guard let overlayReason = try await sandbox.obstacle(nil, overlay: true) else { return (.full, nil) }
            guard let reason = try await sandbox.obstacle(nil, overlay: false) else {
                return (.namespaces, "overlays cannot be mounted here: \(overlayReason)")
            }
            return (.off, "this machine does not allow sandboxes: \(reason)")
        } catch {
            return (.off, "the sandbox could not be tried: \(error)")
        }
    }
}
