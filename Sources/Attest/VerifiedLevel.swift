internal import Bytes

/// A word of `verifiedLevels`: a level of a track, or a property of its own (slsa.dev/spec/v1.2/verification_summary).
package enum VerifiedLevel: Hashable, Sendable, CustomStringConvertible {
    /// `SLSA_BUILD_LEVEL_3`.
    case level(track: String, Int)
    /// `SLSA_BUILD_REPRODUCED`, or a word that is not SLSA's.
    case property(String)

    package static let reproduced = VerifiedLevel.property("SLSA_BUILD_REPRODUCED")
    package static let twoPartyReviewed = VerifiedLevel.property("SLSA_SOURCE_TWO_PARTY_REVIEWED")

    package static func build(_ level: Int) -> VerifiedLevel { .level(track: "BUILD", level) }
    package static func source(_ level: Int) -> VerifiedLevel { .level(track: "SOURCE", level) }

    /// Reads a word; whatever has not the form of a level is a property.
    package init(_ text: String) {
        if text.hasPrefix("SLSA_"), let mark = text.firstRange(of: "_LEVEL_") {
            let track = text[text.index(text.startIndex, offsetBy: 5)..<mark.lowerBound]
            let digits = text[mark.upperBound...]
            if mark.lowerBound > text.index(text.startIndex, offsetBy: 4), !track.isEmpty,
                track.utf8.allSatisfy({ 0x41...0x5A ~= $0 || $0 == UInt8(ascii: "_") }),
                let level = UInt8(digits), level <= 9, digits.utf8.count == 1
            {
                self = .level(track: String(track), Int(level))
                return
            }
        }
        self = .property(text)
    }

    package var description: String {
        switch self {
        case .level(let track, let level): "SLSA_\(track)_LEVEL_\(level)"
        case .property(let name): name
        }
    }

    /// Whether `levels` hold this: a level of the same track that is as high or higher, or the same property.
    package func isReached(by levels: [VerifiedLevel]) -> Bool {
        levels.contains { level in
            switch (self, level) {
            case (.level(let track, let wanted), .level(let other, let found)): track == other && found >= wanted
            case (.property(let wanted), .property(let found)): wanted.hasSameBytes(as: found)
            default: false
            }
        }
    }
}
