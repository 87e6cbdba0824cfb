internal import Bytes

/// What a path of the distribution protocol means. Names of repositories have slashes, so paths are read from their end.
package enum DistributionPath: Hashable, Sendable {
    case root
    case uploads(repository: String)
    case upload(repository: String, id: String)
    case blob(repository: String, digest: String)
    case manifest(repository: String, name: String)
    case tags(repository: String)
    case referrers(repository: String, digest: String)

    /// Reads the path of a request, with percent-encoding as it came; `nil` where it means nothing.
    package init?(_ path: String) {
        guard path.utf8.count <= 4096, path.hasPrefix("/v2") else { return nil }
        var parts: [String] = []
        for part in path.dropFirst(3).split(separator: "/", omittingEmptySubsequences: false) {
            // An encoded slash would give one repository two names.
            guard let decoded = Self.decode(part), !decoded.contains("/"), !decoded.utf8.contains(0) else { return nil }
            parts.append(decoded)
        }
        guard parts.first == "" || parts.isEmpty else { return nil }
        parts = Array(parts.dropFirst())
        if parts.isEmpty || parts == [""] {
            self = .root
            return
        }
        if parts.last == "", parts.suffix(3).dropLast() == ["blobs", "uploads"] { parts.removeLast() }
        func name(_ count: Int) -> String { parts.dropLast(count).joined(separator: "/") }
        guard let last = parts.last, parts.count >= 3 else { return nil }
        switch parts[parts.count - 2] {
        case "blobs" where last == "uploads": self = .uploads(repository: name(2))
        case "uploads" where parts.count >= 4 && parts[parts.count - 3] == "blobs":
            self = .upload(repository: name(3), id: last)
        case "blobs": self = .blob(repository: name(2), digest: last)
        case "manifests": self = .manifest(repository: name(2), name: last)
        case "tags" where last == "list": self = .tags(repository: name(2))
        case "referrers": self = .referrers(repository: name(2), digest: last)
        default: return nil
        }
    }

    /// The repository, for all but the root.
    package var repository: String? {
        switch self {
        case .root: nil
        case .uploads(let name), .tags(let name): name
        case .upload(let name, _), .blob(let name, _), .manifest(let name, _), .referrers(let name, _): name
        }
    }

    /// Text without percent-encoding; `nil` where that is broken or the result is no UTF-8.
    package static func decode(_ text: some StringProtocol) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2,
                let value = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self).lowercased())
            else { return nil }
            bytes += value
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// The query of a request: names and values in order, of which a name may have several.
package struct DistributionQuery: Sendable {
    private let pairs: [(name: String, value: String)]

    /// Reads the part of an address behind its `?`; `nil` where that is not percent-encoded UTF-8 or has more than 1,000
    /// pairs.
    package init?(_ query: String?) {
        var pairs: [(String, String)] = []
        for pair in (query ?? "").split(separator: "&") {
            let cut = pair.firstIndex(of: "=") ?? pair.endIndex
            guard let name = DistributionPath.decode(pair[..<cut]),
                let value = DistributionPath.decode(pair[cut...].dropFirst())
            else { return nil }
            pairs.append((name, value))
        }
        guard pairs.count <= 1000 else { return nil }
        self.pairs = pairs
    }

    /// The first value of this name.
    package subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// All values of this name.
    package func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

    /// A text as a query may hold it.
    package static func encode(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                String(UnicodeScalar(byte))
            default: "%" + Hex.encode([byte]).uppercased()
            }
        }.joined()
    }
}
