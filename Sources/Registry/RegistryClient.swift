internal import Bytes
internal import Host
internal import Synchronization
internal import Wire

/// Asks registries (distribution-spec 1.1): finds out how to log in, keeps tokens, tells the kinds of failure apart.
package final class RegistryClient: Sendable {
    package let settings: RegistrySettings
    let http: HTTPClient
    /// Guards what is known of registries. Nothing else is locked while it is held.
    let known = Mutex(Known())

    struct Known {
        /// What to send to an origin for a repository.
        var authorizations: [AuthorizationKey: Authorization] = [:]
        /// Registries on this machine that turned out to be encrypted.
        var encrypted: Set<String> = []
        /// Warnings that were shown.
        var warnings: Set<String> = []
    }

    package init(_ settings: RegistrySettings) {
        self.settings = settings
        http = HTTPClient(settings.wire)
    }

    /// Ends all connections.
    package func close() async { await http.close() }

    /// The repository of `reference`.
    package func repository(_ reference: Reference) -> RemoteRepository {
        RemoteRepository(client: self, name: reference.name, reference: reference)
    }

    // MARK: Addresses

    /// The address of `path` in the API of `reference`'s registry.
    func url(_ reference: Reference, _ path: String) throws -> HTTPURL {
        let host = reference.host
        let secure = try HTTPURL("https://\(host)/v2/\(path)")
        let isEncrypted = known.withLock { $0.encrypted.contains(host) }
        guard settings.allowsPlainHTTP || secure.isThisMachine, !isEncrypted else { return secure }
        return try HTTPURL("http://\(host)/v2/\(path)")
    }

    // MARK: Requests

    /// What is asked of a registry.
    struct Ask {
        var method: HTTPRequest.Method = .get
        /// Below `/v2/`, or an address that the registry gave.
        var place: Place
        var fields: HTTPFields = [:]
        var body: HTTPRequest.Body?
        var isRepeatable: Bool?
        /// What the token must allow.
        var access: Access = .pull
        /// Another repository that is read at the same time.
        var mountedFrom: String?
        /// How long until the answer begins.
        var deadline: Duration?

        enum Place {
            case path(String)
            case url(HTTPURL)
        }
    }

    enum Access: String { case pull, push = "pull,push", delete = "pull,push,delete" }

    /// Sends `ask`, logging in where the registry wants that. Statuses are the caller's to judge, but 401.
    func send(_ ask: Ask, _ reference: Reference) async throws -> HTTPReply {
        var hasTried: Set<String> = []
        var isSecondTry = false
        while true {
            let url: HTTPURL =
                switch ask.place {
                case .path(let path): try self.url(reference, path)
                case .url(let url): url
                }
            guard url.isConfidential || settings.allowsPlainHTTP else {
                throw RegistryError(
                    .refused, "\(url.shown) is not encrypted; give --plain-http if nobody between may be feared")
            }
            var request = HTTPRequest(
                ask.method, url, fields: ask.fields, body: ask.body, isRepeatable: ask.isRepeatable)
            let key = AuthorizationKey(origin: url.origin, repository: reference.repository, from: ask.mountedFrom)
            let authorization = self.authorization(key, ask.access)
            // A registry may send the client to a storage elsewhere, which must not see the token.
            if let authorization, isOwn(url, reference) { request.fields["Authorization"] = authorization.field }
            var reply: HTTPReply
            do {
                reply = try await http.send(request, deadline: ask.deadline)
                if reply.status == 400, !isSecondTry, !url.isSecure, case .path = ask.place {
                    let bytes = try await reply.bytes(limit: 1 << 20)
                    if String(decoding: bytes, as: UTF8.self).contains("HTTPS server") {
                        known.withLock { _ = $0.encrypted.insert(reference.host) }
                        isSecondTry = true
                        continue
                    }
                    reply = reply.holding(bytes)
                }
            } catch {
                if !isSecondTry, error.code == .unreachable, try await isEncryptedAfterAll(url, reference) {
                    isSecondTry = true
                    continue
                }
                throw RegistryError(error)
            }
            show(reply.fields.values("Warning"), reference)
            guard reply.status == 401, isOwn(url, reference), hasTried.count < 2,
                hasTried.insert(authorization?.field ?? "").inserted
            else { return reply }
            let challenges = try AuthChallenge.parse(reply.fields.values("WWW-Authenticate"))
            guard try await logIn(challenges, key, reference, ask) else { return reply }
        }
    }

    /// Whether `url` is the registry's own, and not one to which it sent the client.
    private func isOwn(_ url: HTTPURL, _ reference: Reference) -> Bool {
        guard let own = try? self.url(reference, "") else { return false }
        return own.origin == url.origin
    }

    /// Whether a registry on this machine that does not answer in the clear answers when it is asked with encryption.
    private func isEncryptedAfterAll(_ url: HTTPURL, _ reference: Reference) async throws -> Bool {
        guard !url.isSecure, !settings.allowsPlainHTTP,
            !known.withLock({ $0.encrypted.contains(reference.host) })
        else { return false }
        let probe = HTTPRequest(.get, try HTTPURL("https://\(reference.host)/v2/"), isRepeatable: false)
        do {
            _ = try await http.fetch(probe, limit: 1 << 16)
        } catch {
            guard error.code == .untrusted else { return false }
            throw RegistryError(error)
        }
        known.withLock { _ = $0.encrypted.insert(reference.host) }
        return true
    }

    /// Shows what the registry wants people to read, once (distribution-spec "Warnings").
    private func show(_ warnings: [String], _ reference: Reference) {
        for warning in warnings.prefix(10) where warning.hasPrefix("299 - \"") && warning.hasSuffix("\"") {
            let text = String(warning.dropFirst("299 - \"".count).dropLast().prefix(500)).safeForTerminal
            let isNew = known.withLock {
                $0.warnings.count < 100 && $0.warnings.insert("\(reference.host) \(text)").inserted
            }
            if isNew { settings.warn("\(reference.registry) warns: \(text)") }
        }
    }

    // MARK: Answers

    /// Sends `ask` and gives the answer with all its content.
    func fetch(_ ask: Ask, _ reference: Reference, limit: Int = 1 << 20) async throws -> HTTPAnswer {
        let reply = try await send(ask, reference)
        do {
            let bytes = ask.method == .head ? [] : try await reply.bytes(limit: limit)
            return HTTPAnswer(status: reply.status, fields: reply.fields, url: reply.url, bytes: bytes)
        } catch {
            throw RegistryError(error)
        }
    }

    /// The error that a status other than the expected ones means.
    func failure(_ status: Int, _ content: [UInt8], _ url: HTTPURL) -> RegistryError {
        let words = Self.words(content)
        let text = "\(url.shown) answers \(status)\(words.isEmpty ? "" : ": \(words)")"
        switch status {
        case 404: return RegistryError(.absent, text)
        case 401:
            return RegistryError(
                .refused,
                "\(text); log in with `docker login` or `podman login`, or give --username and --password-file")
        case 403: return RegistryError(.refused, "\(text); the account may not do this here")
        case 405, 415, 501: return RegistryError(.unsupported, text)
        case 408, 429, 500...: return RegistryError(.unreachable, "\(text); try again later")
        default: return RegistryError(.refused, text)
        }
    }

    func failure(_ answer: HTTPAnswer) -> RegistryError { failure(answer.status, answer.bytes, answer.url) }

    /// The registry's own words for an error (distribution-spec "Error Codes"), else the beginning of what it says.
    static func words(_ content: [UInt8]) -> String {
        if content.count <= 1 << 20, let json = try? JSON(parsing: content), let errors = json["errors"]?.arrayValue {
            let texts = errors.prefix(5).map { error in
                [error["code"]?.stringValue, error["message"]?.stringValue].compactMap(\.self).joined(separator: ": ")
            }
            return String(texts.joined(separator: ", ").prefix(500)).safeForTerminal
        }
        return String(decoding: content.prefix(300), as: UTF8.self)
            .split(whereSeparator: \.isWhitespace).joined(separator: " ").safeForTerminal
    }
}

extension RegistryError {
    /// A connection's failure in a registry's words: what nobody could ask is no answer.
    init(_ error: WireError) {
        switch error.code {
        case .tooLarge: self.init(.limit, error.message)
        case .malformed: self.init(.malformed, error.message)
        case .cancelled: self.init(.unreachable, error.message)
        default: self.init(.unreachable, error.message)
        }
    }
}
