/// One member of a layer: a change to a file system (image-spec `layer.md`).
package struct LayerChange: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case file
        case directory
        /// A symbolic link and what it says.
        case link(String)
        /// Another name of the file at this path.
        case hardLink(String)
        /// Takes away what lower layers have at the path.
        case whiteout
        /// Takes away what lower layers have in the directory at the path.
        case opaque
        /// A device, a pipe, a socket.
        case special
    }

    /// Relative, without `./` before and `/` behind; empty for the root.
    package var path: String
    package var kind: Kind
    /// The twelve permission bits.
    package var mode: UInt16
    package var owner: Int
    package var group: Int
    /// In seconds since 1970.
    package var modified: Int
    /// The bytes of content.
    package var size: Int

    /// The path that `raw` means, be it `etc/x`, `./etc/x` or `/etc/x`; `nil` for what leads out of the root.
    package static func normalized(_ raw: some StringProtocol) -> String? {
        var parts: [Substring] = []
        for part in raw.split(separator: "/") where part != "." {
            if part == ".." { return nil }
            parts.append(Substring(part))
        }
        return parts.joined(separator: "/")
    }

    /// Where a symbolic link at `path` leads, with the root as the end of all steps up.
    static func target(of link: String, at path: String) -> String {
        var parts: [Substring] = link.hasPrefix("/") ? [] : path.split(separator: "/").dropLast()
        for part in link.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    /// The entry that the name of a whiteout makes of this one.
    func asChange() -> LayerChange {
        let slash = path.lastIndex(of: "/")
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        guard name.hasPrefix(".wh.") else { return self }
        let parent = slash.map { path[..<$0] } ?? ""
        var out = self
        if name == ".wh..wh..opq" {
            out.path = String(parent)
            out.kind = .opaque
        } else {
            let hidden = name.dropFirst(".wh.".count)
            out.path = parent.isEmpty ? String(hidden) : "\(parent)/\(hidden)"
            out.kind = .whiteout
        }
        return out
    }
}
