internal import Bytes
internal import Keys
internal import Sigstore

/// What martlet and its signing process say to each other, in JSON.
enum SigningMessages {
    /// The first message: who signs, and how. A token that somebody gave as an argument is the one secret in it.
    static func opening(_ request: SigningRequest) -> [UInt8] {
        var object: JSONObject = ["seconds": .integer(request.seconds)]
        switch request.signer {
        case .key(let key, let passwordFile, let padding):
            var signer: JSONObject = ["reference": .string(key), "padding": .string(padding.name)]
            signer["passwordFile"] = passwordFile.map { .string($0) }
            object["key"] = .object(signer)
        case .token(.text(let text)): object["token"] = ["text": .string(text)]
        case .token(.file(let file)): object["token"] = ["file": .string(file)]
        case .token(.ambient): object["token"] = [:]
        case .token(.builds(let issuer, let client, let secretFile, let builder)):
            var token: JSONObject = [
                "issuer": .string(issuer), "client": .string(client), "builder": .string(builder),
            ]
            token["secretFile"] = secretFile.map { .string($0) }
            object["token"] = .object(token)
        }
        if let services = request.services {
            var members: JSONObject = ["config": services.config.json, "trustedRoot": services.trustedRoot.json]
            members["authorityFile"] = services.authorityFile.map { .string($0) }
            object["services"] = .object(members)
        }
        return JSON.object(object).bytes()
    }

    /// The request in a first message; `nil` where it is none.
    static func request(in opening: [UInt8]) throws(SigstoreError) -> SigningRequest? {
        guard let json = try? JSON(parsing: opening), let seconds = json["seconds"]?.intValue,
            let signer = signer(json)
        else { return nil }
        var request = SigningRequest(signer, seconds: seconds)
        if let services = json["services"] {
            guard let config = services["config"], let root = services["trustedRoot"] else { return nil }
            request.services = .init(
                config: try SigningConfig(config), trustedRoot: try TrustedRoot(root),
                authorityFile: services["authorityFile"]?.stringValue)
        }
        return request
    }

    private static func signer(_ json: JSON) -> SigningRequest.Signer? {
        if let key = json["key"] {
            guard let reference = key["reference"]?.stringValue,
                let padding = key["padding"]?.stringValue.flatMap(RSAPadding.init(name:))
            else { return nil }
            return .key(reference, passwordFile: key["passwordFile"]?.stringValue, padding: padding)
        }
        guard let token = json["token"] else { return nil }
        if let text = token["text"]?.stringValue { return .token(.text(text)) }
        if let file = token["file"]?.stringValue { return .token(.file(file)) }
        guard let issuer = token["issuer"]?.stringValue else { return .token(.ambient) }
        guard let client = token["client"]?.stringValue, let builder = token["builder"]?.stringValue else { return nil }
        return .token(
            .builds(issuer: issuer, client: client, secretFile: token["secretFile"]?.stringValue, builder: builder))
    }

    /// Whose signatures will come.
    static func hello(_ signer: SignerIdentity) -> [UInt8] {
        switch signer {
        case .key(let key): (["publicKey": .string(key.pem)] as JSON).bytes()
        case .owner(let issuer, let names):
            (["issuer": .string(issuer), "names": .array(names.map { .string($0) })] as JSON).bytes()
        }
    }

    static func identity(in hello: JSON) throws(KeyError) -> SignerIdentity {
        if let text = hello["publicKey"]?.stringValue { return .key(try PublicKey(pem: Array(text.utf8))) }
        guard let issuer = hello["issuer"]?.stringValue, let names = hello["names"]?.arrayValue else {
            throw KeyError(.unavailable, "the signing process does not say who signs")
        }
        return .owner(issuer: issuer, names: names.compactMap(\.stringValue))
    }

    static func failure(_ error: any Error) -> [UInt8] {
        let json: JSON =
            switch error {
            case let error as KeyError: ["error": .string(error.message), "key": .string(error.code.name)]
            case let error as SigstoreError: ["error": .string(error.message), "sigstore": .string(error.code.name)]
            default: ["error": .string("\(error)"), "key": .string(KeyError.Code.unavailable.name)]
            }
        return json.bytes()
    }

    /// The answer, or the error that it is.
    static func answer(_ bytes: [UInt8]) throws -> JSON {
        guard let json = try? JSON(parsing: bytes) else {
            throw KeyError(.unavailable, "the signing process answered with something that is not JSON")
        }
        guard let message = json["error"]?.stringValue else { return json }
        if let code = json["sigstore"]?.stringValue { throw SigstoreError(SigstoreError.Code(name: code), message) }
        throw KeyError(KeyError.Code(name: json["key"]?.stringValue ?? KeyError.Code.unavailable.name), message)
    }
}

/// Whose signatures a signing process gives.
enum SignerIdentity: Sendable {
    case key(PublicKey)
    /// The owner of tokens by this issuer, whom certificates call by one of these names.
    case owner(issuer: String, names: [String])
}
