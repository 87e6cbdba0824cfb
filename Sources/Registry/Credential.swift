internal import Bytes

/// How a client proves who it is to one registry.
package enum Credential: Hashable, Sendable {
    case anonymous
    case password(user: String, password: String)
    /// A token with which others are asked for, as `docker login` to some registries leaves it.
    case identityToken(String)
    /// A token that is sent as it is.
    case registryToken(String)

    /// What a Basic scheme sends; `nil` where there is no password.
    var basic: String? {
        guard case .password(let user, let password) = self else { return nil }
        return "Basic " + Base64.encode(Array("\(user):\(password)".utf8))
    }
}
