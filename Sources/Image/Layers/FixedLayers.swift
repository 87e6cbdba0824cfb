internal import Bytes
internal import Host

/// The layers that every minimal image has beside its packages: what a root needs that no package's files give.
///
/// Paths, modes and times are those of distroless images, and its structure tests ask for them.
struct FixedLayer: Sendable {
    /// What the layer's history says.
    var name: String
    var entries: [LayerEntry]

    /// All of them but the certificates, in their order.
    static func all(_ definition: ImageDefinition) -> [FixedLayer] {
        [
            FixedLayer(name: "root", entries: [.directory("")]),
            FixedLayer(name: "users", entries: [.directory("etc"), passwd(definition.users)]),
            FixedLayer(name: "home directories", entries: homes(definition.users)),
            FixedLayer(name: "groups", entries: [.directory("etc"), group(definition.groups)]),
            FixedLayer(name: "tmp", entries: [.directory("tmp", mode: 0o1777)]),
            FixedLayer(name: "nsswitch", entries: [.directory("etc"), nsswitch]),
            FixedLayer(name: "os-release", entries: osRelease(definition.osRelease)),
        ]
    }

    private static func passwd(_ users: [ImageDefinition.User]) -> LayerEntry {
        let lines = users.map { "\($0.name):x:\($0.id):\($0.groupID):\($0.name):\($0.home):\($0.shell)\n" }
        return .file("etc/passwd", Array(lines.joined().utf8))
    }

    private static func group(_ groups: [ImageDefinition.Group]) -> LayerEntry {
        let lines = groups.map { "\($0.name):x:\($0.id):\($0.members.joined(separator: ","))\n" }
        return .file("etc/group", Array(lines.joined().utf8))
    }

    /// Each user's own home, closed to others; `/nonexistent` is a name for none.
    private static func homes(_ users: [ImageDefinition.User]) -> [LayerEntry] {
        var known: Set<String> = [""]
        var out: [LayerEntry] = []
        for user in users where user.home != "/nonexistent" {
            guard let path = try? ImagePath.normalized(user.home), !path.isEmpty, !known.contains(path) else {
                continue
            }
            out += LayerEntry.parents(of: path, known: &known)
            known.insert(path)
            out.append(.directory(path, mode: 0o700, owner: user.id, group: user.groupID))
        }
        return out
    }

    /// The time that distroless gave this file once and for all.
    private static let nsswitchTime = 1_514_722_362

    private static let nsswitch = LayerEntry.file(
        "etc/nsswitch.conf",
        Array(
            """
            # /etc/nsswitch.conf
            #
            # Host names are looked up in files before the network is asked.

            passwd:         files
            group:          files
            shadow:         files
            gshadow:        files

            hosts:          files dns
            networks:       files

            protocols:      db files
            services:       db files
            ethers:         db files
            rpc:            db files

            netgroup:       nis

            """.utf8), modified: nsswitchTime)

    private static func osRelease(_ values: [String: String]) -> [LayerEntry] {
        let order = ["PRETTY_NAME", "NAME", "ID", "VERSION_ID", "VERSION", "HOME_URL", "SUPPORT_URL", "BUG_REPORT_URL"]
        let rest = values.keys.filter { !order.contains($0) }.sorted()
        var text = ""
        for key in order + rest {
            guard let value = values[key] else { continue }
            let quoted = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("$", with: "\\$")
                .replacing("`", with: "\\`")
            text += "\(key)=\"\(quoted)\"\n"
        }
        guard !text.isEmpty else { return [] }
        // base-files has /etc/os-release as a link to it.
        return [
            .directory("usr"), .directory("usr/lib"),
            .file("usr/lib/os-release", Array(text.utf8), mode: 0o555),
        ]
    }

    /// The bundle of the certificates that are trusted, from the files of the package `ca-certificates`.
    static func certificates(_ package: DebianPackage) throws(ImageError) -> FixedLayer {
        let prefix = "usr/share/ca-certificates/"
        let sources = package.entries.filter { $0.path.hasPrefix(prefix) && $0.path.hasSuffix(".crt") }
            .sorted { Files.isOrderedByBytes($0.path, $1.path) }
        guard !sources.isEmpty else {
            throw ImageError(.malformed, "\(package.name) holds no certificates below /\(prefix)")
        }
        var bundle: [UInt8] = []
        for source in sources {
            for line in source.content.split(separator: 0x0A) where line.contains(where: { $0 != 0x0D }) {
                bundle += line.filter { $0 != 0x0D }
                bundle.append(0x0A)
            }
        }
        var known: Set<String> = [""]
        let path = "etc/ssl/certs/ca-certificates.crt"
        var entries = LayerEntry.parents(of: path, known: &known)
        entries.append(.file(path, bundle, mode: 0o555))
        let copyright = "usr/share/doc/\(package.name)/copyright"
        if let source = package.entries.first(where: { $0.path == copyright }) {
            entries += LayerEntry.parents(of: copyright, known: &known)
            entries.append(.file(copyright, source.content))
        }
        entries += PackageLayer.statusEntries(package, known: &known)
        return FixedLayer(name: "certificates of \(package.name) \(package.version)", entries: entries)
    }
}
