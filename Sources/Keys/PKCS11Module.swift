internal import CPKCS11
internal import SystemPackage

/// A module of PKCS #11 in this process. Its calls block, and only `PKCS11Lane` makes them.
@safe struct PKCS11Module: @unchecked Sendable {
    // The standard asks modules to be safe to call from several threads once they were told to use the system's locks,
    // and the pointer stays valid until the process ends.
    private let list: UnsafeMutableRawPointer

    /// Loads and initialises the module.
    init(_ path: FilePath) throws(KeyError) {
        var list: UnsafeMutableRawPointer?
        var text = [CChar](repeating: 0, count: 512)
        let size = text.count
        let status = unsafe path.withPlatformString { path in
            unsafe text.withUnsafeMutableBufferPointer { unsafe martlet_pkcs11_open(path, &list, $0.baseAddress, size) }
        }
        guard status == 0, let opened = unsafe list else {
            let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            switch status {
            case -1:
                throw KeyError(
                    .absent, "the PKCS #11 module \(path) can't be loaded: \(reason); name its file with module-path")
            case -2: throw KeyError(.unsupported, "\(path) is no PKCS #11 module of version 2")
            default: throw PKCS11Status(status).error("initialise the PKCS #11 module \(path)")
            }
        }
        unsafe self.list = opened
    }

    /// A token and the slot it is in.
    struct Token: Sendable {
        var slot: UInt
        var label: String
        var manufacturer: String
        var model: String
        var serial: String
    }

    /// The tokens that are there.
    func tokens() throws(KeyError) -> [Token] {
        var slots = [UInt](repeating: 0, count: 256)
        var count = UInt(slots.count)
        try check(
            unsafe slots.withUnsafeMutableBufferPointer { unsafe martlet_pkcs11_slots(list, $0.baseAddress, &count) },
            "list the slots")
        var tokens: [Token] = []
        for slot in slots.prefix(Int(clamping: count)) {
            var info = martlet_pkcs11_token()
            // A token that is pulled out at this moment is not there.
            guard unsafe martlet_pkcs11_token_info(list, slot, &info) == 0 else { continue }
            tokens.append(
                Token(
                    slot: slot, label: Self.text(info.label), manufacturer: Self.text(info.manufacturer),
                    model: Self.text(info.model), serial: Self.text(info.serial)))
        }
        return tokens
    }

    /// The text of a field that is filled up with blanks.
    private static func text<Field>(_ field: Field) -> String {
        var bytes = unsafe withUnsafeBytes(of: field) { unsafe Array($0) }
        while let last = bytes.last, last == 0x20 || last == 0 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    func openSession(_ slot: UInt, writes: Bool) throws(KeyError) -> UInt {
        var session: UInt = 0
        try check(unsafe martlet_pkcs11_open_session(list, slot, writes ? 1 : 0, &session), "open a session")
        return session
    }

    func closeSession(_ session: UInt) { _ = unsafe martlet_pkcs11_close_session(list, session) }

    func login(_ session: UInt, pin: Secret) throws(KeyError) {
        try check(
            unsafe pin.bytes.withUnsafeBufferPointer {
                unsafe martlet_pkcs11_login(list, session, $0.baseAddress, $0.count)
            }, "log in to the token")
    }

    /// The objects of a class with this label and id, up to eight.
    func find(_ session: UInt, _ objectClass: ObjectClass, label: [UInt8]?, id: [UInt8]?) throws(KeyError) -> [UInt] {
        var objects = [UInt](repeating: 0, count: 8)
        var count = UInt(objects.count)
        let status = unsafe withOptionalBytes(label) { label in
            unsafe withOptionalBytes(id) { id in
                var query = unsafe martlet_pkcs11_query(
                    object_class: objectClass.rawValue, label: label.baseAddress, label_size: label.count,
                    identifier: id.baseAddress, identifier_size: id.count)
                return unsafe objects.withUnsafeMutableBufferPointer {
                    unsafe martlet_pkcs11_find(list, session, &query, $0.baseAddress, &count)
                }
            }
        }
        try check(status, "look for the key")
        return Array(objects.prefix(Int(clamping: count)))
    }

    /// The value of an attribute; `nil` where the object has none, or does not tell it.
    func attribute(_ session: UInt, _ object: UInt, _ type: Attribute) throws(KeyError) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: 16 << 10)
        var size = value.count
        let status = unsafe value.withUnsafeMutableBufferPointer {
            unsafe martlet_pkcs11_attribute(list, session, object, type.rawValue, $0.baseAddress, &size)
        }
        if PKCS11Status(status).isWithoutAttribute { return nil }
        try check(status, "read the key's attributes")
        return Array(value.prefix(size))
    }

    func sign(
        _ session: UInt, _ object: UInt, mechanism: Mechanism, pss: HashCode?, pin: Secret?, _ data: [UInt8]
    ) throws(KeyError) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: 16 << 10)
        var size = signature.count
        let status = unsafe withOptionalBytes(pin?.bytes) { pin in
            var signing = unsafe martlet_pkcs11_signing(
                mechanism: mechanism.rawValue, pss_hash: pss?.hash ?? 0, pss_mask: pss?.mask ?? 0,
                pss_salt_size: pss?.byteCount ?? 0, pin: pin.baseAddress, pin_size: pin.count)
            return unsafe data.withUnsafeBufferPointer { data in
                unsafe signature.withUnsafeMutableBufferPointer {
                    unsafe martlet_pkcs11_sign(
                        list, session, object, &signing, data.baseAddress, data.count, $0.baseAddress, &size)
                }
            }
        }
        try check(status, "sign")
        return Array(signature.prefix(size))
    }

    func generate(
        _ session: UInt, mechanism: Mechanism, parameters: [UInt8]?, bits: Int, label: [UInt8], id: [UInt8]
    ) throws(KeyError) {
        let status = unsafe withOptionalBytes(parameters) { parameters in
            unsafe withOptionalBytes(label) { label in
                unsafe withOptionalBytes(id) { id in
                    var generation = unsafe martlet_pkcs11_generation(
                        mechanism: mechanism.rawValue, parameters: parameters.baseAddress,
                        parameters_size: parameters.count, modulus_bits: UInt(bits), label: label.baseAddress,
                        label_size: label.count, identifier: id.baseAddress, identifier_size: id.count)
                    return unsafe martlet_pkcs11_generate(list, session, &generation)
                }
            }
        }
        try check(status, "make a key")
    }

    private func check(_ status: Int, _ what: String) throws(KeyError) {
        guard status == 0 else { throw PKCS11Status(status).error(what) }
    }

    private func withOptionalBytes<Result>(
        _ bytes: [UInt8]?, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        guard let bytes else { return unsafe body(UnsafeBufferPointer(start: nil, count: 0)) }
        return unsafe bytes.withUnsafeBufferPointer { unsafe body($0) }
    }
}

extension PKCS11Module {
    /// CKO_...
    enum ObjectClass: UInt {
        case publicKey = 2
        case privateKey = 3
    }

    /// CKA_...
    enum Attribute: UInt {
        case keyType = 0x100
        case id = 0x102
        case label = 0x3
        case modulus = 0x120
        case publicExponent = 0x122
        case ecParameters = 0x180
        case ecPoint = 0x181
        case alwaysAuthenticate = 0x202
    }

    /// CKM_...
    enum Mechanism: UInt {
        case rsaKeyPairGeneration = 0x0
        case rsaPKCS1 = 0x1
        case rsaPSS = 0xD
        case ecKeyPairGeneration = 0x1040
        case ecdsa = 0x1041
        case edwardsKeyPairGeneration = 0x1055
        case eddsa = 0x1057
    }

    /// CKM_SHA..., CKG_MGF1_... and the salt's length of a hash function in PSS.
    struct HashCode {
        let hash: UInt
        let mask: UInt
        let byteCount: UInt

        static let sha256 = HashCode(hash: 0x250, mask: 2, byteCount: 32)
        static let sha384 = HashCode(hash: 0x260, mask: 3, byteCount: 48)
        static let sha512 = HashCode(hash: 0x270, mask: 4, byteCount: 64)
    }
}

/// What a module returned (CKR_...), for people and as an error's code.
struct PKCS11Status {
    let value: Int

    init(_ value: Int) {
        self.value = value
    }

    /// CKR_ATTRIBUTE_SENSITIVE and CKR_ATTRIBUTE_TYPE_INVALID.
    var isWithoutAttribute: Bool { value == 0x11 || value == 0x12 }

    func error(_ what: String) -> KeyError {
        let (code, name, remedy) = meaning
        return KeyError(code, "the token did not \(what): \(name)" + (remedy.map { "; \($0)" } ?? ""))
    }

    private var meaning: (KeyError.Code, String, String?) {
        switch value {
        case 0xA0, 0xA1:
            (.wrongPassphrase, "the PIN is wrong", "give the right one; after some attempts the token locks itself")
        case 0xA2: (.wrongPassphrase, "the PIN is too short or too long", nil)
        case 0xA3: (.wrongPassphrase, "the PIN has expired", "set a new one with the token's own tool")
        case 0xA4: (.wrongPassphrase, "the PIN is locked", "the token's own tool can unlock it")
        case 0x101: (.wrongPassphrase, "it needs a login", "give the PIN")
        case 0x102: (.wrongPassphrase, "its user PIN was never set", "set one with the token's own tool")
        case 0x30, 0x31: (.refused, "the device failed (CKR \(hex))", nil)
        case 0x32, 0xE0, 0xE1, 0x3, 0xB0, 0xB3:
            (.absent, "the token was removed, or is not recognised (CKR \(hex))", "put it back")
        case 0x60, 0x82: (.absent, "the key is no longer there", nil)
        case 0x62, 0x63, 0x64, 0x68:
            (.refused, "the key is not meant for this (CKR \(hex))", "use a key that may sign (CKA_SIGN)")
        case 0x70, 0x71, 0x140, 0x130: (.unsupported, "it lacks this algorithm (CKR \(hex))", nil)
        case 0xE2, 0xB5: (.refused, "the token is write-protected", nil)
        case -3: (.malformed, "its answer is longer than what is read", nil)
        default: (.refused, "the module answered CKR \(hex)", nil)
        }
    }

    private var hex: String { "0x" + String(UInt(bitPattern: value), radix: 16, uppercase: true) }
}
