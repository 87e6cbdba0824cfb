internal import Bytes

/// An address on the web: `http` or `https`, a host, and what to ask it for (RFC 3986, RFC 9110 section 4.2).
///
/// It holds no user name and no password: addresses end up in logs and messages.
package struct HTTPURL: Hashable, Sendable {
    package let isSecure: Bool
    /// In lower case; an IPv6 address without its brackets.
    package let host: String
    package let port: Int
    /// Path and query, as they stand in a request; at least `/`.
    package let target: String

    /// The longest address that is taken.
    package static let greatestLength = 8192

    /// Reads an absolute address. A fragment is dropped, for it is never sent.
    package init(_ text: String) throws(WireError) {
        let shown = URLCredentials.removed(from: String(text.prefix(200))).safeForTerminal
        func refused(_ why: String) -> WireError { WireError(.malformed, "the address \(shown) \(why)") }
        guard text.utf8.count <= Self.greatestLength else {
            throw refused("is longer than \(Self.greatestLength) bytes")
        }
        guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw refused("has a character that is not allowed there; such are written as %XX")
        }
        guard let mark = text.firstRange(of: "://") else { throw refused("has no scheme; it begins with https://") }
        switch text[..<mark.lowerBound].lowercased() {
        case "https": isSecure = true
        case "http": isSecure = false
        default: throw refused("is neither https nor http")
        }
        let rest = text[mark.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else {
            throw refused("has a user name in it; credentials are given in another way")
        }
        guard let (host, port) = Self.hostAndPort(authority, isSecure ? 443 : 80) else {
            throw refused("has no host and port that can be read")
        }
        (self.host, self.port) = (host, port)
        let target = rest[authority.endIndex...]
        self.target = target.hasPrefix("/") ? String(target) : "/\(target)"
    }

    private init(isSecure: Bool, host: String, port: Int, target: String) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.target = target
    }

    private static func hostAndPort(_ authority: Substring, _ usual: Int) -> (host: String, port: Int)? {
        var host = authority[...]
        var port = usual
        let isBracketed = authority.hasPrefix("[")
        let after = isBracketed ? (authority.firstIndex(of: "]") ?? authority.startIndex) : authority.startIndex
        if let colon = authority[after...].lastIndex(of: ":") {
            let digits = authority[authority.index(after: colon)...]
            if !digits.isEmpty {
                guard digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let number = Int(digits), 1...65535 ~= number
                else { return nil }
                port = number
            }
            host = authority[..<colon]
        }
        if isBracketed {
            guard host.hasSuffix("]"), host.count > 3 else { return nil }
            host = host.dropFirst().dropLast()
            guard host.utf8.allSatisfy({ Self.isHexadecimal($0) || $0 == 0x3A || $0 == 0x2E }) else { return nil }
        } else {
            guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(Self.isInName) else { return nil }
        }
        return (host.lowercased(), port)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x46 ~= byte || 0x61...0x66 ~= byte
    }

    private static func isInName(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte || byte == 0x2D || byte == 0x2E
            || byte == 0x5F
    }

    /// Scheme, host and, where it is not the usual one, port: what decides who gets a credential (RFC 6454).
    package var origin: String {
        let name = host.utf8.contains(0x3A) ? "[\(host)]" : host
        return "\(isSecure ? "https" : "http")://\(name)\(port == (isSecure ? 443 : 80) ? "" : ":\(port)")"
    }

    /// Whether nobody on the way can read what is sent there: it is encrypted, or never leaves this machine.
    package var isConfidential: Bool { isSecure || isThisMachine }

    /// Whether the host is a name or address of this machine itself (RFC 6761 section 6.3).
    package var isThisMachine: Bool { host == "localhost" || host == "::1" || Self.isLoopback(host) }

    private static func isLoopback(_ host: String) -> Bool {
        let parts = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0].elementsEqual("127".utf8)
            && parts.allSatisfy { UInt8(Substring($0)) != nil }
    }

    /// The whole address.
    package var text: String { origin + target }

    /// The address for messages: without its query, in which services put tokens.
    package var shown: String {
        let path = target.prefix { $0 != "?" }
        return origin + path + (path.utf8.count < target.utf8.count ? "?…" : "")
    }

    /// The path without the query.
    package var path: Substring { target.prefix { $0 != "?" } }

    /// What `reference` means where it is found in an answer from this address (RFC 3986 section 5.2).
    package func resolving(_ reference: String) throws(WireError) -> HTTPURL {
        let reference = String(reference.prefix { $0 != "#" })
        if Self.hasScheme(reference) { return try HTTPURL(reference) }
        if reference.hasPrefix("//") { return try HTTPURL("\(isSecure ? "https" : "http"):\(reference)") }
        if reference.isEmpty { return self }
        let query = reference.firstIndex(of: "?").map { reference[$0...] } ?? ""
        let relative = reference.prefix { $0 != "?" }
        let merged: String
        if relative.isEmpty {
            merged = String(path)
        } else if relative.hasPrefix("/") {
            merged = Self.withoutDots(String(relative))
        } else {
            let directory = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
            merged = Self.withoutDots("\(directory)\(relative)")
        }
        return try HTTPURL(origin + merged + query)
    }

    /// The address of `path` below this one, which is taken for a directory.
    package func appending(_ path: String) throws(WireError) -> HTTPURL {
        let base = target.prefix { $0 != "?" }
        return try HTTPURL(origin + (base.hasSuffix("/") ? base : base + "/") + path)
    }

    private static func hasScheme(_ text: String) -> Bool {
        guard let end = text.firstIndex(where: { $0 == ":" || $0 == "/" || $0 == "?" }) else { return false }
        return text[end] == ":" && end > text.startIndex
    }

    /// RFC 3986 section 5.2.4.
    private static func withoutDots(_ path: String) -> String {
        var out: [Substring] = []
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            switch part {
            case ".": if isLast { out.append("") }
            case "..":
                if !out.isEmpty { out.removeLast() }
                if isLast { out.append("") }
            default: out.append(part)
            }
        }
        return "/" + out.joined(separator: "/")
    }
}
