internal import Bytes
internal import Host
package import SystemPackage
internal import Workspace

extension ServerSettings {
    /// The settings of the data directory `data`: what the file says, or the defaults where there is none.
    ///
    /// - Parameter file: By default `serve.yaml` in the data directory, which may be absent.
    package static func read(data: FilePath, file: FilePath? = nil) throws -> ServerSettings {
        var settings = ServerSettings(data: data)
        let path = file ?? data.appending("serve.yaml")
        if file == nil, try !Files.exists(path) { return settings }
        let root: JSON
        do {
            root = try SettingsFile.read(try Files.read(path, limit: 1 << 20))
        } catch let error as SettingsFile.Failure {
            throw ServeError(.configuration, "\(path): \(error)")
        }
        do {
            try settings.apply(root, relativeTo: path.removingLastComponent())
        } catch {
            throw ServeError(error.code, "\(path): \(error.message)")
        }
        return settings
    }

    private mutating func apply(_ root: JSON, relativeTo folder: FilePath) throws(ServeError) {
        if root.isNull { return }
        guard let members = root.objectValue else {
            throw ServeError(.configuration, "settings are a mapping, and this is \(root.kind)")
        }
        for member in members {
            switch member.key {
            case "listen":
                let text = member.value.stringValue ?? member.value.intValue.map { String($0) }
                guard let address = text.flatMap({ Address($0) }) else {
                    throw ServeError(.configuration, "listen has to be an address such as 127.0.0.1:8080")
                }
                self.address = address
            case "url": url = try Self.url(member.value)
            case "tls": tls = try Self.tls(member.value, relativeTo: folder)
            case "log":
                guard let form = member.value.stringValue.flatMap({ LogForm(rawValue: $0) }) else {
                    throw ServeError(.configuration, "log has to be plain or json")
                }
                logForm = form
            case "limits": try limits.apply(member.value)
            case "services":
                guard let services = member.value.objectValue else {
                    throw ServeError(.configuration, "services has to be a mapping from names to settings")
                }
                for service in services {
                    switch service.value {
                    case .object(let settings):
                        self.services[service.key] = FaceSettings(name: service.key, settings)
                    case .bool(let enabled):
                        self.services[service.key] = FaceSettings(name: service.key, ["enabled": .bool(enabled)])
                    case .null: self.services[service.key] = FaceSettings(name: service.key)
                    default:
                        throw ServeError(
                            .configuration, "services.\(service.key) has to be a mapping, true or false")
                    }
                }
            default:
                throw ServeError(
                    .configuration,
                    "\(member.key) has no meaning; these have: listen, url, tls, log, limits, services")
            }
        }
    }

    private static func url(_ value: JSON) throws(ServeError) -> String {
        guard var text = value.stringValue, text.hasPrefix("http://") || text.hasPrefix("https://"),
            !text.contains("?"), !text.contains("#")
        else { throw ServeError(.configuration, "url has to be an address such as https://sigstore.example.org") }
        while text.hasSuffix("/") { text.removeLast() }
        return text
    }

    private static func tls(_ value: JSON, relativeTo folder: FilePath) throws(ServeError) -> TLS {
        switch value {
        case .bool(false): return .none
        case .bool(true): return .selfMade(names: [])
        case .object(let members):
            if let names = members["names"]?.arrayValue, members.count == 1 {
                return .selfMade(names: names.compactMap(\.stringValue))
            }
            if let certificate = members["certificate"]?.stringValue, let key = members["key"]?.stringValue,
                members.count == 2
            {
                return .files(certificate: folder.pushing(FilePath(certificate)), key: folder.pushing(FilePath(key)))
            }
        default: break
        }
        throw ServeError(
            .configuration,
            "tls has to be true for a certificate that the server makes, {names: [host, ...]} for one with those names, or {certificate: file, key: file}"
        )
    }
}
