package import SystemPackage

/// Where the cache is.
package enum CacheLocation {
    /// The directory that the environment asks for: `MARTLET_CACHE_DIR`; a directory of ours in `LEEWAY_CACHE_DIR`,
    /// whose own files are Leeway's; `XDG_CACHE_HOME`; `~/.cache`.
    package static func directory(environment: [String: String]) -> FilePath {
        func value(_ name: String) -> FilePath? {
            guard let text = environment[name], !text.isEmpty else { return nil }
            return FilePath(text)
        }
        if let own = value("MARTLET_CACHE_DIR") { return own }
        if let leeway = value("LEEWAY_CACHE_DIR") { return leeway.appending("martlet") }
        if let cache = value("XDG_CACHE_HOME") { return cache.appending("martlet") }
        return (value("HOME") ?? "/tmp").appending(".cache").appending("martlet")
    }
}
