internal import Attest
internal import Bytes

extension Fields {
    /// Standard base64 that may be absent; an empty text is an empty array.
    func optionalBytes(_ key: String) throws(AttestError) -> [UInt8]? {
        guard let text = try optionalText(key) else { return nil }
        do {
            return try Base64.decode(text)
        } catch {
            throw malformed(key, "is not standard base64: \(error)")
        }
    }

    /// Standard base64 that must be there and stand for at least one byte.
    func bytes(_ key: String) throws(AttestError) -> [UInt8] {
        guard let bytes = try optionalBytes(key), !bytes.isEmpty else { throw malformed(key, "is missing or empty") }
        return bytes
    }

    /// A number of 64 bits, which the JSON of protocol buffers writes as a string and its readers take as either.
    func optionalInt64(_ key: String) throws(AttestError) -> Int64? {
        guard let value = value(key) else { return nil }
        switch value {
        case .string(let text):
            guard let number = Int64(text), String(number).hasSameBytes(as: text) else {
                throw malformed(key, "is \(text.safeForTerminal), which is no whole number")
            }
            return number
        case .number(let number):
            guard let number = number.intValue else { throw malformed(key, "is no whole number of 64 bits") }
            return Int64(number)
        default: throw malformed(key, "is \(value.kind); it should be a number in a string")
        }
    }

    /// A number of 64 bits that counts something; absent means 0, as protocol buffers have it.
    func count(_ key: String) throws(AttestError) -> Int64 {
        let number = try optionalInt64(key) ?? 0
        guard number >= 0 else { throw malformed(key, "is \(number); it can't be negative") }
        return number
    }

    /// A moment; `nil` where it is absent.
    func moment(_ key: String) throws(AttestError) -> Timestamp? {
        guard let text = try optionalText(key) else { return nil }
        guard let moment = Timestamp(text) else {
            throw malformed(key, "is \(text.safeForTerminal); it should be a moment such as 2022-06-10T13:23:28Z")
        }
        return moment
    }

    private func malformed(_ key: String, _ message: String) -> AttestError {
        AttestError(.malformed, "\(path).\(key) \(message)")
    }
}

extension SigstoreError {
    /// What `Fields` found wrong, as an error of this module.
    init(_ error: AttestError) {
        let code: Code = error.code == .unsupported ? .unsupported : error.code == .limit ? .limit : .malformed
        self.init(code, error.message)
    }

    /// Runs `read`, and gives its error as one of this module.
    static func mapping<Value>(_ read: () throws(AttestError) -> Value) throws(SigstoreError) -> Value {
        do {
            return try read()
        } catch {
            throw SigstoreError(error)
        }
    }
}
