package import Bytes
internal import Host
internal import SystemPackage
internal import Wire

/// What a running server says of itself.
package struct ServerStatus: Sendable {
    /// Where it answered.
    package let url: String
    /// The content of its `/healthz`.
    package let health: JSON
    /// Whether all services can do their work.
    package let isHealthy: Bool

    /// The file in the data directory that names a running server's address.
    static let addressFile = "address"

    /// Asks the server at `place`: an address, or the data directory of a server on this machine.
    ///
    /// Throws `.unreachable` where none answers.
    package static func of(_ place: String, userAgent: String, environment: [String: String]) async throws
        -> ServerStatus
    {
        var settings = WireSettings(userAgent: userAgent, environment: environment)
        settings.attempts = 1
        var url = place
        if !place.hasPrefix("http://"), !place.hasPrefix("https://") {
            let data = FilePath(place)
            guard try Files.exists(data.appending(addressFile)) else {
                throw ServeError(
                    .unreachable,
                    "no server uses \(place.safeForTerminal); start one with: martlet serve --data \(place)")
            }
            url = try Files.readText(data.appending(addressFile), limit: 4096)
            while url.hasSuffix("\n") { url.removeLast() }
            let certificate = data.appending(ServerCertificate.fileName)
            if try Files.exists(certificate) { settings.authorityFiles = [certificate.string] }
        }
        while url.hasSuffix("/") { url.removeLast() }
        let client = HTTPClient(settings)
        let result: Result<HTTPAnswer, any Error>
        do {
            result = .success(
                try await client.fetch(
                    HTTPRequest(.get, try HTTPURL(url + "/healthz")), limit: 1 << 20, deadline: .seconds(10)))
        } catch {
            result = .failure(
                ServeError(.unreachable, "the server at \(url.safeForTerminal) does not answer: \(error)"))
        }
        await client.close()
        let answer = try result.get()
        guard [200, 503].contains(answer.status), let health = try? JSON(parsing: answer.bytes),
            health["status"]?.stringValue != nil
        else {
            throw ServeError(
                .unreachable, "\(url.safeForTerminal) answers with status \(answer.status), and not as a martlet server"
            )
        }
        return ServerStatus(url: url, health: health, isHealthy: answer.status == 200)
    }

    /// A line for the server and one for each service.
    package var text: String {
        var out = "\(url.safeForTerminal): \(isHealthy ? "ok" : "failing")\n"
        for service in health["services"]?.objectValue ?? [:] {
            let state = service.value["status"]?.stringValue ?? "unknown"
            let reason = service.value["reason"]?.stringValue.map { " (\($0))" } ?? ""
            out += "  \(service.key.safeForTerminal): \((state + reason).safeForTerminal)\n"
        }
        return out
    }

    package var json: JSON {
        var object: JSONObject = ["url": .string(url)]
        for member in health.objectValue ?? [:] { object[member.key] = member.value }
        return .object(object)
    }
}
