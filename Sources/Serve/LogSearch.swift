internal import Bytes
internal import HTTPTypes
internal import Hummingbird
internal import Keys
internal import Sigstore

/// A search by metadata, as `POST /api/v1/index/retrieve` takes it.
struct LogSearch {
    /// Each a set of keys of which an entry must have one.
    let conditions: [[String]]
    /// Whether an entry must meet all conditions or any.
    let isConjunction: Bool

    /// The most entries that are told.
    static let greatestCount = 1000

    init(_ json: JSON) throws(Refusal) {
        func bad(_ message: String) -> Refusal { Refusal(.badRequest, message) }
        func text(_ key: String, _ limit: Int) throws(Refusal) -> String? {
            guard let value = json[key], !value.isNull else { return nil }
            guard let text = value.stringValue else { throw bad("\(key) has to be a text") }
            guard text.utf8.count <= limit else { throw bad("\(key) has more than \(limit) bytes") }
            return text.isEmpty ? nil : text.lowercased()
        }
        var conditions: [[String]] = []
        if let hash = try text("hash", 140) {
            guard let key = Self.hash(hash) else {
                throw bad("hash has to be the hexadecimal digits of SHA-1, SHA-256, SHA-384 or SHA-512")
            }
            conditions.append([key])
        }
        if let email = try text("email", 512) { conditions.append([email]) }
        if let subject = try text("subject", 512) { conditions.append([subject]) }
        if let key = json["publicKey"], !key.isNull {
            guard let format = key["format"]?.stringValue else { throw bad("publicKey.format is missing") }
            guard format == "x509" else { throw bad("publicKey.format has to be x509 here: others are not logged") }
            guard let content = key["content"]?.stringValue, let pem = try? Base64.decode(content) else {
                throw bad("publicKey.content has to be the base64 of PEM")
            }
            do {
                conditions.append(try LogRecord.searchKeys(forPEM: pem))
            } catch {
                throw bad(error.message)
            }
        }
        guard !conditions.isEmpty else { throw bad("give hash, email, subject or publicKey") }
        switch try text("operator", 3) {
        case nil, "or": isConjunction = false
        case "and": isConjunction = true
        default: throw bad("operator has to be and or or")
        }
        self.conditions = conditions
    }

    /// The key of a digest, by its length where it does not name its algorithm; `nil` for what is none.
    private static func hash(_ text: String) -> String? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let digits = parts.last, Hex.decode(digits) != nil else { return nil }
        let named: String? =
            switch digits.utf8.count {
            case 40: "sha1"
            case 64: "sha256"
            case 96: "sha384"
            case 128: "sha512"
            default: nil
            }
        guard let named, parts.count == 1 || parts == [named, digits] else { return nil }
        return "\(named):\(digits)"
    }

    /// The places of the entries, in order.
    func indexes(in store: any LogStore) async throws -> [UInt64] {
        var found: Set<UInt64>?
        for keys in conditions {
            var some = Set<UInt64>()
            for key in keys { some.formUnion(try await store.search(key, limit: Self.greatestCount)) }
            found = found.map { isConjunction ? $0.intersection(some) : $0.union(some) } ?? some
        }
        return Array((found ?? []).sorted().prefix(Self.greatestCount))
    }
}
