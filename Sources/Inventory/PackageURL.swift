internal import Bytes

/// A package URL (ECMA-427): `pkg:TYPE/NAMESPACE/NAME@VERSION?QUALIFIERS#SUBPATH`, always in its canonical form.
package struct PackageURL: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// In lower case, such as `npm`.
    package let type: String
    /// Segments separated by `/`; empty where there is none.
    package let namespace: String
    package let name: String
    /// Empty where there is none.
    package let version: String
    /// Sorted by key; no key twice, no empty value.
    package let qualifiers: [Qualifier]
    /// Segments separated by `/`; empty where there is none.
    package let subpath: String

    /// Says more about which package it is, such as its architecture.
    package struct Qualifier: Hashable, Sendable {
        package let key: String
        package let value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The longest text that is read.
    package static let byteLimit = 4096

    /// Puts a package URL together; names are brought into the form that their type asks for.
    package init(
        type: String, namespace: String = "", name: String, version: String = "", qualifiers: [Qualifier] = [],
        subpath: String = ""
    ) {
        let type = type.lowercased()
        self.type = type
        self.namespace = Self.normalize(namespace, type: type)
        var normalized = Self.normalize(name, type: type)
        if type == "pypi" { normalized = normalized.replacing("_", with: "-") }
        self.name = normalized
        self.version = version
        self.qualifiers = qualifiers.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
        self.subpath = subpath
    }

    /// Reads a package URL. `nil` for what is none.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.byteLimit, let colon = text.firstIndex(of: ":"),
            text[..<colon].lowercased() == "pkg"
        else { return nil }
        var rest = text[text.index(after: colon)...]
        var subpath = ""
        if let hash = rest.lastIndex(of: "#") {
            guard let segments = Self.segments(rest[rest.index(after: hash)...]) else { return nil }
            subpath = segments.filter { $0 != "." && $0 != ".." }.joined(separator: "/")
            rest = rest[..<hash]
        }
        var qualifiers: [Qualifier] = []
        if let mark = rest.lastIndex(of: "?") {
            guard let read = Self.qualifiers(rest[rest.index(after: mark)...]) else { return nil }
            qualifiers = read
            rest = rest[..<mark]
        }
        rest = rest.drop { $0 == "/" }
        var version = ""
        if let at = rest.lastIndex(of: "@"), rest[at...].firstIndex(of: "/") == nil, at != rest.startIndex,
            rest[rest.index(before: at)] != "/"
        {
            guard let decoded = Self.decode(rest[rest.index(after: at)...]) else { return nil }
            version = decoded
            rest = rest[..<at]
        }
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        let type = rest[..<slash].lowercased()
        guard let first = type.utf8.first, Self.isLetter(first),
            type.utf8.allSatisfy({ Self.isLetter($0) || Self.isDigit($0) || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E }),
            var parts = Self.segments(rest[rest.index(after: slash)...]), let name = parts.popLast()
        else { return nil }
        self.init(
            type: type, namespace: parts.joined(separator: "/"), name: name, version: version, qualifiers: qualifiers,
            subpath: subpath)
        // What is read can be written and read again; writing makes three bytes of one, lowering cases a little more.
        guard text.utf8.count <= Self.byteLimit / 5 || description.utf8.count <= Self.byteLimit else { return nil }
    }

    /// The value of a qualifier; `nil` where it is absent.
    package func qualifier(_ key: String) -> String? { qualifiers.first { $0.key == key }?.value }

    /// The same package with another version.
    package func with(version: String) -> PackageURL {
        PackageURL(
            type: type, namespace: namespace, name: name, version: version, qualifiers: qualifiers, subpath: subpath)
    }

    /// The package without version, qualifiers and subpath.
    package var package: PackageURL { PackageURL(type: type, namespace: namespace, name: name) }

    package var description: String {
        var out = "pkg:\(type)/"
        for segment in namespace.split(separator: "/") { out += Self.encode(segment) + "/" }
        out += Self.encode(name)
        if !version.isEmpty { out += "@" + Self.encode(version) }
        for (index, qualifier) in qualifiers.enumerated() {
            out += (index == 0 ? "?" : "&") + qualifier.key + "=" + Self.encode(qualifier.value, keepingSlash: true)
        }
        if !subpath.isEmpty {
            out += "#" + subpath.split(separator: "/").map { Self.encode($0) }.joined(separator: "/")
        }
        return out
    }

    package static func < (left: PackageURL, right: PackageURL) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }

    // MARK: - Forms

    /// Types whose names don't tell cases apart.
    private static let caseless: Set<String> = [
        "apk", "bitbucket", "composer", "deb", "github", "golang", "hex", "npm", "pypi", "rpm",
    ]

    private static func normalize(_ text: String, type: String) -> String {
        caseless.contains(type) && text.utf8.contains { 0x41...0x5A ~= $0 || $0 >= 0x80 } ? text.lowercased() : text
    }

    private static func segments(_ text: Substring) -> [String]? {
        var out: [String] = []
        for part in text.split(separator: "/") {
            guard let decoded = decode(part), !decoded.isEmpty else { return nil }
            out.append(decoded)
        }
        return out
    }

    private static func qualifiers(_ text: Substring) -> [Qualifier]? {
        var out: [Qualifier] = []
        for pair in text.split(separator: "&") {
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex,
                let value = decode(pair[pair.index(after: equals)...])
            else { return nil }
            let key = pair[..<equals].lowercased()
            guard key.utf8.allSatisfy({ isLetter($0) || isDigit($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F }),
                !out.contains(where: { $0.key == key })
            else { return nil }
            out.append(Qualifier(key: key, value: value))
        }
        return out
    }

    private static func isLetter(_ byte: UInt8) -> Bool { 0x61...0x7A ~= byte || 0x41...0x5A ~= byte }
    private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

    private static func encode(_ text: some StringProtocol, keepingSlash: Bool = false) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case _ where isLetter(byte) || isDigit(byte): out.append(byte)
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: ":"):
                out.append(byte)
            case UInt8(ascii: "/") where keepingSlash: out.append(byte)
            default: out += "%\(Hex.encode([byte]).uppercased())".utf8
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func decode(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var out: [UInt8] = []
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                out.append(byte)
                continue
            }
            let digits = String(decoding: bytes.prefix(2), as: UTF8.self).lowercased()
            guard let value = Hex.decode(digits), value.count == 1 else { return nil }
            out.append(value[0])
            bytes = bytes.dropFirst(2)
        }
        return String(validating: out, as: UTF8.self)
    }
}
