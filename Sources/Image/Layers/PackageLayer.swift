internal import Bytes
internal import Host

/// The layer of one package: its files, and what a scanner needs to know that it is there.
enum PackageLayer {
    /// The directories that a root with a merged `/usr` has as links.
    static let mergedDirectories = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]

    /// The package's files, with those below `/bin`, `/lib` and the like moved to `/usr` where `isMerged`, and its entries
    /// in `/var/lib/dpkg/status.d`.
    static func entries(_ package: DebianPackage, isMerged: Bool) throws -> [LayerEntry] {
        var out: [LayerEntry] = []
        var known: Set<String> = [""]
        for entry in package.entries where !entry.path.isEmpty {
            var entry = entry
            if isMerged { entry.path = merged(entry.path) ?? entry.path }
            if isMerged, case .hardLink(let target) = entry.kind { entry.kind = .hardLink(merged(target) ?? target) }
            guard known.insert(entry.path).inserted else {
                // `./lib/` and `./usr/lib/` become one directory.
                guard entry.kind == .directory else {
                    throw ImageError(.malformed, "\(package.name) has two files that become /\(entry.path)")
                }
                continue
            }
            // base-files has these as links; a directory of that name would take their place.
            if isMerged, entry.kind == .directory, mergedDirectories.contains(entry.path) { continue }
            out.append(entry)
        }
        return out + statusEntries(package, known: &known)
    }

    /// What distroless images have in place of dpkg's database: one file for each package, which scanners read.
    static func statusEntries(_ package: DebianPackage, known: inout Set<String>) -> [LayerEntry] {
        let directory = "var/lib/dpkg/status.d"
        var out = LayerEntry.parents(of: directory + "/x", known: &known)
        out.append(.file("\(directory)/\(package.name)", package.control))
        if let sums = package.md5sums { out.append(.file("\(directory)/\(package.name).md5sums", sums)) }
        return out
    }

    /// Where a path goes when `/lib` and the like are links to `/usr`; `nil` for one that stays.
    private static func merged(_ path: String) -> String? {
        for directory in mergedDirectories where path.hasPrefix(directory + "/") { return "usr/" + path }
        return nil
    }
}
