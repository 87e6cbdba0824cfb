/// Which proxy stands between the client and which server, in the environment's customary variables.
package struct ProxySettings: Hashable, Sendable {
    /// A proxy by its address, `http://[USER:PASSWORD@]HOST[:PORT]` or `socks5://HOST[:PORT]`.
    package struct Proxy: Hashable, Sendable {
        package enum Kind: Hashable, Sendable { case http, socks5 }
        package let kind: Kind
        package let host: String
        package let port: Int
        let user: String?
        let password: String?
    }

    /// For `https` and `http` addresses; as text, because a wrong one only matters when it is needed.
    package var https: String?
    package var http: String?
    /// Names, domains, addresses and `*` that are reached directly, parted by commas.
    package var direct: String?

    package init() {}

    package init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            (environment[name.lowercased()] ?? environment[name]).flatMap { $0.isEmpty ? nil : $0 }
        }
        https = value("HTTPS_PROXY") ?? value("ALL_PROXY")
        // In a CGI program that variable is a header of the request that somebody else wrote.
        let http = environment["REQUEST_METHOD"] == nil ? value("HTTP_PROXY") : environment["http_proxy"]
        self.http = http ?? value("ALL_PROXY")
        direct = value("NO_PROXY")
    }

    /// The proxy on the way to `url`; `nil` where there is none.
    package func proxy(for url: HTTPURL) throws(WireError) -> Proxy? {
        guard let text = url.isSecure ? https : http, !isDirect(url) else { return nil }
        return try Proxy(text)
    }

    private func isDirect(_ url: HTTPURL) -> Bool {
        if url.isThisMachine { return true }
        for entry in (direct ?? "").lowercased().split(whereSeparator: { $0 == "," || $0 == " " }) {
            if entry == "*" { return true }
            var name = entry
            if let colon = name.lastIndex(of: ":"), let port = Int(name[name.index(after: colon)...]),
                name.filter({ $0 == ":" }).count == 1
            {
                guard port == url.port else { continue }
                name = name[..<colon]
            }
            if name.hasPrefix("*.") { name = name.dropFirst() }
            let domain = name.hasPrefix(".") ? name.dropFirst() : name
            guard !domain.isEmpty else { continue }
            if url.host.hasSuffix(".\(domain)") || (url.host == domain && !name.hasPrefix(".")) { return true }
        }
        return false
    }
}

extension ProxySettings.Proxy {
    init(_ text: String) throws(WireError) {
        let wrong = WireError(
            .malformed, "a proxy in the environment can't be read; it is http://HOST:PORT or socks5://HOST:PORT")
        let mark = text.firstRange(of: "://")
        var usual = 80
        switch mark.map({ text[..<$0.lowerBound].lowercased() }) {
        case nil, "http": kind = .http
        case "socks5", "socks5h":
            kind = .socks5
            usual = 1080
        default: throw wrong
        }
        var rest = text[(mark?.upperBound ?? text.startIndex)...].prefix { $0 != "/" }
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard kind == .http, let user = Self.decoded(parts[0]),
                let password = Self.decoded(parts.count > 1 ? parts[1] : "")
            else { throw wrong }
            (self.user, self.password) = (user, password)
            rest = rest[rest.index(after: at)...]
        } else {
            (user, password) = (nil, nil)
        }
        let hasPort = rest.drop { $0 != "]" }.contains(":") || (!rest.hasPrefix("[") && rest.contains(":"))
        do {
            let address = try HTTPURL("http://\(rest)\(hasPort ? "" : ":\(usual)")/")
            (host, port) = (address.host, address.port)
        } catch {
            throw wrong
        }
    }

    /// `text` with `%XX` as the bytes they stand for.
    private static func decoded(_ text: Substring) -> String? {
        var out: [UInt8] = []
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let value = UInt8(String(decoding: bytes.prefix(2), as: UTF8.self), radix: 16), bytes.count >= 2
                else { return nil }
                out.append(value)
                bytes = bytes.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return String(validating: out, as: UTF8.self)
    }
}
