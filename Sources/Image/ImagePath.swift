/// Paths inside an image.
enum ImagePath {
    /// The path relative to the root: without `/` or `./` before it, without `.` and empty parts; `..` is refused.
    static func normalized(_ path: String) throws(ImageError) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            guard part != "..", !part.utf8.contains(0) else {
                throw ImageError(.malformed, "the path \(path) leads out of the image")
            }
            parts.append(part)
        }
        return parts.joined(separator: "/")
    }

    /// The directory that holds `path`; empty for the root.
    static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}
