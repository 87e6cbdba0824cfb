/// Services from which a trusted root and a signing configuration are made.
package struct TrustCreation: Sendable {
    private let certificateAuthorities: [ServiceDescription]
    private let logs: [ServiceDescription]
    private let certificateLogs: [ServiceDescription]
    private let timestampAuthorities: [ServiceDescription]
    private let tokenIssuers: [ServiceDescription]

    /// Takes services as `ServiceDescription` reads them.
    package init(
        certificateAuthorities: [String], logs: [String], certificateLogs: [String], timestampAuthorities: [String],
        tokenIssuers: [String]
    ) throws(SigstoreError) {
        func read(_ texts: [String]) throws(SigstoreError) -> [ServiceDescription] {
            try texts.map { (text) throws(SigstoreError) in try ServiceDescription(parsing: text) }
        }
        self.certificateAuthorities = try read(certificateAuthorities)
        self.logs = try read(logs)
        self.certificateLogs = try read(certificateLogs)
        self.timestampAuthorities = try read(timestampAuthorities)
        self.tokenIssuers = try read(tokenIssuers)
    }

    package func trustedRoot() throws(SigstoreError) -> TrustedRoot {
        func authorities(_ services: [ServiceDescription]) throws(SigstoreError) -> [TrustedRoot.Authority] {
            try services.map { (service) throws(SigstoreError) in try service.authority() }
        }
        func logs(_ services: [ServiceDescription]) throws(SigstoreError) -> [TrustedRoot.Log] {
            try services.map { (service) throws(SigstoreError) in try service.log() }
        }
        return TrustedRoot(
            logs: try logs(self.logs), certificateLogs: try logs(certificateLogs),
            certificateAuthorities: try authorities(certificateAuthorities),
            timestampAuthorities: try authorities(timestampAuthorities))
    }

    package func signingConfig() throws(SigstoreError) -> SigningConfig {
        func services(_ list: [ServiceDescription]) throws(SigstoreError) -> [SigningConfig.Service] {
            try list.map { (service) throws(SigstoreError) in try service.service() }
        }
        return SigningConfig(
            certificateAuthorities: try services(certificateAuthorities), tokenIssuers: try services(tokenIssuers),
            logs: try services(logs), timestampAuthorities: try services(timestampAuthorities))
    }
}
