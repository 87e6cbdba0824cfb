package import Bytes
package import SystemPackage

/// What a server is told: by `serve.yaml`, and by options, which win.
package struct ServerSettings: Sendable {
    /// Where a server listens.
    package struct Address: Hashable, Sendable, CustomStringConvertible {
        package var host: String
        /// 0 for a free one.
        package var port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// Reads `127.0.0.1:8080`, `[::1]:8080`, `:8080` for all addresses, and `8080` for this machine alone.
        package init?(_ text: String) {
            let cut = text.lastIndex(of: ":")
            guard let port = Int(text[(cut.map { text.index(after: $0) } ?? text.startIndex)...]),
                0...65535 ~= port
            else { return nil }
            var host = cut.map { String(text[..<$0]) } ?? "127.0.0.1"
            if host.hasPrefix("["), host.hasSuffix("]") {
                host = String(host.dropFirst().dropLast())
            } else if host.contains(":") {
                return nil
            }
            self.init(host: host.isEmpty ? "0.0.0.0" : host, port: port)
        }

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    /// How connections are encrypted.
    package enum TLS: Hashable, Sendable {
        case none
        /// Files with a certificate chain and its private key, both PEM.
        case files(certificate: FilePath, key: FilePath)
        /// A certificate that the server makes itself and keeps in its data directory, for these names and addresses.
        case selfMade(names: [String])
    }

    package var data: FilePath
    package var address = Address(host: "127.0.0.1", port: 8080)
    /// Where clients reach the server when it is behind a proxy or has a name; no slash at the end.
    package var url: String?
    package var tls = TLS.none
    package var limits = ServerLimits()
    package var logForm = LogForm.plain
    /// The names of the services to offer; `nil` for all that the settings don't switch off.
    package var only: Set<String>?
    /// What `services` says of each, by name.
    package var services: [String: FaceSettings] = [:]

    package init(data: FilePath) { self.data = data }

    /// Whether this machine alone reaches the server: it listens on a loopback address, and for no proxy.
    package var isLocal: Bool {
        url == nil && (address.host == "localhost" || address.host == "::1" || address.host.hasPrefix("127."))
    }

    /// Whether the service called `name` is offered.
    package func offers(_ name: String) -> Bool { only?.contains(name) ?? (services[name]?.isEnabled ?? true) }
}

/// The settings of one service: the members under its name.
///
/// A face calls `check(known:)` first: a misspelt setting must not silently mean the default.
package struct FaceSettings: Sendable {
    private let name: String
    private let members: JSONObject
    package let isEnabled: Bool

    package init(name: String, _ members: JSONObject = [:]) {
        self.name = name
        self.members = members
        isEnabled = members["enabled"]?.boolValue ?? true
    }

    package func string(_ key: String) throws(ServeError) -> String? {
        try value(key, "a text") { $0.stringValue }
    }

    package func bool(_ key: String) throws(ServeError) -> Bool? {
        try value(key, "true or false") { $0.boolValue }
    }

    package func int(_ key: String, in range: ClosedRange<Int> = 0...Int.max) throws(ServeError) -> Int? {
        try value(key, "a number from \(range.lowerBound) to \(range.upperBound)") {
            $0.intValue.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    package func strings(_ key: String) throws(ServeError) -> [String]? {
        try value(key, "a list of texts") {
            guard let items = $0.arrayValue else { return nil }
            let texts = items.compactMap(\.stringValue)
            return texts.count == items.count ? texts : nil
        }
    }

    /// The member as it is, for settings with a structure of their own.
    package func json(_ key: String) -> JSON? { members[key] }

    /// Throws where there is a member that is none of `known`.
    package func check(known: [String]) throws(ServeError) {
        for member in members where member.key != "enabled" && !known.contains(member.key) {
            throw ServeError(
                .configuration,
                "services.\(name).\(member.key) has no meaning; these have: \((known + ["enabled"]).joined(separator: ", "))"
            )
        }
    }

    private func value<Value>(_ key: String, _ what: String, _ read: (JSON) -> Value?) throws(ServeError) -> Value? {
        guard let member = members[key], !member.isNull else { return nil }
        guard let value = read(member) else {
            throw ServeError(.configuration, "services.\(name).\(key) has to be \(what)")
        }
        return value
    }
}
