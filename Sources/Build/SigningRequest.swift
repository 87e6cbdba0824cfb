package import Keys
package import Sigstore

/// Who is to sign a build's statements, how that is shown, and which services witness it.
package struct SigningRequest: Sendable {
    /// Who signs.
    package enum Signer: Sendable {
        /// The holder of a key: a reference, the file or pipe with its passphrase or PIN, and how RSA is padded.
        case key(String, passwordFile: String? = nil, padding: RSAPadding = .pkcs1v15)
        /// The owner of a token, with a key and a certificate for each statement.
        case token(Token)
    }

    /// Where tokens come from.
    package enum Token: Sendable {
        /// The token itself.
        case text(String)
        case file(String)
        /// What the build service has for its jobs.
        case ambient
        /// An issuer of martlet's, which names the build: the address, the program's id there, and the file or pipe with
        /// its secret, else `MARTLET_ISSUER_SECRET`.
        case builds(issuer: String, client: String, secretFile: String?, builder: String)
    }

    /// The services that issue certificates and witness signatures, and what they are believed by.
    package struct Services: Sendable {
        package var config: SigningConfig
        package var trustedRoot: TrustedRoot
        /// The authorities that web servers' certificates are checked with; `nil` for the system's.
        package var authorityFile: String?

        package init(config: SigningConfig, trustedRoot: TrustedRoot, authorityFile: String? = nil) {
            self.config = config
            self.trustedRoot = trustedRoot
            self.authorityFile = authorityFile
        }
    }

    package var signer: Signer
    /// A token needs them; a key is witnessed by them where they are there.
    package var services: Services?
    /// How long one signature may take.
    package var seconds: Int

    /// The variable with a program's secret at an identity issuer.
    package static let issuerSecretVariable = "MARTLET_ISSUER_SECRET"

    package init(_ signer: Signer, services: Services? = nil, seconds: Int = 60) {
        self.signer = signer
        self.services = services
        self.seconds = seconds
    }

    /// The variables that hold secrets of a signer: the signing process gets them, and nothing else.
    func secretVariables() throws -> [String] {
        var names = SecretSource.passphraseVariables + SecretSource.pinVariables + AmbientToken.secretVariables
        names.append(Self.issuerSecretVariable)
        if case .key(let key, _, _) = signer, case .variable(let name) = try KeyReference(key) { names.append(name) }
        return names
    }
}
