internal import Bytes
internal import SwiftASN1

/// A private key as a PEM file holds it, before a passphrase opens it.
package struct PrivateKeyText: Sendable {
    /// The containers a file may hold; the first four are written by other programs only, or when asked for.
    package enum Container: String, Hashable, Sendable, CaseIterable {
        /// `PRIVATE KEY`, PKCS #8.
        case pkcs8
        /// `EC PRIVATE KEY`, SEC 1.
        case sec1
        /// `RSA PRIVATE KEY`, PKCS #1.
        case pkcs1
        /// `ENCRYPTED PRIVATE KEY`, PKCS #8 with PBES2.
        case encryptedPKCS8 = "encrypted-pkcs8"
        /// `ENCRYPTED SIGSTORE PRIVATE KEY` or `ENCRYPTED COSIGN PRIVATE KEY`.
        case cosign
    }

    package let container: Container
    private let block: PEM

    /// Whether a passphrase is needed to read the key.
    package var isEncrypted: Bool { container == .encryptedPKCS8 || container == .cosign }

    /// The most bytes of a file with a private key.
    package static let greatestByteCount = 128 << 10

    /// Finds the private key in a PEM text. Blocks `EC PARAMETERS` in front of it, which OpenSSL writes, are passed over.
    package init(_ text: Secret) throws(KeyError) {
        guard text.bytes.count <= Self.greatestByteCount else {
            throw KeyError(.malformed, "the file has \(text.bytes.count) bytes, too many for a private key")
        }
        if text.bytes.first == 0x30 {
            (container, block) = try Self.block(ofDER: text.bytes)
            return
        }
        let blocks: [PEM]
        do {
            blocks = try PEM.blocks(in: text.bytes)
        } catch {
            throw KeyError(.malformed, "the private key is not PEM: broken at byte \(error.offset)")
        }
        guard let block = blocks.first(where: { $0.label != "EC PARAMETERS" }) else {
            throw KeyError(
                .malformed, "the file holds no PEM block; a private key begins with -----BEGIN … PRIVATE KEY-----")
        }
        guard !block.headers.contains(where: { $0.hasPrefix("Proc-Type") }) else {
            throw KeyError(
                .unsupported,
                "the key is encrypted in OpenSSL's old way, which is weak; convert it with `openssl pkcs8 -topk8 -scrypt`"
            )
        }
        switch block.label {
        case "PRIVATE KEY": container = .pkcs8
        case "EC PRIVATE KEY": container = .sec1
        case "RSA PRIVATE KEY": container = .pkcs1
        case "ENCRYPTED PRIVATE KEY": container = .encryptedPKCS8
        case _ where CosignKey.labels.contains(block.label): container = .cosign
        case "OPENSSH PRIVATE KEY":
            throw KeyError(
                .unsupported,
                "OpenSSH's own form of private keys is not read; convert it with `ssh-keygen -p -m PKCS8 -f FILE`")
        case "PUBLIC KEY", "RSA PUBLIC KEY":
            throw KeyError(.unsupported, "this is a public key, which can't sign; give the private key")
        default:
            throw KeyError(.unsupported, "a block \(block.label.debugDescription) is no private key that martlet reads")
        }
        self.block = block
    }

    /// Which container DER without a PEM block is: the first elements tell.
    private static func block(ofDER der: [UInt8]) throws(KeyError) -> (Container, PEM) {
        let container: Container?
        do {
            container = try DER.sequence(try DER.parse(der), identifier: .sequence) { nodes in
                let (first, second) = (nodes.next()?.identifier, nodes.next()?.identifier)
                while nodes.next() != nil {}
                return switch (first, second) {
                case (.integer, .sequence): .pkcs8
                case (.integer, .octetString): .sec1
                case (.integer, .integer): .pkcs1
                case (.sequence, .octetString): .encryptedPKCS8
                default: Container?.none
                }
            }
        } catch {
            throw KeyError(.malformed, "the file is neither PEM nor DER")
        }
        guard let container else {
            throw KeyError(.unsupported, "the file is DER, but no private key that martlet reads")
        }
        return (container, PEM(label: "", bytes: der))
    }

    /// The key. `passphrase` is needed, and looked at, only where `isEncrypted`.
    package func open(_ passphrase: Secret? = nil) throws(KeyError) -> PrivateKey {
        func given() throws(KeyError) -> Secret {
            guard let passphrase else {
                throw KeyError(.wrongPassphrase, "the private key is encrypted, and no passphrase was given")
            }
            return passphrase
        }
        switch container {
        case .pkcs8: return try PrivateKey(pkcs8: block.bytes)
        case .sec1: return try PrivateKey(sec1: block.bytes)
        case .pkcs1: return try PrivateKey(pkcs1: block.bytes)
        case .encryptedPKCS8:
            let info: EncryptedPrivateKeyInfo
            do {
                info = try EncryptedPrivateKeyInfo(derEncoded: block.bytes)
            } catch let error as KeyError {
                throw error
            } catch {
                throw KeyError(.malformed, "the private key is no EncryptedPrivateKeyInfo (PKCS #8) in DER")
            }
            return try PrivateKey(pkcs8: try info.open(try given()))
        case .cosign: return try PrivateKey(pkcs8: try CosignKey(parsing: block.bytes).open(try given()))
        }
    }

    /// The PEM text of `key` in `container`, which is one of PKCS #8, encrypted PKCS #8 and cosign's. The encrypted ones
    /// need a passphrase, which may be empty.
    package static func text(
        of key: PrivateKey, in container: Container, passphrase: Secret?
    ) throws(KeyError) -> Secret {
        let pkcs8 = try key.pkcs8
        guard container != .pkcs8 else {
            return Secret(PEM(label: "PRIVATE KEY", bytes: pkcs8.bytes).text)
        }
        guard let passphrase else {
            throw KeyError(.wrongPassphrase, "an encrypted private key needs a passphrase")
        }
        switch container {
        case .encryptedPKCS8:
            let info = try EncryptedPrivateKeyInfo(pkcs8, passphrase: passphrase)
            return Secret(PEM(label: "ENCRYPTED PRIVATE KEY", bytes: try info.der()).text)
        case .cosign:
            let json = try CosignKey(pkcs8, passphrase: passphrase).json
            return Secret(PEM(label: CosignKey.label, bytes: json).text)
        default: throw KeyError(.unsupported, "private keys are not written as \(container.rawValue)")
        }
    }
}
