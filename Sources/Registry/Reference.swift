package import Bytes

/// Where an image is: `registry.example/team/app:1.2@sha256:…` (distribution's `reference` grammar).
package struct Reference: Hashable, Sendable, CustomStringConvertible {
    /// Host and, where it is not the usual one, port: `docker.io`, `localhost:5000`, `[::1]:5000`.
    package let registry: String
    /// The name within the registry: `library/ubuntu`.
    package let repository: String
    package var tag: String?
    package var digest: MessageDigest?

    /// The registry of names that name none.
    package static let usualRegistry = "docker.io"
    /// The tag where neither a tag nor a digest is given.
    package static let usualTag = "latest"

    /// Reads a reference as docker does: `ubuntu` is `docker.io/library/ubuntu:latest`.
    package init(_ text: String) throws(RegistryError) {
        func wrong(_ why: String) -> RegistryError {
            RegistryError(
                .input,
                "'\(String(text.prefix(300)).safeForTerminal)' is no image reference: \(why); write [REGISTRY/]NAME[:TAG][@DIGEST]"
            )
        }
        guard text.utf8.count <= 1024 else { throw wrong("it is longer than 1024 bytes") }
        var rest = text[...]
        if let at = rest.firstIndex(of: "@") {
            let digits = String(rest[rest.index(after: at)...])
            guard let digest = try? MessageDigest(oci: digits, "") else {
                throw wrong("behind the @ there is no digest as sha256:HEX")
            }
            self.digest = digest
            rest = rest[..<at]
        }
        let nameStart = rest.lastIndex(of: "/").map { rest.index(after: $0) } ?? rest.startIndex
        if let colon = rest[nameStart...].firstIndex(of: ":") {
            let tag = String(rest[rest.index(after: colon)...])
            guard Self.isTag(tag) else {
                throw wrong("a tag has up to 128 letters, digits, _, . and -, and begins with none of the last two")
            }
            self.tag = tag
            rest = rest[..<colon]
        }
        (registry, repository) = Self.split(rest)
        guard Self.isRegistry(registry) else { throw wrong("the registry is no host name") }
        guard Self.isRepository(repository) else {
            throw wrong("a name has lower-case letters and digits, parted by single separators")
        }
        guard registry.utf8.count + 1 + repository.utf8.count <= 255 else {
            throw wrong("the name is longer than 255 bytes")
        }
        if tag == nil, digest == nil { tag = Self.usualTag }
    }

    /// The image of `digest` beside this one.
    package func with(digest: MessageDigest) -> Reference {
        var out = self
        out.digest = digest
        out.tag = nil
        return out
    }

    /// The image called `tag` beside this one.
    package func with(tag: String) -> Reference {
        var out = self
        out.tag = tag
        out.digest = nil
        return out
    }

    /// Registry and repository.
    package var name: String { "\(registry)/\(repository)" }

    /// The name as people write it: without what docker adds.
    package var familiarName: String {
        guard registry == Self.usualRegistry else { return name }
        return repository.hasPrefix("library/") ? String(repository.dropFirst("library/".count)) : repository
    }

    package var description: String { name + suffix }

    /// The reference as people write it.
    package var familiar: String { familiarName + suffix }

    private var suffix: String { (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "") }

    /// What a registry is asked for: the digest where there is one, else the tag.
    package var manifestName: ManifestName { digest.map { .digest($0) } ?? .tag(tag ?? Self.usualTag) }

    /// The host, and port where one is given, that answers for the registry.
    package var host: String { registry == Self.usualRegistry ? "registry-1.docker.io" : registry }

    private static func split(_ name: Substring) -> (registry: String, repository: String) {
        var registry = usualRegistry
        var repository = String(name)
        if let slash = name.firstIndex(of: "/") {
            let first = name[..<slash]
            if first.contains(".") || first.contains(":") || first == "localhost" || first != first.lowercased() {
                registry = String(first)
                repository = String(name[name.index(after: slash)...])
            }
        }
        if registry == "index.docker.io" { registry = usualRegistry }
        if registry == usualRegistry, !repository.contains("/") { repository = "library/" + repository }
        return (registry, repository)
    }

    /// Whether `text` can be a tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
    package static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, isWord(first), text.utf8.count <= 128 else { return false }
        return text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    /// Whether `text` can be a repository: components of lower-case letters and digits, with `.`, `_`, `__` or any
    /// number of `-` between them.
    package static func isRepository(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 255 else { return false }
        return text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.first, let last = part.last, isLowerOrDigit(first), isLowerOrDigit(last) else {
                return false
            }
            let separators = part.split(whereSeparator: isLowerOrDigit)
            return separators.allSatisfy { run in
                run.allSatisfy { $0 == UInt8(ascii: "-") } || run.elementsEqual(".".utf8) || run.elementsEqual("_".utf8)
                    || run.elementsEqual("__".utf8)
            }
        }
    }

    private static func isRegistry(_ text: String) -> Bool {
        var host = text[...]
        let isBracketed = text.hasPrefix("[")
        if isBracketed {
            guard let end = text.firstIndex(of: "]") else { return false }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || isPort(rest), host.count >= 2 else { return false }
            return host.utf8.allSatisfy { isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
        }
        if let colon = text.firstIndex(of: ":") {
            guard isPort(text[colon...]) else { return false }
            host = text[..<colon]
        }
        return host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.first, let last = part.last else { return false }
            return isAlphanumeric(first) && isAlphanumeric(last)
                && part.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isPort(_ text: Substring) -> Bool {
        let digits = text.dropFirst()
        return text.hasPrefix(":") && 1...5 ~= digits.utf8.count && digits.utf8.allSatisfy { 0x30...0x39 ~= $0 }
            && (Int(digits).map { 1...65535 ~= $0 } ?? false)
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool { 0x61...0x7A ~= byte || 0x30...0x39 ~= byte }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLowerOrDigit(byte) || 0x41...0x5A ~= byte }
    private static func isWord(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || byte == UInt8(ascii: "_") }
    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x46 ~= byte || 0x61...0x66 ~= byte
    }
}

/// What a manifest is asked for by.
package enum ManifestName: Hashable, Sendable, CustomStringConvertible {
    case tag(String)
    case digest(MessageDigest)

    package var description: String {
        switch self {
        case .tag(let tag): tag
        case .digest(let digest): "\(digest)"
        }
    }
}
