internal import Bytes
package import Keys

/// What martlet and its signing process say to each other, in JSON.
enum SigningMessages {
    /// Which key to open, and how; no secret is among it.
    struct Opening: Sendable {
        var key: String
        var passwordFile: String?
        var padding: RSAPadding
        var seconds: Int

        init(_ request: SigningRequest) {
            key = request.key
            passwordFile = request.passwordFile
            padding = request.padding
            seconds = request.seconds
        }

        init?(_ json: JSON) {
            guard let key = json["key"]?.stringValue, let seconds = json["seconds"]?.intValue,
                let padding = json["padding"]?.stringValue.flatMap(RSAPadding.init(name:))
            else { return nil }
            self.key = key
            passwordFile = json["passwordFile"]?.stringValue
            self.padding = padding
            self.seconds = seconds
        }

        var bytes: [UInt8] {
            var object: JSONObject = [
                "key": .string(key), "padding": .string(padding.name), "seconds": .integer(seconds),
            ]
            object["passwordFile"] = passwordFile.map { .string($0) }
            return JSON.object(object).bytes()
        }
    }

    static func failure(_ error: KeyError) -> [UInt8] {
        let json: JSON = ["error": .string(error.message), "code": .string(error.code.name)]
        return json.bytes()
    }

    /// The answer, or the error that it is.
    static func answer(_ bytes: [UInt8]) throws(KeyError) -> JSON {
        guard let json = try? JSON(parsing: bytes) else {
            throw KeyError(.unavailable, "the signing process answered with something that is not JSON")
        }
        if let message = json["error"]?.stringValue, let code = json["code"]?.stringValue {
            throw KeyError(KeyError.Code(name: code), message)
        }
        return json
    }
}

/// Which key is to sign a build's statements, and how it is opened.
package struct SigningRequest: Sendable {
    /// A key reference.
    package var key: String
    /// The file or pipe with its passphrase or PIN.
    package var passwordFile: String?
    package var padding: RSAPadding
    /// How long one signature may take.
    package var seconds: Int

    package init(key: String, passwordFile: String? = nil, padding: RSAPadding = .pkcs1v15, seconds: Int = 60) {
        self.key = key
        self.passwordFile = passwordFile
        self.padding = padding
        self.seconds = seconds
    }
}
