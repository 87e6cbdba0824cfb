internal import Bytes

/// One package of one version, as a lock file, a database of installed packages or a bill of materials names it.
package struct Component: Hashable, Sendable {
    /// When the component is needed.
    package enum Scope: String, Hashable, Sendable {
        case runtime, development, optional
    }

    /// A digest in the words of whoever wrote it.
    package struct Checksum: Hashable, Sendable {
        /// Such as `sha256`, `sha512`, `sha1`, `gitCommit`, or `h1` for Go's hash over a listing of files, which is
        /// not the SHA-256 of anything that can be downloaded.
        package let algorithm: String
        /// Lower-case hexadecimal, but for `h1`: base64 as in go.sum.
        package let value: String
        /// The file that it is of, where the component has several.
        package var file: String?

        package init(_ algorithm: String, _ value: String, file: String? = nil) {
            self.algorithm = algorithm
            self.value = value
            self.file = file
        }

        /// Reads `sha512-BASE64`, one word of a subresource integrity text; `nil` for anything else.
        package init?(integrity text: some StringProtocol) {
            guard let dash = text.firstIndex(of: "-") else { return nil }
            let algorithm = String(text[..<dash])
            let lengths = ["sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64]
            guard let length = lengths[algorithm],
                let bytes = try? Base64.decode(String(text[text.index(after: dash)...].prefix { $0 != "?" })),
                bytes.count == length
            else { return nil }
            self.init(algorithm, Hex.encode(bytes))
        }

        /// Reads `sha256:HEX`; `nil` for anything else.
        package init?(prefixed text: some StringProtocol, file: String? = nil) {
            guard let colon = text.firstIndex(of: ":") else { return nil }
            let algorithm = String(text[..<colon])
            let value = text[text.index(after: colon)...].lowercased()
            guard ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"].contains(algorithm),
                let bytes = Hex.decode(value), bytes.count >= 16
            else { return nil }
            self.init(algorithm, value, file: file)
        }
    }

    package var ecosystem: Ecosystem
    /// The whole name as the ecosystem spells it: `@scope/name`, `github.com/owner/name`, `group:artifact`.
    package var name: String
    /// Empty where nobody says.
    package var version: String
    package var purl: PackageURL
    package var checksums: [Checksum] = []
    /// An SPDX expression, where somebody says.
    package var license: String?
    /// Where it comes from.
    package var source: String?
    package var scope = Scope.runtime
    /// Whether the project itself asks for it; `nil` where the file does not say.
    package var isDirect: Bool?
    /// For packages of a distribution, the source package that advisories speak of, and its version.
    package var sourcePackage: SourcePackage?
    /// The file that names it, relative to what was searched.
    package var file = ""
    /// From 1; 0 where it is not known.
    package var line = 0

    /// What a distribution's package was made of.
    package struct SourcePackage: Hashable, Sendable {
        package var name: String
        package var version: String

        package init(name: String, version: String) {
            self.name = name
            self.version = version
        }
    }

    package init(_ ecosystem: Ecosystem, name: String, version: String, purl: PackageURL? = nil) {
        self.ecosystem = ecosystem
        self.name = name
        self.version = version
        self.purl = purl ?? Self.purl(ecosystem, name: name, version: version)
    }

    /// A component as a package URL names it.
    package init(_ purl: PackageURL) {
        let ecosystem = Ecosystem(purlType: purl.type)
        let separator = ecosystem == .maven ? ":" : "/"
        let name =
            purl.namespace.isEmpty || ecosystem == .debian ? purl.name : purl.namespace + separator + purl.name
        self.init(ecosystem, name: name, version: purl.version, purl: purl)
    }

    private static func purl(_ ecosystem: Ecosystem, name: String, version: String) -> PackageURL {
        let cut = ecosystem == .maven ? name.lastIndex(of: ":") : name.lastIndex(of: "/")
        let namespace = cut.map { String(name[..<$0]) } ?? ""
        let last = cut.map { String(name[name.index(after: $0)...]) } ?? name
        return PackageURL(
            type: ecosystem.purlType, namespace: namespace, name: last.isEmpty ? name : last, version: version)
    }

    /// The digests in the form of statements: algorithm to value. Of several files there is none.
    package var digestSet: [String: String] {
        var out: [String: String] = [:]
        for checksum in checksums where checksum.file == nil {
            switch checksum.algorithm {
            case "h1": out["dirHash1"] = (try? Base64.decode(checksum.value)).map { Hex.encode($0) }
            default: out[checksum.algorithm] = checksum.value
            }
        }
        if out.isEmpty, checksums.count == 1 { out[checksums[0].algorithm] = checksums[0].value }
        return out
    }
}
