internal import Host
package import SystemPackage
package import Wire

/// How registries are reached.
package struct RegistrySettings: Sendable {
    package var wire: WireSettings
    package var credentials: CredentialStore
    /// Registries on this machine may be asked without encryption; others only when somebody says so.
    package var allowsPlainHTTP = false
    /// How many contents are moved at the same time.
    package var width = 6
    /// Content beyond this size is sent in pieces of it, so that no more is sent again after a break.
    package var chunkSize = 8 << 20
    /// Where it is written down how far uploads came; `nil` begins anew each time.
    package var state: FilePath?
    /// How often a transfer that broke is taken up again without having got any further.
    package var attempts = 5
    /// Says something to the person, once for each text.
    package var warn: @Sendable (String) -> Void = { _ in }
    /// Hears how many bytes came or went.
    package var progress: @Sendable (Int) -> Void = { _ in }

    package init(wire: WireSettings, credentials: CredentialStore) {
        self.wire = wire
        self.credentials = credentials
    }

    /// Settings from the environment.
    package init(userAgent: String, environment: [String: String], dockerConfig: String? = nil) {
        self.init(
            wire: WireSettings(userAgent: userAgent, environment: environment),
            credentials: CredentialStore(environment: environment, dockerConfig: dockerConfig))
        let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
        if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") {
            state = FilePath(folder).appending("martlet").appending("uploads")
        } else if let home {
            state = FilePath(home).pushing(".local/state/martlet/uploads")
        }
    }
}
