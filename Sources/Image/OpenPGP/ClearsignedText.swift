package import Bytes

/// A text with signatures in the cleartext framework (RFC 9580 section 7): an archive's `InRelease`.
///
/// Exactly one signed text, and nothing but white space around it: whatever else a file holds could be taken for signed
/// by a reader that looks for fields alone.
package struct ClearsignedText: Sendable {
    /// The text as its readers may use it: dashes unescaped, white space at the ends of lines removed, each line ending in
    /// a line feed. It is not verified yet.
    package let text: [UInt8]
    /// What signatures are over: the same lines, joined by CR LF, without the end of the last one.
    let signedBytes: [UInt8]
    let signatures: [OpenPGPSignature]

    package static let greatestByteCount = 16 << 20
    static let greatestSignatureCount = 32

    package init(parsing bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= Self.greatestByteCount else {
            throw ParseError("the signed text has more than \(Self.greatestByteCount) bytes", at: 0)
        }
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        var index = 0
        while index < lines.count, ASCIIArmor.trimmed(lines[index]).isEmpty { index += 1 }
        guard index < lines.count,
            ASCIIArmor.trimmed(lines[index]).elementsEqual("-----BEGIN PGP SIGNED MESSAGE-----".utf8)
        else { throw ParseError("the file is not clearsigned: it does not begin with a signed message", at: 0) }
        index += 1
        while index < lines.count, !ASCIIArmor.trimmed(lines[index]).isEmpty {
            guard lines[index].starts(with: "Hash: ".utf8) else {
                throw ParseError("only Hash headers may stand before a signed text", at: lines[index].startIndex)
            }
            index += 1
        }
        index += 1
        var text: [UInt8] = []
        var signed: [UInt8] = []
        text.reserveCapacity(bytes.count)
        signed.reserveCapacity(bytes.count + lines.count)
        var isFirst = true
        while true {
            guard index < lines.count else { throw ParseError("the signed text has no signature", at: bytes.count) }
            var line = lines[index]
            if line.first == UInt8(ascii: "-") {
                if line.starts(with: "-----BEGIN PGP SIGNATURE-----".utf8) { break }
                guard line.starts(with: "- ".utf8) else {
                    throw ParseError(
                        "a line of the signed text begins with a dash that is not escaped", at: line.startIndex)
                }
                line = line.dropFirst(2)
            }
            line = ASCIIArmor.trimmed(line)
            // A NUL or a carriage return would end the line for some readers only.
            guard !line.contains(where: { $0 == 0 || $0 == 0x0D }) else {
                throw ParseError("the signed text has a NUL or a carriage return inside a line", at: line.startIndex)
            }
            if !isFirst { signed += [0x0D, 0x0A] }
            isFirst = false
            signed += line
            text += line
            text.append(0x0A)
            index += 1
        }
        let (armored, next) = try ASCIIArmor.decode("PGP SIGNATURE", lines, from: index)
        for line in lines[next...] where !ASCIIArmor.trimmed(line).isEmpty {
            throw ParseError("something follows the signature", at: line.startIndex)
        }
        var signatures: [OpenPGPSignature] = []
        for packet in try OpenPGPPacket.all(in: armored[...]) {
            switch packet.kind {
            case .signature: signatures.append(try OpenPGPSignature(packet.content))
            case .ignored: continue
            default: throw ParseError("something other than signatures is among the signatures", at: 0)
            }
        }
        guard 1...Self.greatestSignatureCount ~= signatures.count else {
            throw ParseError("\(signatures.count) signatures; 1 to \(Self.greatestSignatureCount) are accepted", at: 0)
        }
        self.text = text
        self.signatures = signatures
        signedBytes = signed
    }
}
