import Authority
import Bytes
import Keys
import Testing
import Wire

/// An issuer of tokens that a test has in its hands.
struct TestIssuer: Sendable {
    static let url = "https://issuer.example"
    let key: PrivateKey
    let keyID: String

    init(keyID: String = "1") throws {
        key = try PrivateKey.generate(.ecdsaP256)
        self.keyID = keyID
    }

    init(key: PrivateKey) {
        self.key = key
        keyID = "1"
    }

    var keySet: WebKeySet { WebKeySet([.init(keyID: keyID, algorithm: nil, key: key.publicKey)]) }

    static func now() throws -> Timestamp { try #require(Timestamp("2026-01-01T00:00:00Z")) }

    static func claims(_ more: JSONObject = [:]) throws -> JSONObject {
        let now = try now().seconds
        var claims: JSONObject = [
            "iss": .string(url), "sub": "subject", "aud": "sigstore", "exp": .integer(now + 300),
            "iat": .integer(now), "nbf": .integer(now), "email": "someone@example.org", "email_verified": true,
        ]
        for member in more { claims[member.key] = member.value.isNull ? nil : member.value }
        return claims
    }

    func token(
        _ claims: JSONObject, algorithm: String = "ES256", header more: JSONObject = [:], hash: HashAlgorithm? = nil,
        padding: RSAPadding = .pkcs1v15
    ) throws -> String {
        var header: JSONObject = ["alg": .string(algorithm), "kid": .string(keyID), "typ": "JWT"]
        for member in more { header[member.key] = member.value }
        let signed = [JSON.object(header), .object(claims)].map { Self.part($0.bytes()) }.joined(separator: ".")
        let signature = try key.signature(of: .bytes(Array(signed.utf8)), hash: hash, padding: padding)
        return signed + "." + Self.part(try key.algorithm.rawSignature(signature))
    }

    static func part(_ bytes: [UInt8]) -> String { Base64.encode(bytes, alphabet: .urlSafe, padded: false) }
}

/// RSA keys take seconds to make, so tests share two.
enum SharedKey {
    private static let first = Result { try PrivateKey.generate(.rsa(bits: 2048)) }
    private static let second = Result { try PrivateKey.generate(.rsa(bits: 2048)) }

    static func rsa() throws -> PrivateKey { try first.get() }
    static func otherRSA() throws -> PrivateKey { try second.get() }
    static func make(_ algorithm: KeyAlgorithm) throws -> PrivateKey {
        if case .rsa = algorithm { try rsa() } else { try PrivateKey.generate(algorithm) }
    }
}

/// Answers from a table, and counts.
actor TableTransport: HTTPTransport {
    private var answers: [String: [UInt8]]
    private(set) var requests: [String] = []

    init(_ answers: [String: [UInt8]] = [:]) { self.answers = answers }

    func set(_ address: String, _ answer: [UInt8]?) { answers[address] = answer }

    func fetch(_ request: HTTPRequest, limit: Int, deadline: Duration?) async throws(WireError) -> HTTPAnswer {
        requests.append(request.url.text)
        guard let bytes = answers[request.url.text] else { throw WireError(.unreachable, "nobody is there") }
        guard bytes.count <= limit else { throw WireError(.tooLarge, "too much") }
        return HTTPAnswer(status: 200, fields: [:], url: request.url, bytes: bytes)
    }
}
