/// Textual encoding of keys, certificates and the like (RFC 7468).
package struct PEM: Hashable, Sendable {
    /// What stands between `BEGIN ` and the dashes, such as `PUBLIC KEY`.
    package var label: String
    /// The decoded bytes, mostly DER.
    package var bytes: [UInt8]
    /// Lines `Name: value` before the base64 text, which old private key files have (RFC 1421).
    package var headers: [String]

    package init(label: String, bytes: [UInt8], headers: [String] = []) {
        self.label = label
        self.bytes = bytes
        self.headers = headers
    }

    /// The most text that is read.
    package static let greatestByteCount = 4 << 20

    /// Every block of `text`, in order; text between blocks is explanation and passed over.
    ///
    /// Refused, with the byte's offset: a block without its end, an end of another label, text that is not base64.
    package static func blocks(in text: [UInt8]) throws(ParseError) -> [PEM] {
        guard text.count <= greatestByteCount else {
            throw ParseError("the text has \(text.count) bytes; the limit is \(greatestByteCount)", at: 0)
        }
        var out: [PEM] = []
        var open: (label: String, headers: [String], base64: [UInt8], start: Int)?
        var at = 0
        for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            let start = at
            at += line.count + 1
            let trimmed = trim(line)
            if let label = label(of: trimmed, "-----BEGIN ") {
                guard open == nil else { throw ParseError("a block begins inside another one", at: start) }
                open = (label, [], [], start)
            } else if let label = label(of: trimmed, "-----END ") {
                guard let block = open else { throw ParseError("a block ends that did not begin", at: start) }
                guard block.label.utf8.elementsEqual(label.utf8) else {
                    throw ParseError(
                        "the block \(block.label.debugDescription) ends as \(label.debugDescription)", at: start)
                }
                do {
                    let bytes = try Base64.decode(String(decoding: block.base64, as: UTF8.self))
                    out.append(PEM(label: label, bytes: bytes, headers: block.headers))
                } catch {
                    throw ParseError(
                        "the block \(label.debugDescription) is not base64: \(error.message)", at: block.start)
                }
                open = nil
            } else if open != nil {
                if open?.base64.isEmpty == true, trimmed.contains(UInt8(ascii: ":")) {
                    open?.headers.append(String(decoding: trimmed, as: UTF8.self))
                } else {
                    open?.base64 += trimmed
                }
            }
        }
        if let open { throw ParseError("the block \(open.label.debugDescription) has no end", at: open.start) }
        return out
    }

    private static func trim(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
        var line = line
        while let last = line.last, isSpace(last) { line.removeLast() }
        while let first = line.first, isSpace(first) { line.removeFirst() }
        return line
    }

    private static func label(of line: ArraySlice<UInt8>, _ start: String) -> String? {
        guard line.starts(with: start.utf8), line.count >= start.utf8.count + 5,
            line.suffix(5).elementsEqual("-----".utf8)
        else { return nil }
        return String(decoding: line.dropFirst(start.utf8.count).dropLast(5), as: UTF8.self)
    }

    /// The text of this block, in lines of 64 characters, each ending in a line feed.
    package var text: String {
        var out = "-----BEGIN \(label)-----\n"
        let base64 = Array(Base64.encode(bytes).utf8)
        var start = 0
        while start < base64.count {
            let end = min(start + 64, base64.count)
            out += String(decoding: base64[start..<end], as: UTF8.self)
            out += "\n"
            start = end
        }
        return out + "-----END \(label)-----\n"
    }
}
