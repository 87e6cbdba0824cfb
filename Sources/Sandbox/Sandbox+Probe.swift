import Host
package import SystemPackage

extension Sandbox {
    /// What a trial said of this machine's walls.
    package struct Finding: Sendable {
        package var level: SandboxLevel
        /// Why they are not stronger.
        package var reason: String?
        /// Whether steps are a user of the host that exists for nothing else; `nil` when that was not tried.
        package var hasOwnUser: Bool?

        package init(level: SandboxLevel, reason: String? = nil, hasOwnUser: Bool? = nil) {
            self.level = level
            self.reason = reason
            self.hasOwnUser = hasOwnUser
        }
    }

    /// Finds out by trying how strong the walls of this machine can be, and why not stronger.
    package static func probe() async -> Finding { await probe(bubblewrap: "/usr/bin/bwrap", scratch: "/tmp") }

    /// - Parameter scratch: a directory on the file system where builds will happen.
    package static func probe(bubblewrap: FilePath, scratch: FilePath) async -> Finding {
        guard (try? Files.status(bubblewrap)) ?? nil != nil else {
            return Finding(
                level: .off, reason: "bubblewrap is not installed (\(bubblewrap)); install the package `bubblewrap`")
        }
        do {
            let directory = try Files.temporaryDirectory(in: scratch, prefix: "martlet-probe-")
            defer { try? Files.removeTree(directory) }
            let sandbox = try Sandbox(level: .full, scratch: directory, bubblewrap: bubblewrap)
            // Such a user is given only after a trial, which needs no other after it.
            if try await sandbox.hasOwnUser() { return Finding(level: .full, hasOwnUser: true) }
            guard let overlayReason = try await sandbox.obstacle(nil, overlay: true) else {
                return Finding(level: .full, hasOwnUser: false)
            }
            guard let reason = try await sandbox.obstacle(nil, overlay: false) else {
                return Finding(level: .namespaces, reason: "overlays cannot be mounted here: \(overlayReason)")
            }
            return Finding(level: .off, reason: "this machine does not allow sandboxes: \(reason)")
        } catch {
            return Finding(level: .off, reason: "the sandbox could not be tried: \(error)")
        }
    }
}
