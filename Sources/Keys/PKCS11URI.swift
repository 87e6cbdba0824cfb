package import SystemPackage

/// Where a key in a hardware token is: a PKCS #11 URI (RFC 7512).
///
/// Of the URI's attributes those are read that choose a module, a token and a key. One that is not known is refused, for
/// it could choose another key.
package struct PKCS11URI: Hashable, Sendable {
    /// What a token must say of itself, each without the blanks at its end.
    package var token: String?
    package var manufacturer: String?
    package var model: String?
    package var serial: String?
    package var slotID: UInt?
    /// The key's label (CKA_LABEL).
    package var object: String?
    /// The key's id (CKA_ID).
    package var id: [UInt8]?
    /// The module's file.
    package var modulePath: FilePath?
    /// The module's name without `lib` and `.so`, to be looked for where modules are installed.
    package var moduleName: String?
    /// The file that holds the PIN.
    package var pinSource: FilePath?

    package static let scheme = "pkcs11:"

    /// The most bytes of a URI.
    private static let greatestByteCount = 4096

    /// Reads a URI.
    package init(_ text: String) throws(KeyError) {
        guard text.utf8.count <= Self.greatestByteCount else {
            throw KeyError(.malformed, "the PKCS #11 URI is longer than \(Self.greatestByteCount) bytes")
        }
        guard text.hasPrefix(Self.scheme) else {
            throw KeyError(.malformed, "a PKCS #11 URI begins with 'pkcs11:'")
        }
        let parts = text.dropFirst(Self.scheme.count).split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var seen: Set<String> = []
        for attribute in parts[0].split(separator: ";") {
            let (name, value) = try Self.attribute(attribute, &seen)
            try set(name, value)
        }
        guard parts.count > 1 else { return }
        for attribute in parts[1].split(separator: "&") {
            let (name, value) = try Self.attribute(attribute, &seen)
            try setQuery(name, value)
        }
    }

    private mutating func set(_ name: String, _ value: [UInt8]) throws(KeyError) {
        switch name {
        case "token": token = try Self.text(value, name)
        case "manufacturer": manufacturer = try Self.text(value, name)
        case "model": model = try Self.text(value, name)
        case "serial": serial = try Self.text(value, name)
        case "object": object = try Self.text(value, name)
        case "id":
            guard !value.isEmpty else { throw KeyError(.malformed, "the PKCS #11 URI has an empty id") }
            id = value
        case "slot-id":
            guard let number = UInt(try Self.text(value, name)) else {
                throw KeyError(.malformed, "slot-id of the PKCS #11 URI is not a number")
            }
            slotID = number
        case "type":
            guard try Self.text(value, name) == "private" else {
                throw KeyError(
                    .unsupported, "the PKCS #11 URI does not name a private key; leave type out, or say type=private")
            }
        default:
            throw KeyError(
                .unsupported,
                "the PKCS #11 URI has the attribute \(name.debugDescription), which is not supported; token, manufacturer, model, serial, slot-id, object, id and type are"
            )
        }
    }

    private mutating func setQuery(_ name: String, _ value: [UInt8]) throws(KeyError) {
        switch name {
        case "module-path":
            let path = FilePath(try Self.text(value, name))
            guard path.isAbsolute else {
                throw KeyError(.malformed, "module-path of the PKCS #11 URI must be an absolute path")
            }
            modulePath = path
        case "module-name":
            let text = try Self.text(value, name)
            guard !text.isEmpty, !text.contains("/") else {
                throw KeyError(.malformed, "module-name of the PKCS #11 URI must be a name without slashes")
            }
            moduleName = text
        case "pin-source":
            var text = try Self.text(value, name)
            if text.hasPrefix("file://") { text.removeFirst("file://".count) }
            if text.hasPrefix("file:") { text.removeFirst("file:".count) }
            guard text.hasPrefix("/") else {
                throw KeyError(
                    .unsupported,
                    "pin-source of the PKCS #11 URI must be file: and an absolute path; programs are not run")
            }
            pinSource = FilePath(text)
        case "pin-value":
            throw KeyError(
                .unsupported,
                "the PKCS #11 URI holds a PIN, which others on this machine can see; use pin-source=file:/PATH, MARTLET_PKCS11_PIN or --key-password-file"
            )
        default:
            throw KeyError(
                .unsupported,
                "the PKCS #11 URI has \(name.debugDescription) in its query, which is not supported; module-path, module-name and pin-source are"
            )
        }
    }

    private static func attribute(
        _ text: Substring, _ seen: inout Set<String>
    ) throws(KeyError) -> (name: String, value: [UInt8]) {
        guard let sign = text.firstIndex(of: "=") else {
            throw KeyError(.malformed, "the PKCS #11 URI has a part without '='")
        }
        let name = String(text[..<sign])
        guard seen.insert(name).inserted else {
            throw KeyError(.malformed, "the PKCS #11 URI has \(name.debugDescription) twice")
        }
        var value: [UInt8] = []
        var rest = Array(text[text.index(after: sign)...].utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(Self.digit), let low = rest.popFirst().flatMap(Self.digit)
                else {
                    throw KeyError(.malformed, "\(name) of the PKCS #11 URI has a '%' without two hexadecimal digits")
                }
                value.append(high << 4 | low)
            case 0x21...0x7E: value.append(byte)
            // People write labels with blanks; quoted, the URI is one argument all the same.
            case UInt8(ascii: " "): value.append(byte)
            default:
                throw KeyError(.malformed, "\(name) of the PKCS #11 URI has a byte that must be written as %\(byte)")
            }
        }
        return (name, value)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func text(_ bytes: [UInt8], _ name: String) throws(KeyError) -> String {
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw KeyError(.malformed, "\(name) of the PKCS #11 URI is not UTF-8 text")
        }
        return text
    }

    /// The URI without module and PIN, for people. RFC 7512 section 2.3 says which bytes need no percent sign.
    package var text: String {
        var parts: [String] = []
        func add(_ name: String, _ value: some Sequence<UInt8>) { parts.append("\(name)=\(Self.escaped(value))") }
        if let token { add("token", token.utf8) }
        if let manufacturer { add("manufacturer", manufacturer.utf8) }
        if let model { add("model", model.utf8) }
        if let serial { add("serial", serial.utf8) }
        if let slotID { add("slot-id", String(slotID).utf8) }
        if let object { add("object", object.utf8) }
        if let id { parts.append("id=" + id.map { "%" + Self.hex($0) }.joined()) }
        return Self.scheme + parts.joined(separator: ";")
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.utf8.count < 2 ? "0" + digits : digits
    }

    private static func escaped(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
            return isPlain || "-._~".unicodeScalars.contains(scalar) ? String(Character(scalar)) : "%" + hex(byte)
        }.joined()
    }
}
