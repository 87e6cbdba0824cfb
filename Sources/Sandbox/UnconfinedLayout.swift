import Host
import SystemPackage

/// Where a request's mounts lie when there are no walls (level `off`): below a directory of the run's own.
///
/// What a step may only read is copied, so that it can't change the original; what it may write is a link to the real
/// place; an overlay becomes its `upper`, filled with a copy of `lower`. Paths of mounts in the command and in the
/// environment are rewritten to the real places.
struct UnconfinedLayout {
    private let root: FilePath
    private let places: [String]
    private let points: MountPoints
    /// What was put into a writable tree, to be taken out again.
    private var guests: [FilePath] = []

    init(_ request: SandboxRequest, root: FilePath) throws {
        self.root = root
        try Files.createDirectory(root, mode: 0o700)
        let request = try TreeCopy.replacingOverlays(request)
        // Longest first, so that a place inside another is found before it.
        places = (request.mounts.map(\.place) + [request.workingDirectory]).sorted { $0.utf8.count > $1.utf8.count }
        points = try MountPoints(request.mounts)
        for (index, mount) in request.mounts.enumerated() {
            let path = place(mount.place)
            let isInside = request.mounts[..<index].contains { MountPoints.contains($0.place, mount.place) }
            try Files.createDirectories(path.removingLastComponent())
            switch mount {
            case .readOnly(let source, _):
                if try Files.status(source)?.kind == .directory {
                    try Files.createDirectories(path)
                    try TreeCopy.copy(source, into: path)
                } else {
                    let mode = try Files.status(source)?.mode ?? 0o644
                    try TreeCopy.copyFile(source, to: path, mode: mode & 0o777)
                }
            case .writable(let source, _), .overlay(_, let source, _, _):
                try? Files.removeEmptyDirectory(path)
                try Files.symlink(source.string, at: path)
            case .temporary: try Files.createDirectories(path)
            case .file(let bytes, _): try Files.write(bytes, to: path, mode: 0o644)
            case .link(let target, _): try Files.symlink(target, at: path)
            }
            if isInside { guests.append(path) }
        }
        try Files.createDirectories(place(request.workingDirectory))
    }

    /// The real place of a path in the step's tree.
    func place(_ path: String) -> FilePath { FilePath(root.string + path) }

    /// The text with every mount's place replaced by the real one, where it stands as a path of its own.
    func rewritten(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let startsPath = bytes[index] == UInt8(ascii: "/") && (index == 0 || !Self.isPathByte(bytes[index - 1]))
            if startsPath, let place = places.first(where: { Self.stands($0, at: index, in: bytes) }) {
                result += Array((root.string + place).utf8)
                index += place.utf8.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func stands(_ place: String, at index: Int, in bytes: [UInt8]) -> Bool {
        let end = index + place.utf8.count
        guard end <= bytes.count, bytes[index..<end].elementsEqual(place.utf8) else { return false }
        return end == bytes.count || bytes[end] == UInt8(ascii: "/") || !isPathByte(bytes[end])
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"), 0x80...:
            true
        default: false
        }
    }

    /// Takes the guests out of writable trees; the run's own directory goes with the run.
    func remove() {
        for guest in guests.reversed() { try? Files.removeTree(guest) }
        points.remove()
    }
}
