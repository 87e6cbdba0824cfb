internal import Bytes

/// What an archive's `Release` file says: which suite this is, when it was made, and the digests of its indexes.
struct ReleaseFile: Sendable {
    struct Index: Hashable, Sendable {
        var digest: Digest
        var size: Int
    }

    var origin: String?
    var suite: String?
    var codename: String?
    /// Seconds since 1970.
    var date: Int
    var validUntil: Int?
    var offersByHash: Bool
    /// By path below the directory of the release.
    var indexes: [String: Index]

    static let indexLimit = 100_000

    init(parsing text: [UInt8]) throws(ImageError) {
        do {
            let paragraphs = try ControlStanza.paragraphs(of: text, limit: 2)
            guard paragraphs.count == 1 else { throw ParseError("it is not one paragraph", at: 0) }
            let stanza = try ControlStanza(parsing: paragraphs[0])
            origin = stanza["Origin"]
            suite = stanza["Suite"]
            codename = stanza["Codename"]
            guard let date = stanza["Date"].flatMap(Self.seconds) else {
                throw ParseError("it has no Date that can be read", at: 0)
            }
            self.date = date
            validUntil = nil
            if let text = stanza["Valid-Until"] {
                guard let until = Self.seconds(text) else { throw ParseError("its Valid-Until can't be read", at: 0) }
                validUntil = until
            }
            offersByHash = stanza["Acquire-By-Hash"] == "yes"
            guard let table = stanza["SHA256"] else { throw ParseError("it has no SHA256 table", at: 0) }
            indexes = try Self.table(table)
        } catch {
            throw ImageError(.malformed, "the archive's Release file can't be used: \(error)")
        }
    }

    private static func table(_ text: String) throws(ParseError) -> [String: Index] {
        var out: [String: Index] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let digest = Digest(hex: words[0]), let size = Int(words[1]), size >= 0 else {
                throw ParseError("a line of its SHA256 table can't be read", at: 0)
            }
            let path = String(words[2])
            guard ArchivePath.isValid(path) else { throw ParseError("its SHA256 table names a path outside", at: 0) }
            guard out.updateValue(Index(digest: digest, size: size), forKey: path) == nil else {
                throw ParseError("its SHA256 table names \(path) twice", at: 0)
            }
            guard out.count <= indexLimit else { throw ParseError("its SHA256 table is too long", at: 0) }
        }
        return out
    }

    /// Reads `Sat, 11 Jan 2025 10:36:00 UTC` (RFC 2822 with a name of the zone).
    static func seconds(_ text: String) -> Int? {
        var words = text.split(separator: " ")[...]
        if words.first?.hasSuffix(",") == true { words.removeFirst() }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = Array(words)
        guard parts.count == 5, let day = Int(parts[0]), let month = months.firstIndex(of: String(parts[1])),
            ["UTC", "GMT", "Z", "+0000", "-0000"].contains(parts[4])
        else { return nil }
        let time = parts[3].split(separator: ":").map { $0.count == 1 ? "0\($0)" : String($0) }
        let twoDigits = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        guard time.count == 3 else { return nil }
        return Timestamp("\(parts[2])-\(twoDigits(month + 1))-\(twoDigits(day))T\(time.joined(separator: ":"))Z")
            .map { Int($0.seconds) }
    }
}

/// Paths inside an archive.
enum ArchivePath {
    /// Whether the path is relative, stays inside, and holds nothing that a URL or a shell would understand.
    static func isValid(_ path: String) -> Bool {
        guard !path.isEmpty, path.utf8.count <= 1024, !path.hasPrefix("/"),
            path.utf8.allSatisfy({ 0x21...0x7E ~= $0 && !"?#%\\\"'`$&;|<>*".utf8.contains($0) })
        else { return false }
        return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".."
        }
    }
}
