internal import Bytes

/// What one layer does to which path.
package struct LayerIndex: Sendable {
    /// Where a file's content lies in a layer that can be read in part.
    struct Chunk: Hashable, Sendable {
        /// The compressed bytes from which on it is unpacked.
        var range: Range<Int>
        /// The unpacked bytes before it.
        var inner: Int
        var size: Int
        var digest: MessageDigest?
    }

    private(set) var entries: [String: LayerChange] = [:]
    private var whiteouts: Set<String> = []
    private var opaque: Set<String> = []
    /// The content of files, where the layer can be read in part.
    var chunks: [String: [Chunk]] = [:]

    package init() {}

    /// Adds an entry; of one path the last counts, as where archives are unpacked.
    mutating func add(_ entry: LayerChange) {
        switch entry.kind {
        case .whiteout: whiteouts.insert(entry.path)
        case .opaque: opaque.insert(entry.path)
        default: entries[entry.path] = entry
        }
    }

    /// What the layer says of a path.
    enum Answer: Equatable {
        case found(LayerChange)
        /// A directory on the way is a symbolic link here; this is what the path means by it.
        case elsewhere(String)
        /// Whatever lower layers have there does not count.
        case hidden
        case nothing
    }

    /// Looks for `path`. `directories` are those on the way that upper layers say to be directories, and gets those of
    /// this one: what lower layers have in their place is hidden.
    func look(_ path: String, _ directories: inout Set<String>) -> Answer {
        if let entry = entries[path] { return .found(entry) }
        if opaque.contains(path) || whiteouts.contains(path) { return .hidden }
        var found: [String] = []
        var parent = path[...]
        var isHidden = false
        while let slash = parent.lastIndex(of: "/") {
            parent = parent[..<slash]
            let name = String(parent)
            if let entry = entries[name] {
                switch entry.kind {
                case .directory: found.append(name)
                case .link(let target):
                    guard !directories.contains(name) else { return .hidden }
                    let rest = path.dropFirst(name.count + 1)
                    let base = LayerChange.target(of: target, at: name)
                    return .elsewhere(base.isEmpty ? String(rest) : "\(base)/\(rest)")
                default: return .hidden
                }
            }
            if opaque.contains(name) || whiteouts.contains(name) { isHidden = true }
        }
        if opaque.contains("") { isHidden = true }
        directories.formUnion(found)
        return isHidden ? .hidden : .nothing
    }

    /// Names of `path` by way of the symbolic links of this layer.
    func aliases(of path: String) -> [String] {
        var out: [String] = []
        for (name, entry) in entries {
            guard case .link(let link) = entry.kind else { continue }
            let target = LayerChange.target(of: link, at: name)
            if path.hasPrefix(target + "/") { out.append(name + path.dropFirst(target.count)) }
        }
        return out.sorted()
    }
}
