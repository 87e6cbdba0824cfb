internal import AsyncHTTPClient
internal import Bytes
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

extension WireError {
    /// The library's error in our words.
    init(_ error: any Error, url: HTTPURL) {
        let place = url.shown
        switch error {
        case let error as WireError: self = error
        case is CancellationError: self.init(.cancelled, "the request to \(place) was given up")
        case let error as HTTPClientError: self.init(client: error, at: place)
        case let error as NIOSSLError: self.init(security: error, at: place)
        case let error as NIOSSLExtraError:
            self.init(.untrusted, "\(place) proves to be another server: \(Self.short(error))")
        case let error as NIOConnectionError:
            let why = error.connectionErrors.last.map { Self.short($0.error) } ?? Self.lookup(error)
            self.init(
                .unreachable,
                "no connection to \(error.host):\(error.port): \(why); check the address, the network and the proxy settings"
            )
        default: self.init(.unreachable, "\(place) can't be reached: \(Self.short(error))")
        }
    }

    private init(client error: HTTPClientError, at place: String) {
        switch error {
        case .cancelled, .alreadyShutdown, .requestStreamCancelled:
            self.init(.cancelled, "the request to \(place) was given up")
        case .deadlineExceeded, .readTimeout, .writeTimeout, .getConnectionFromPoolTimeout:
            self.init(.timedOut, "\(place) did not answer in the time it was given")
        case .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout, .socksHandshakeTimeout:
            self.init(
                .unreachable, "\(place) did not accept a connection in time; check the network and the proxy settings")
        case .proxyAuthenticationRequired, .invalidProxyResponse:
            self.init(.unreachable, "the proxy on the way to \(place) refuses: \(Self.short(error))")
        case .bodyLengthMismatch:
            self.init(.malformed, "the content for \(place) is not as long as was announced")
        default:
            if Self.isOurFault(error) {
                self.init(.malformed, "the request to \(place) can't be sent: \(Self.short(error))")
            } else {
                self.init(.unreachable, "\(place) broke off: \(Self.short(error))")
            }
        }
    }

    private static func isOurFault(_ error: HTTPClientError) -> Bool {
        let text = "\(error)"
        return text.contains("invalidHeaderField") || text.contains("invalidURL")
            || text.contains("incompatibleHeaders")
    }

    private init(security error: NIOSSLError, at place: String) {
        switch error {
        case .handshakeFailed(let reason) where "\(reason)".contains("CERTIFICATE_VERIFY_FAILED"):
            self.init(
                .untrusted,
                "the certificate of \(place) is not by an authority that is trusted here; name its file with --ca-file if it is yours"
            )
        case .unableToValidateCertificate, .noCertificateToValidate:
            self.init(.untrusted, "the certificate of \(place) can't be validated")
        default: self.init(.unreachable, "\(place) broke off: \(Self.short(error))")
        }
    }

    private static func lookup(_ error: NIOConnectionError) -> String {
        let why = [error.dnsAError, error.dnsAAAAError].compactMap { $0.map { short($0) } }.first
        return "the name can't be looked up\(why.map { " (\($0))" } ?? "")"
    }

    private static func short(_ error: any Error) -> String {
        String("\(error)".prefix(200)).safeForTerminal
    }
}
