internal import SwiftASN1
internal import X509

extension Certificate {
    /// Every subject alternative name that is a text, whatever else the certificate is: what an entry is found by.
    var alternativeNames: [String] {
        guard let names = try? parsed.extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            switch name {
            case .rfc822Name(let text), .dnsName(let text), .uniformResourceIdentifier(let text): text
            case .otherName(let other):
                other.value.flatMap { try? ASN1UTF8String(asn1Any: $0) }.map { String($0) }
            default: nil
            }
        }
    }
}
