internal import Bytes
internal import Host
internal import SystemPackage
package import Wire

/// Tokens that a build service has ready for its jobs.
package enum AmbientToken {
    /// Where a job on Kubernetes finds a token with Sigstore's audience.
    package static let kubernetesFile = "/var/run/sigstore/cosign/oidc-token"

    /// The variables that hold such a token, or what it takes to get one.
    package static let secretVariables = [
        "SIGSTORE_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SIGSTORE_ID_TOKEN_FILE",
        "CIRCLE_OIDC_TOKEN_V2",
    ]

    /// The token of the service that this job runs on; `nil` where there is none.
    ///
    /// In this order: `SIGSTORE_ID_TOKEN` (GitLab's `id_tokens`, and anyone else's), GitHub Actions' request, a file on
    /// Kubernetes, CircleCI's variable.
    package static func find(
        environment: [String: String], transport: any HTTPTransport, kubernetesFile: String = kubernetesFile
    ) async throws(SigstoreError) -> IdentityToken? {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let token = value("SIGSTORE_ID_TOKEN") { return try IdentityToken(token) }
        if let address = value("ACTIONS_ID_TOKEN_REQUEST_URL"), let secret = value("ACTIONS_ID_TOKEN_REQUEST_TOKEN") {
            return try await gitHub(address, secret, transport)
        }
        if let file = value("SIGSTORE_ID_TOKEN_FILE") {
            guard let token = try read(file) else {
                throw SigstoreError(.absent, "SIGSTORE_ID_TOKEN_FILE names \(file.safeForTerminal), which is not there")
            }
            return token
        }
        if let token = try read(kubernetesFile) { return token }
        if let token = value("CIRCLE_OIDC_TOKEN_V2") { return try IdentityToken(token) }
        return nil
    }

    /// Asks GitHub Actions for a token (GitHub, "OpenID Connect reference"). The job needs `id-token: write`.
    private static func gitHub(
        _ address: String, _ secret: String, _ transport: any HTTPTransport
    ) async throws(SigstoreError) -> IdentityToken {
        do {
            let url = try HTTPURL(address + (address.contains("?") ? "&" : "?") + "audience=\(IdentityToken.audience)")
            guard url.isConfidential else {
                throw SigstoreError(
                    .refused, "ACTIONS_ID_TOKEN_REQUEST_URL is not encrypted, and no secret is sent there")
            }
            var request = HTTPRequest(
                .get, url, fields: ["Authorization": "bearer \(secret)", "Accept": "application/json"])
            request.staysAtOrigin = true
            let bytes = try await transport.fetch(request, limit: IdentityToken.greatestByteCount).success()
            guard let token = (try? JSON(parsing: bytes))?["value"]?.stringValue else {
                throw SigstoreError(.refused, "GitHub Actions answers without a token")
            }
            return try IdentityToken(token)
        } catch let error as SigstoreError {
            throw error
        } catch let error as WireError {
            throw SigstoreError(error, asking: "GitHub Actions for a token")
        } catch {
            throw SigstoreError(.unreachable, "\(error)")
        }
    }

    private static func read(_ file: String) throws(SigstoreError) -> IdentityToken? {
        do {
            return try IdentityToken(Files.readText(FilePath(file), limit: IdentityToken.greatestByteCount))
        } catch let error as HostError where error.code == .notFound {
            return nil
        } catch let error as SigstoreError {
            throw error
        } catch {
            throw SigstoreError(.unreachable, "\(error)")
        }
    }
}

extension SigstoreError {
    /// A failed request to a service.
    init(_ error: WireError, asking what: String) {
        let code: Code =
            switch error.code {
            case .status, .tooLarge, .untrusted, .redirect: (error.status ?? 0) >= 500 ? .unreachable : .refused
            case .malformed: .malformed
            default: .unreachable
            }
        self.init(code, "asking \(what): \(error.message)")
    }
}
