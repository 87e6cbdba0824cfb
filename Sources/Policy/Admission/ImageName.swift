internal import Bytes

/// The name of a container image as Kubernetes takes it (distribution reference grammar), with what people leave out
/// filled in.
package struct ImageName: Hashable, Sendable, CustomStringConvertible {
    /// As it was written.
    package let text: String
    /// Host and port, such as `index.docker.io`.
    package let registry: String
    package let repository: String
    package let tag: String?
    /// As `sha256:HEX`.
    package let digest: String?

    /// The registry of names without one.
    package static let defaultRegistry = "index.docker.io"

    package init(_ text: String) throws(PolicyError) {
        guard text.utf8.count <= 1024 else { throw PolicyError("an image's name is too long; the limit is 1024 bytes") }
        func failure(_ reason: String) -> PolicyError {
            PolicyError("'\(String(text.prefix(200)).safeForTerminal)' is no image: \(reason)")
        }
        self.text = text
        var rest = text[...]
        if let mark = rest.firstIndex(of: "@") {
            let digest = String(rest[rest.index(after: mark)...])
            guard MessageDigest(description: digest) != nil else { throw failure("what follows @ is no digest") }
            self.digest = digest
            rest = rest[..<mark]
        } else {
            digest = nil
        }
        let slash = rest.lastIndex(of: "/") ?? rest.startIndex
        if let colon = rest[slash...].lastIndex(of: ":") {
            let tag = rest[rest.index(after: colon)...]
            guard 1...128 ~= tag.utf8.count, tag.utf8.allSatisfy({ Self.isNameByte($0) || 0x41...0x5A ~= $0 }),
                tag.first != "-", tag.first != "."
            else { throw failure("its tag is malformed") }
            self.tag = String(tag)
            rest = rest[..<colon]
        } else {
            tag = nil
        }
        var registry = Self.defaultRegistry
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first.contains(".") || first.contains(":") || first == "localhost" {
                registry = first == "docker.io" ? Self.defaultRegistry : String(first)
                rest = rest[rest.index(after: slash)...]
            }
        }
        guard registry.utf8.allSatisfy({ Self.isNameByte($0) || 0x41...0x5A ~= $0 || $0 == UInt8(ascii: ":") }) else {
            throw failure("its registry is malformed")
        }
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isNameByte) }) else {
            throw failure("its repository has letters, digits and . _ - between slashes, in lower case")
        }
        self.registry = registry
        repository = registry == Self.defaultRegistry && parts.count == 1 ? "library/\(rest)" : String(rest)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        0x61...0x7A ~= byte || 0x30...0x39 ~= byte || ".-_".utf8.contains(byte)
    }

    /// Registry, repository, and tag or digest; a name without either means `latest`.
    package var fullName: String {
        "\(registry)/\(repository)" + (digest.map { "@\($0)" } ?? ":\(tag ?? "latest")")
    }

    package var description: String { text }

    /// The name as it was written, tied to a digest.
    package func pinned(to digest: String) -> String {
        self.digest == nil ? "\(text)@\(digest)" : text
    }
}

/// A glob over images as policy-controller reads it: `*` stands for anything but `/`, `**` for anything, and the
/// whole name with registry and tag or digest is looked at.
package struct ImageGlob: Sendable {
    package let text: String
    private let glob: Glob

    package init(_ text: String) throws(PolicyError) {
        self.text = text
        let isValid = text.utf8.allSatisfy {
            0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || "-_:/*.@".utf8.contains($0)
        }
        guard isValid, !text.isEmpty else {
            throw PolicyError("the glob '\(text.safeForTerminal)' has characters that no image has")
        }
        // Meant for Docker Hub, though they look like more.
        switch text {
        case "*": glob = try Glob("index.docker.io/library/*")
        case "*/*": glob = try Glob("index.docker.io/*/*")
        default: glob = try Glob(text)
        }
    }

    package func matches(_ image: ImageName) -> Bool {
        glob.matches(image.fullName) || glob.matches(image.text)
    }
}
