import Host
import SystemPackage

extension SandboxRequest.Mount {
    /// Where it is put.
    package var place: String {
        switch self {
        case .readOnly(_, let place), .writable(_, let place), .overlay(_, _, _, let place), .temporary(let place, _),
            .file(_, let place), .link(_, let place):
            place
        }
    }
}

/// The empty files and directories that mounts inside a writable tree need as something to lie on. They are no
/// changes of the command, so they are removed again after it.
struct MountPoints {
    /// A place on the host, deepest first.
    private(set) var made: [FilePath] = []

    /// Whether `inner` is `outer` or lies below it.
    static func contains(_ outer: String, _ inner: String) -> Bool {
        inner == outer || inner.hasPrefix(outer.hasSuffix("/") ? outer : outer + "/")
    }

    /// Which of them will be made: to be called before the run.
    init(_ mounts: [SandboxRequest.Mount]) throws {
        for (index, mount) in mounts.enumerated() {
            guard
                let outer = mounts[..<index].last(where: { Self.contains($0.place, mount.place) }),
                outer.place != mount.place
            else { continue }
            let rest = mount.place.dropFirst(outer.place.count).split(separator: "/").map(String.init)
            let (top, under): (FilePath, FilePath?)
            switch outer {
            case .overlay(let lower, let upper, _, _): (top, under) = (upper, lower)
            case .writable(let directory, _): (top, under) = (directory, nil)
            default: continue
            }
            for count in 1...max(1, rest.count) where count <= rest.count {
                let path = rest[..<count].joined(separator: "/")
                if try Files.status(top.appending(path), followingLinks: false) != nil { continue }
                if let under, try Files.status(under.appending(path), followingLinks: false) != nil { continue }
                made.append(top.appending(path))
            }
        }
        made = Array(made.reversed())
    }

    /// Removes those that are still as they were made: empty, or a link.
    func remove() {
        for path in made {
            guard let status = try? Files.status(path, followingLinks: false) else { continue }
            if status.kind == .directory {
                try? Files.removeEmptyDirectory(path)
            } else if status.kind == .link || status.size == 0 {
                try? Files.remove(path)
            }
        }
    }
}
