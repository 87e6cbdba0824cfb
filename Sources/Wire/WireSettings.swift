/// How the client reaches servers. Nothing here is a secret but a proxy's password.
package struct WireSettings: Sendable {
    /// What `User-Agent` says.
    package var userAgent: String
    /// No connection is opened, whatever is asked.
    package var isOffline = false
    /// PEM files with certificates of authorities that are trusted; empty for those of the system.
    package var authorityFiles: [String] = []
    package var proxies = ProxySettings()
    /// How long one request may take in all, repetitions included.
    package var deadline: Duration = .seconds(60)
    package var connectTimeout: Duration = .seconds(10)
    /// How long nothing may arrive.
    package var idleTimeout: Duration = .seconds(30)
    /// How often a request is sent, at most.
    package var attempts = 4
    /// How many redirects are followed.
    package var redirects = 5
    /// Waits; tests put in what does not.
    package var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    package init(userAgent: String) { self.userAgent = userAgent }

    /// Settings from the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` in either case, and `SSL_CERT_FILE`.
    package init(userAgent: String, environment: [String: String]) {
        self.userAgent = userAgent
        proxies = ProxySettings(environment: environment)
        if let file = environment["SSL_CERT_FILE"], !file.isEmpty { authorityFiles = [file] }
    }
}
