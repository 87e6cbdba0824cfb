internal import Bytes

/// The members of an object in a manifest or configuration, read strictly: a member that is there has its type, and
/// `null` counts as absent, as Go's encoders write it.
struct ManifestFields {
    let object: JSONObject
    /// Where the object stands, for messages: `layers[3]`.
    let place: String

    init(_ json: JSON, _ place: String) throws(RegistryError) {
        guard let object = json.objectValue else {
            throw RegistryError(.malformed, "\(place) is \(json.kind); it should be an object")
        }
        self.object = object
        self.place = place
    }

    /// Reads a JSON document of at most `limit` bytes.
    init(parsing bytes: [UInt8], limit: Int, _ place: String) throws(RegistryError) {
        guard bytes.count <= limit else {
            throw RegistryError(.limit, "\(place) has \(bytes.count) bytes; the limit is \(limit)")
        }
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: limit, depth: 64))
        } catch {
            throw RegistryError(.malformed, "\(place) is not JSON: \(error)")
        }
        try self.init(json, place)
    }

    subscript(name: String) -> JSON? {
        guard let value = object[name], !value.isNull else { return .none }
        return .some(value)
    }

    func wrong(_ name: String, _ should: String) -> RegistryError {
        RegistryError(.malformed, "\(place): \(name) should be \(should)")
    }

    func text(_ name: String) throws(RegistryError) -> String? {
        guard let value = self[name] else { return nil }
        guard let text = value.stringValue else { throw wrong(name, "a string") }
        return text
    }

    func number(_ name: String) throws(RegistryError) -> Int? {
        guard let value = self[name] else { return nil }
        guard let number = value.intValue else { throw wrong(name, "an integer") }
        return number
    }

    func flag(_ name: String) throws(RegistryError) -> Bool? {
        guard let value = self[name] else { return nil }
        guard let flag = value.boolValue else { throw wrong(name, "true or false") }
        return flag
    }

    func array(_ name: String, limit: Int) throws(RegistryError) -> [JSON]? {
        guard let value = self[name] else { return nil }
        guard let elements = value.arrayValue else { throw wrong(name, "an array") }
        guard elements.count <= limit else {
            throw RegistryError(.limit, "\(place): \(name) has \(elements.count) elements; the limit is \(limit)")
        }
        return elements
    }

    func texts(_ name: String, limit: Int) throws(RegistryError) -> [String] {
        var out: [String] = []
        for element in try array(name, limit: limit) ?? [] {
            guard let text = element.stringValue else { throw wrong(name, "an array of strings") }
            out.append(text)
        }
        return out
    }

    /// An object whose values are all strings.
    func table(_ name: String, limit: Int) throws(RegistryError) -> [String: String] {
        guard let value = self[name] else { return [:] }
        guard let members = value.objectValue else { throw wrong(name, "an object") }
        guard members.count <= limit else {
            throw RegistryError(.limit, "\(place): \(name) has \(members.count) members; the limit is \(limit)")
        }
        var out: [String: String] = [:]
        for member in members {
            guard let text = member.value.stringValue else { throw wrong("\(name).\(member.key)", "a string") }
            out[member.key] = text
        }
        return out
    }

    func object(_ name: String) throws(RegistryError) -> ManifestFields? {
        guard let value = self[name] else { return nil }
        return try ManifestFields(value, "\(place).\(name)")
    }

    func mediaType(_ name: String) throws(RegistryError) -> MediaType? {
        guard let text = try text(name), !text.isEmpty else { return nil }
        guard let type = MediaType(text) else { throw wrong(name, "a media type") }
        return type
    }

    func digest(_ name: String) throws(RegistryError) -> MessageDigest {
        guard let text = try text(name) else { throw RegistryError(.malformed, "\(place) has no \(name)") }
        return try MessageDigest(oci: text, place)
    }

    func descriptor(_ name: String) throws(RegistryError) -> Descriptor? {
        guard let fields = try object(name) else { return nil }
        return try Descriptor(fields)
    }

    func descriptors(_ name: String, limit: Int) throws(RegistryError) -> [Descriptor]? {
        guard let elements = try array(name, limit: limit) else { return nil }
        var out: [Descriptor] = []
        out.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            out.append(try Descriptor(ManifestFields(element, "\(place).\(name)[\(index)]")))
        }
        return out
    }
}

extension MessageDigest {
    /// Reads a digest as manifests write it: `sha256:` and 64 hexadecimal digits in lower case, and the like.
    init(oci text: String, _ place: String) throws(RegistryError) {
        guard text.utf8.count <= 256, text.utf8.allSatisfy({ !(0x41...0x5A ~= $0) }),
            let digest = MessageDigest(description: text)
        else {
            throw RegistryError(
                .malformed,
                "\(place): '\(String(text.prefix(80)).safeForTerminal)' is no digest that can be checked; sha256, sha384 and sha512 are"
            )
        }
        self = digest
    }
}
