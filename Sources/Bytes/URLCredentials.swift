/// User names and passwords inside URLs.
package enum URLCredentials {
    /// `url` without what could let a reader in: all user information of `http`, `https` and `ftp` URLs, for tokens are
    /// often put where the user name goes, and the password of every other scheme.
    ///
    /// Text that is no URL with an authority, such as `git@example.org:team/code.git`, comes back as it is.
    package static func removed(from url: String) -> String {
        guard let schemeEnd = url.range(of: "://") else { return url }
        let rest = url[schemeEnd.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let at = authority.lastIndex(of: "@") else { return url }
        let scheme = url[..<schemeEnd.lowerBound].lowercased()
        let transport = scheme.hasPrefix("git+") ? String(scheme.dropFirst(4)) : scheme
        let user = ["http", "https", "ftp", "ftps"].contains(transport) ? "" : authority[..<at].prefix { $0 != ":" }
        return url[..<schemeEnd.upperBound] + (user.isEmpty ? "" : user + "@") + rest[authority.index(after: at)...]
    }
}

extension StringProtocol {
    /// The first place of `text`, without Foundation's search.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
