internal import Bytes

/// What an image runs on (image-spec `image-index.md`, the platform object).
package struct Platform: Hashable, Sendable, CustomStringConvertible {
    package var os: String
    package var architecture: String
    /// Such as `v7` of `arm`.
    package var variant: String?
    package var osVersion: String?
    package var osFeatures: [String]

    package init(
        os: String, architecture: String, variant: String? = nil, osVersion: String? = nil, osFeatures: [String] = []
    ) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
        self.osVersion = osVersion
        self.osFeatures = osFeatures
    }

    /// Reads `linux/arm64`, `linux/arm/v7`, or oci-tool's `linux-amd64`.
    package init(_ text: String) throws(RegistryError) {
        let mark: Character = text.contains("/") ? "/" : "-"
        let parts = text.split(separator: mark, omittingEmptySubsequences: false).map(String.init)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { 0x21...0x7E ~= $0 }
        }
        guard 2...3 ~= parts.count, isPlain, text.utf8.count <= 100 else {
            throw RegistryError(
                .input,
                "'\(text.safeForTerminal)' is no platform; write OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, as linux/arm/v7"
            )
        }
        self.init(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil)
    }

    package var description: String { "\(os)/\(architecture)" + (variant.map { "/\($0)" } ?? "") }

    /// Whether the entry is no image to run: BuildKit marks its attestations so.
    package var isUnknown: Bool { os == "unknown" && architecture == "unknown" }

    /// How well an image for `offered` serves where this is wanted: 0 is best; `nil` where it does not run.
    ///
    /// A machine runs what was made for a lesser variant of its architecture. No variant means the usual one: v8 of
    /// arm64, v7 of arm, v1 of amd64.
    package func distance(to offered: Platform) -> Int? {
        let (wanted, given) = (normalized, offered.normalized)
        guard wanted.os == given.os, wanted.architecture == given.architecture else { return nil }
        if let version = wanted.osVersion, version != given.osVersion { return nil }
        guard let most = wanted.level, let level = given.level else {
            return wanted.variant == given.variant ? 0 : nil
        }
        return level <= most ? most - level : nil
    }

    /// The platform with the names that others gave to the same things replaced.
    private var normalized: Platform {
        var out = self
        switch architecture {
        case "x86_64", "x86-64": out.architecture = "amd64"
        case "aarch64": out.architecture = "arm64"
        case "i386", "i486", "i586", "i686": out.architecture = "386"
        case "armhf", "armel":
            out.architecture = "arm"
            out.variant = variant ?? (architecture == "armhf" ? "v7" : "v6")
        default: break
        }
        if out.variant == nil {
            switch out.architecture {
            case "arm64": out.variant = "v8"
            case "arm": out.variant = "v7"
            case "amd64": out.variant = "v1"
            default: break
            }
        } else if out.architecture == "arm", let text = out.variant, Int(text) != nil {
            out.variant = "v\(text)"
        }
        return out
    }

    /// The number of the variant where variants build on each other.
    private var level: Int? {
        guard ["arm", "arm64", "amd64"].contains(architecture), let variant, variant.hasPrefix("v") else { return nil }
        // `v8.2` of arm64 lies between v8 and v9.
        let parts = variant.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
        guard 1...2 ~= parts.count, let major = Int(parts[0]), let minor = parts.count == 2 ? Int(parts[1]) : 0,
            0..<100 ~= major, 0..<100 ~= minor
        else { return nil }
        return major * 100 + minor
    }
}

extension Platform {
    init(_ fields: ManifestFields) throws(RegistryError) {
        self.init(
            os: try fields.text("os") ?? "", architecture: try fields.text("architecture") ?? "",
            variant: try fields.text("variant").flatMap { $0.isEmpty ? nil : $0 },
            osVersion: try fields.text("os.version").flatMap { $0.isEmpty ? nil : $0 },
            osFeatures: try fields.texts("os.features", limit: 100))
    }

    var members: JSONObject {
        var object: JSONObject = ["architecture": .string(architecture), "os": .string(os)]
        if let osVersion { object["os.version"] = .string(osVersion) }
        if !osFeatures.isEmpty { object["os.features"] = .array(osFeatures.map { .string($0) }) }
        if let variant { object["variant"] = .string(variant) }
        return object
    }
}
