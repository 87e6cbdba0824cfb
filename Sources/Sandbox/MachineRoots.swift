import Host
import SystemPackage

/// What every step sees of the machine: programs, libraries, certificates, and an `/etc` that says nothing about it.
struct MachineRoots: Sendable {
    /// The made `/etc`.
    let etc: FilePath
    /// Places of the root that are links on this machine (`/bin` to `usr/bin`), and those that are directories.
    let links: [(place: String, target: String)]
    let directories: [String]
    /// Entries of the machine's `/etc` that programs need and that are the same for all users.
    let etcEntries: [String]
    let hasResolver: Bool

    /// Makes the `/etc` below `scratch`, once per program start.
    init(scratch: FilePath) throws {
        var links: [(place: String, target: String)] = []
        var directories: [String] = []
        for place in ["/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin"] {
            guard let status = try Files.status(FilePath(place), followingLinks: false) else { continue }
            if status.kind == .link {
                links.append((place, try Files.readLink(FilePath(place))))
            } else {
                directories.append(place)
            }
        }
        self.links = links
        self.directories = directories
        etc = scratch.appending("etc")
        try Files.createDirectories(etc)
        for (name, text) in Self.etcFiles {
            try Files.write(Array(text.utf8), to: etc.appending(name), mode: 0o444)
        }
        var entries: [String] = []
        for place in ["/etc/ssl", "/etc/alternatives"] where try Files.status(FilePath(place)) != nil {
            entries.append(place)
            try Self.make(place, in: etc, isFile: false)
        }
        // A copy of this one is cheaper than a mount for every step.
        if let libraries = try? Files.read("/etc/ld.so.cache", limit: 16 << 20) {
            try Files.write(libraries, to: etc.appending("ld.so.cache"), mode: 0o444)
        }
        etcEntries = entries
        hasResolver = try Files.status("/etc/resolv.conf") != nil
    }

    private static let etcFiles: [(name: String, text: String)] = [
        ("passwd", "martlet:x:1000:100:martlet:/homeless:/bin/sh\nnobody:x:65534:65534:nobody:/homeless:/bin/false\n"),
        ("group", "martlet:x:100:\nnogroup:x:65534:\n"),
        ("hosts", "127.0.0.1 localhost\n::1 localhost\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"),
        ("resolv.conf", ""),
    ]

    /// Whether a step sees this path of the host anyway.
    func shows(_ path: FilePath) -> Bool {
        let text = path.lexicallyNormalized().string
        return (directories + etcEntries + links.map(\.place)).contains { MountPoints.contains($0, text) }
    }

    /// Makes something to mount on, where the place lies in the made `/etc`, which steps can't write.
    func makePlace(_ place: String, isFile: Bool = false) throws {
        guard MountPoints.contains("/etc", place), place != "/etc", !shows(FilePath(place)) else { return }
        let isFile = try isFile || (Files.status(FilePath(place)).map { $0.kind != .directory } ?? false)
        try Self.make(place, in: etc, isFile: isFile)
    }

    private static func make(_ place: String, in etc: FilePath, isFile: Bool) throws {
        let path = etc.appending(String(place.dropFirst("/etc/".count)))
        if try Files.status(path, followingLinks: false) != nil { return }
        if isFile {
            try Files.createDirectories(path.removingLastComponent())
            try Files.write([], to: path, mode: 0o444)
        } else {
            try Files.createDirectories(path)
        }
    }
}
