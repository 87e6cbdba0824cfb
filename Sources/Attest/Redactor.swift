package import Bytes

/// Takes secrets out of what goes into a statement.
///
/// A statement is published, so the value of an argument whose name looks secret never gets into one: neither under
/// its own name, nor in a command line, nor where substitution has put it.
package struct Redactor: Sendable {
    /// What stands where a secret was. Not a digest, for a short secret could be guessed from that.
    package static let mark = "[redacted]"

    private let names: Set<String>
    /// The secret values, longest first, so that one that contains another goes as a whole.
    private let values: [String]

    /// Shorter values are replaced only where they are the whole text; else `1` would redact every number.
    private static let shortestPart = 4

    /// - Parameters:
    ///   - arguments: the build arguments by name; the values of the secret ones are looked for everywhere.
    ///   - secretNames: names to treat as secret whatever they look like.
    package init(arguments: [String: String] = [:], secretNames: Set<String> = []) {
        names = secretNames
        values = arguments.filter { secretNames.contains($0.key) || Self.looksSecret($0.key) }.values
            .filter { !$0.isEmpty }.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

    /// Whether an argument of this name is kept secret.
    package func isSecret(_ name: String) -> Bool { names.contains(name) || Self.looksSecret(name) }

    private static let words: Set<[UInt8]> = Set(
        [
            "key", "keys", "pat", "pwd", "pass", "auth", "authorization", "bearer", "cookie", "jwt", "otp", "pin",
            "psk",
        ].map { Array($0.utf8) })
    private static let parts = [
        "token", "secret", "password", "passwd", "passphrase", "passwort", "credential", "apikey", "accesskey",
        "privatekey", "signingkey", "privkey",
    ].map { Array($0.utf8) }

    /// Whether a name reads like that of a secret, such as `npm_token`, `signingKey` or `DB_PASSWORD`.
    ///
    /// Only ASCII letters and digits are looked at; everything else ends a word.
    package static func looksSecret(_ name: String) -> Bool {
        var joined: [UInt8] = []
        var word: [UInt8] = []
        var wasLower = false
        for byte in name.utf8 {
            let isUpper = 0x41...0x5A ~= byte
            let isLower = 0x61...0x7A ~= byte
            let isPart = isUpper || isLower || 0x30...0x39 ~= byte
            if !isPart || isUpper && wasLower {
                if words.contains(word) { return true }
                word = []
            }
            if isPart {
                word.append(isUpper ? byte | 0x20 : byte)
                joined.append(isUpper ? byte | 0x20 : byte)
            }
            wasLower = isLower
        }
        return words.contains(word) || parts.contains { contains(joined, $0) }
    }

    private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        guard text.count >= part.count else { return false }
        for start in 0...(text.count - part.count) where text[start] == part[0] {
            if text[start..<start + part.count].elementsEqual(part) { return true }
        }
        return false
    }

    /// The arguments with the values of the secret ones replaced.
    package func redact(arguments: [String: String]) -> [String: String] {
        var out: [String: String] = [:]
        for (name, value) in arguments { out[name] = isSecret(name) ? Self.mark : redact(value) }
        return out
    }

    /// A command line without secrets: `-Dtoken=x`, `--build-arg token=x` and `--token x` lose theirs.
    package func redact(commandLine: [String]) -> [String] {
        var out: [String] = []
        var nextIsSecret = false
        for argument in commandLine {
            if nextIsSecret, !argument.hasPrefix("-") {
                out.append(Self.mark)
                nextIsSecret = false
                continue
            }
            nextIsSecret = false
            var name = argument.prefix { $0 != "=" }
            var rest = argument[name.endIndex...]
            var kept = ""
            var isRedacted = false
            while !rest.isEmpty {
                kept += name + "="
                if isSecret(Self.bareName(name)) {
                    isRedacted = true
                    break
                }
                let tail = rest.dropFirst()
                name = tail.prefix { $0 != "=" }
                rest = tail[name.endIndex...]
            }
            if isRedacted {
                out.append(kept + Self.mark)
            } else {
                nextIsSecret = argument.hasPrefix("--") && !argument.contains("=") && isSecret(Self.bareName(name))
                out.append(redact(argument))
            }
        }
        return out
    }

    /// The name in `-Dname`, `--name` or `name`.
    private static func bareName(_ text: Substring) -> String {
        if text.hasPrefix("-D") { return String(text.dropFirst(2)) }
        return String(text.drop { $0 == "-" })
    }

    /// `text` without secret values and without credentials of URLs.
    package func redact(_ text: String) -> String {
        var text = text
        for value in values {
            if text == value { return Self.mark }
            if value.utf8.count >= Self.shortestPart { text = Self.replace(value, in: text) }
        }
        return URLCredentials.removed(from: text)
    }

    private static func replace(_ value: String, in text: String) -> String {
        let needle = Array(value.utf8)
        let bytes = Array(text.utf8)
        guard bytes.count >= needle.count else { return text }
        var out: [UInt8] = []
        var at = 0
        var found = false
        while at < bytes.count {
            if bytes[at] == needle[0], at + needle.count <= bytes.count,
                bytes[at..<at + needle.count].elementsEqual(needle)
            {
                out += mark.utf8
                at += needle.count
                found = true
            } else {
                out.append(bytes[at])
                at += 1
            }
        }
        return found ? String(decoding: out, as: UTF8.self) : text
    }

    /// `json` with every text and name redacted, and the values of members with secret names replaced.
    package func redact(_ json: JSON) -> JSON {
        switch json {
        case .null, .bool, .number: return json
        case .string(let text): return .string(redact(text))
        case .array(let elements): return .array(elements.map(redact))
        case .object(let object): return .object(redact(object))
        }
    }

    /// An object with every text and name redacted, and the values of members with secret names replaced.
    package func redact(_ object: JSONObject) -> JSONObject {
        var out = JSONObject()
        for member in object {
            let key = redact(member.key)
            if isSecret(member.key), case .string = member.value {
                out[key] = .string(Self.mark)
            } else {
                out[key] = redact(member.value)
            }
        }
        return out
    }
}
