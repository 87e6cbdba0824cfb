/// User names and passwords inside URLs.
package enum URLCredentials {
    /// `url` without what could let a reader in: all user information of `http`, `https` and `ftp` URLs, for tokens are
    /// often put where the user name goes, and the password of every other scheme.
    ///
    /// Text that is no URL with an authority, such as `git@example.org:team/code.git`, comes back as it is.
    package static func removed(from url: String) -> String {
        let bytes = url.utf8
        // Nearly no text has both, and this is asked of every text of a statement.
        guard bytes.contains(UInt8(ascii: "@")), let schemeEnd = endOfScheme(bytes) else { return url }
        let rest = bytes[bytes.index(schemeEnd, offsetBy: 3)...]
        let authority = rest.prefix {
            $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
        }
        guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { return url }
        let scheme = url[..<schemeEnd].lowercased()
        let transport = scheme.hasPrefix("git+") ? String(scheme.dropFirst(4)) : scheme
        let hidesUser = ["http", "https", "ftp", "ftps"].contains(transport)
        let user = hidesUser ? authority.prefix(0) : authority[..<at].prefix { $0 != UInt8(ascii: ":") }
        return String(url[..<rest.startIndex]) + (user.isEmpty ? "" : String(Substring(user)) + "@")
            + String(url[bytes.index(after: at)...])
    }

    /// Where `://` begins.
    private static func endOfScheme(_ bytes: String.UTF8View) -> String.Index? {
        var start = bytes.startIndex
        while let colon = bytes[start...].firstIndex(of: UInt8(ascii: ":")) {
            if bytes[colon...].starts(with: "://".utf8) { return colon }
            start = bytes.index(after: colon)
        }
        return nil
    }
}
