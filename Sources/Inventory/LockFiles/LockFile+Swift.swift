internal import Bytes

// Package.resolved of SwiftPM, versions 1 to 3.

extension LockFile {
    mutating func readSwift(_ bytes: [UInt8]) throws {
        let json = try JSON.document(bytes)
        let pins: [JSON]
        switch json["version"]?.intValue {
        case 1: pins = try (json["object"] ?? [:]).list("pins")
        case 2, 3: pins = try json.list("pins")
        default: throw InventoryError(.unsupported, "the version is not 1, 2 or 3")
        }
        for pin in pins {
            let state = pin["state"] ?? [:]
            let identity = try pin.text("identity") ?? pin.text("package") ?? ""
            let location = try pin.text("location") ?? pin.text("repositoryURL") ?? ""
            let version = try state.text("version")
            let revision = try state.text("revision")
            let name = Self.repositoryName(location) ?? identity
            var component = Component(.swift, name: name, version: version ?? revision ?? "")
            component.source = location.isEmpty ? nil : location
            if let revision {
                component.checksums = [.init("gitCommit", revision)]
            } else {
                note(identity, line: 0, "has no revision")
            }
            try add(component)
        }
    }

    /// `github.com/apple/swift-nio` of an address of a repository, as package URLs and OSV name it; `nil` for what is
    /// none.
    static func repositoryName(_ location: String) -> String? {
        var rest = location[...]
        if let scheme = rest.firstRange(of: "://") {
            rest = rest[scheme.upperBound...]
        } else if let colon = rest.firstIndex(of: ":"), rest[..<colon].contains("@") {
            // git@github.com:apple/swift-nio.git
            rest = rest[..<colon] + "/" + rest[rest.index(after: colon)...]
        } else {
            return nil
        }
        if let slash = rest.firstIndex(of: "/"), let at = rest[..<slash].lastIndex(of: "@") {
            rest = rest[rest.index(after: at)...]
        }
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        if rest.hasSuffix(".git") { rest = rest.dropLast(4) }
        return rest.isEmpty ? nil : String(rest)
    }
}
