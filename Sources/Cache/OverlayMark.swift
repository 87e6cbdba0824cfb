internal import Host

/// What an overlay file system writes into its upper directory beside content (Documentation/filesystems/overlayfs.rst
/// of Linux), as root (`trusted.overlay.`) or in a user namespace (`user.overlay.`).
enum OverlayMark {
    private static let prefixes = ["trusted.overlay.", "user.overlay."]

    private static func value(_ name: String, in attributes: [String: [UInt8]]) -> [UInt8]? {
        for prefix in prefixes {
            if let value = attributes[prefix + name] { return value }
        }
        return nil
    }

    /// Whether the directory hides what is below it. One that was renamed without its content is refused.
    static func isOpaque(_ directory: OpenDirectory, _ path: String) throws -> Bool {
        let attributes = try directory.attributes()
        guard value("redirect", in: attributes) == nil else {
            throw CacheError(
                .input, "was renamed by a reference to a lower layer; mount the overlay with redirect_dir=off",
                path: path)
        }
        let opaque = value("opaque", in: attributes)
        guard opaque != Array("x".utf8) else {
            throw CacheError(.input, "holds whiteouts of a form that is not supported", path: path)
        }
        return opaque == Array("y".utf8)
    }

    /// Refuses a file that is a mark rather than content.
    static func checkFile(_ file: borrowing OpenFile, _ path: String) throws {
        let attributes = try file.attributes()
        guard value("metacopy", in: attributes) == nil, value("whiteout", in: attributes) == nil else {
            throw CacheError(
                .input, "has no content of its own in this layer; mount the overlay with metacopy=off", path: path)
        }
    }

    /// Whether the entry says that the name is removed: a character device 0, 0.
    static func isWhiteout(_ status: FileStatus) -> Bool {
        status.kind == .characterDevice && status.deviceNumber == 0
    }
}
