internal import Authority
internal import Host
internal import NIOSSL
internal import SystemPackage

/// The server's own certificate.
enum ServerCertificate {
    /// The name of the self-made certificate in the data directory, for clients to trust.
    static let fileName = "tls-certificate.pem"
    private static let keyName = "tls-key.pem"

    /// What TLS needs; `nil` where the server speaks plain HTTP.
    static func configuration(_ settings: ServerSettings) throws -> TLSConfiguration? {
        let certificateFile: FilePath
        let keyFile: FilePath
        switch settings.tls {
        case .none: return nil
        case .files(let certificate, let key): (certificateFile, keyFile) = (certificate, key)
        case .selfMade(let names):
            certificateFile = settings.data.appending(fileName)
            keyFile = settings.data.appending(keyName)
            if try !Files.exists(certificateFile) || !Files.exists(keyFile) {
                let defaults = ["localhost", "127.0.0.1", "::1", settings.address.host]
                let made = try SelfSignedCertificate(
                    names: names.isEmpty ? defaults : names, at: Clocks.nowNanoseconds() / 1_000_000_000)
                try Files.remove(keyFile)
                _ = try Files.writeSecret(Array(made.keyPEM.utf8), to: keyFile)
                try Files.write(Array(made.certificatePEM.utf8), to: certificateFile, durable: true)
            }
        }
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(Files.read(certificateFile, limit: 1 << 20))
            let key = try NIOSSLPrivateKey(bytes: Files.read(keyFile, limit: 1 << 20), format: .pem)
            guard !chain.isEmpty else { throw ServeError(.configuration, "\(certificateFile) holds no certificate") }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            return configuration
        } catch let error as NIOSSLError {
            throw ServeError(
                .configuration, "\(certificateFile) and \(keyFile) are no certificate and key in PEM: \(error)")
        }
    }
}
