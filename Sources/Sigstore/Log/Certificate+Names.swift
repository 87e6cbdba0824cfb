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

extension Certificate {
    /// What the certificate's extensions are, in their order, without their values.
    package var extensionNames: [(oid: String, isCritical: Bool)] {
        parsed.extensions.map { ($0.oid.description, $0.critical) }
    }

    /// What an extension is for, in a few words; empty where that is not known.
    package static func title(ofExtension oid: String) -> String {
        switch oid {
        case "2.5.29.14": "key identifier"
        case "2.5.29.15": "what the key may do"
        case "2.5.29.17": "who it is for"
        case "2.5.29.19": "whether it may issue certificates"
        case "2.5.29.35": "issuer's key identifier"
        case "2.5.29.37": "purposes of the key"
        case "1.3.6.1.4.1.11129.2.4.2": "promises of certificate logs"
        case "1.3.6.1.4.1.57264.1.1": "issuer of the token"
        default:
            oid.hasPrefix("1.3.6.1.4.1.57264.1.")
                ? UInt(oid.dropFirst(20)).flatMap { Claim(rawValue: $0) }?.name ?? "" : ""
        }
    }
}
