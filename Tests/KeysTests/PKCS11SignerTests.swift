import Bytes
import Glibc
import Host
import SystemPackage
import TestKit
import Testing

@testable import Keys

/// A token of SoftHSM 2 for the whole run: the module reads its settings once a process.
enum SoftToken {
    static let module = [
        "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    ].first { (try? Files.exists(FilePath($0))) == true }
    static let isThere = module != nil && ToolPath.find("softhsm2-util", path: "/usr/bin:/bin") != nil
    static let pin = Secret("1234")

    private static let made = Task {
        let directory = try TemporaryDirectory()
        try Files.createDirectories(directory["tokens"])
        let settings = try directory.write(
            "directories.tokendir = \(directory["tokens"])\nobjectstore.backend = file\nlog.level = ERROR\n",
            to: "softhsm2.conf")
        unsafe setenv("SOFTHSM2_CONF", settings.string, 1)
        let outcome = try await ChildProcess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", "ci token", "--pin", "1234", "--so-pin", "5678"],
            outputLimit: 1 << 16, timeLimit: .seconds(60))
        guard outcome.isSuccess else { throw HostError(.system, outcome.errorText) }
        return directory
    }

    /// The URI of a key in the token.
    static func uri(_ object: String, token: String = "ci token") async throws -> PKCS11URI {
        _ = try await made.value
        return try PKCS11URI("pkcs11:token=\(token);object=\(object)?module-path=\(module ?? "")")
    }
}

@Suite(.enabled(if: SoftToken.isThere, "softhsm2 is not installed"), .serialized)
struct PKCS11SignerTests {
    static let message = SignedMessage.bytes(Array("a message".utf8))

    @Test(
        "a token makes a key, and what it signs is valid",
        arguments: [KeyAlgorithm.ecdsaP256, .ecdsaP384, .ecdsaP521, .ed25519, .rsa(bits: 2048)])
    func signing(algorithm: KeyAlgorithm) async throws {
        let uri = try await SoftToken.uri("sign-\(algorithm.name)")
        let made = try await PKCS11Signer.generate(algorithm, at: uri, module: nil, pin: SoftToken.pin)
        #expect(made.publicKey.algorithm == algorithm)
        let found = try await PKCS11Signer(uri, module: nil, pin: SoftToken.pin)
        #expect(found.publicKey == made.publicKey)
        let signature = try await found.sign(Self.message)
        try found.publicKey.verify(signature, of: Self.message)
        if let hash = algorithm.defaultHash {
            let digest = SignedMessage.digest(hash.digest(of: Array("a message".utf8)))
            try found.publicKey.verify(try await made.sign(digest), of: Self.message)
        }
        guard case .rsa = algorithm else { return }
        let pss = try await PKCS11Signer(uri, module: nil, pin: SoftToken.pin, padding: .pss)
        try found.publicKey.verify(try await pss.sign(Self.message), of: Self.message, padding: .pss)
    }

    // Of PINs the tests of the command speak: a login holds for the whole process.
    @Test("what is wrong with token, key and module is told apart")
    func failures() async throws {
        func code(_ uri: PKCS11URI) async -> KeyError? {
            do {
                _ = try await PKCS11Signer(uri, module: nil, pin: SoftToken.pin)
                return nil
            } catch {
                return error
            }
        }
        let uri = try await SoftToken.uri("failures")
        _ = try await PKCS11Signer.generate(.ecdsaP256, at: uri, module: nil, pin: SoftToken.pin)
        let token = await code(try await SoftToken.uri("failures", token: "another"))
        #expect(token?.code == .absent && token?.message.contains("\"ci token\"") == true)
        let key = await code(try await SoftToken.uri("no-such-key"))
        #expect(key?.code == .absent && key?.message.contains("no private key") == true)
        for (path, expected) in [("/nonexistent.so", KeyError.Code.absent), ("/etc/passwd", .absent)] {
            var missing = uri
            missing.modulePath = FilePath(path)
            #expect(await code(missing)?.code == expected)
        }
        var none = uri
        none.modulePath = nil
        #expect(await code(none)?.code == .absent)
        none.modulePath = "/usr/lib/x86_64-linux-gnu/libz.so.1"
        if try Files.exists(none.modulePath ?? "") { #expect(await code(none)?.code == .unsupported) }
        let again = await #expect(throws: KeyError.self) {
            _ = try await PKCS11Signer.generate(.mlDSA65, at: uri, module: nil, pin: SoftToken.pin)
        }
        #expect(again?.code == .unsupported)
    }

    @Test("two keys of one name are told apart by their id")
    func ambiguity() async throws {
        var uri = try await SoftToken.uri("twins")
        uri.id = [1, 2]
        let first = try await PKCS11Signer.generate(.ecdsaP256, at: uri, module: nil, pin: SoftToken.pin)
        uri.id = [3]
        let second = try await PKCS11Signer.generate(.ecdsaP256, at: uri, module: nil, pin: SoftToken.pin)
        #expect(first.publicKey != second.publicKey)
        #expect(try await PKCS11Signer(uri, module: nil, pin: SoftToken.pin).publicKey == second.publicKey)
        uri.id = nil
        let error = await #expect(throws: KeyError.self) {
            _ = try await PKCS11Signer(uri, module: nil, pin: SoftToken.pin)
        }
        #expect(error?.code == .ambiguous)
        uri.id = [3]
        let twice = await #expect(throws: KeyError.self) {
            _ = try await PKCS11Signer.generate(.ecdsaP256, at: uri, module: nil, pin: SoftToken.pin)
        }
        #expect(twice?.code == .refused)
    }
}

@Suite struct PKCS11Tests {
    @Test("a URI of RFC 7512 is read, whatever way its bytes are written")
    func uri() throws {
        let uri = try PKCS11URI(
            "pkcs11:token=The%20Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.;serial=1a;model=1.0;"
                + "object=my-certificate;type=private;id=%69%95%3E%5c%F4%BD%ec%91?pin-source=file:/etc/token_pin"
                + "&module-path=/usr/lib/m.so")
        #expect(uri.token == "The Software PKCS#11 softtoken")
        #expect(uri.manufacturer == "Snake Oil, Inc.")
        #expect(uri.object == "my-certificate")
        #expect(uri.id == [0x69, 0x95, 0x3E, 0x5C, 0xF4, 0xBD, 0xEC, 0x91])
        #expect(uri.pinSource == "/etc/token_pin")
        #expect(uri.modulePath == "/usr/lib/m.so")
        #expect(try PKCS11URI("pkcs11:slot-id=7;object=x?module-name=softhsm2").slotID == 7)
        var plain = uri
        (plain.pinSource, plain.modulePath) = (nil, nil)
        #expect(try PKCS11URI(uri.text) == plain)
    }

    @Test(
        "a URI that is broken, or could choose another key than it seems to, is refused",
        arguments: [
            "pkcs12:", "pkcs11:token", "pkcs11:token=a;token=b", "pkcs11:nope=1", "pkcs11:object=%", "pkcs11:object=%1",
            "pkcs11:object=%zz", "pkcs11:object=%FF", "pkcs11:object=%00", "pkcs11:id=", "pkcs11:slot-id=x",
            "pkcs11:object=a?nope=1", "pkcs11:object=a?module-path=m.so", "pkcs11:object=a?module-name=../m",
            "pkcs11:object=a?pin-source=|cat", "pkcs11:object=a?pin-source=http://a/b", "pkcs11:type=public",
            "pkcs11:object=é", "pkcs11:" + String(repeating: "a", count: 5000),
        ])
    func refused(text: String) {
        #expect(throws: KeyError.self) { try PKCS11URI(text) }
    }

    @Test("a PIN in a URI is refused and not repeated")
    func pinValue() {
        let error = #expect(throws: KeyError.self) { try PKCS11URI("pkcs11:object=a?pin-value=271828") }
        #expect(error?.message.contains("pin-source") == true)
        #expect(error?.message.contains("271828") == false)
    }

    @Test("a module that hangs is given up, and asked nothing more")
    func hanging() async throws {
        let lane = PKCS11Lane(timeLimit: .milliseconds(20))
        let end = DescriptorPair()
        let first = await #expect(throws: KeyError.self) {
            try await lane.run { () throws(KeyError) in end.waitForEnd() }
        }
        #expect(first?.code == .unavailable)
        let second = await #expect(throws: KeyError.self) { try await lane.run { () throws(KeyError) in () } }
        #expect(second?.code == .unavailable)
        end.end()
    }

    /// A pipe on which a thread can wait until a test ends.
    final class DescriptorPair: Sendable {
        let descriptors: (Int32, Int32)
        init() {
            var pair: [Int32] = [0, 0]
            unsafe pipe(&pair)
            descriptors = (pair[0], pair[1])
        }
        func waitForEnd() {
            var byte: UInt8 = 0
            _ = unsafe read(descriptors.0, &byte, 1)
        }
        func end() { close(descriptors.1) }
        deinit { close(descriptors.0) }
    }

    @Test("what a module returns becomes an error that says what to do")
    func statuses() {
        #expect(PKCS11Status(0xA0).error("sign").code == .wrongPassphrase)
        #expect(PKCS11Status(0xA4).error("sign").code == .wrongPassphrase)
        #expect(PKCS11Status(0xE0).error("sign").code == .absent)
        #expect(PKCS11Status(0x32).error("sign").code == .absent)
        #expect(PKCS11Status(0x70).error("sign").code == .unsupported)
        #expect(PKCS11Status(0x68).error("sign").code == .refused)
        #expect(PKCS11Status(0x8000_0001).error("sign").message.contains("0x80000001"))
    }
}
