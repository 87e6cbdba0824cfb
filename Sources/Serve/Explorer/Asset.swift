internal import Bytes
internal import HTTPTypes
internal import Hummingbird

/// A file that pages use, from the program itself.
struct Asset {
    let name: String
    let type: String
    let bytes: [UInt8]
    private let tag: String

    private init(_ name: String, _ type: String, _ bytes: [UInt8]) {
        self.name = name
        self.type = type
        self.bytes = bytes
        tag = "\"\(Digest.of(bytes).hex.prefix(32))\""
    }

    static let all = [
        Asset("explorer.css", "text/css; charset=utf-8", PackageResources.explorer_css),
        Asset("explorer.js", "text/javascript; charset=utf-8", PackageResources.explorer_js),
        Asset("martlet.svg", "image/svg+xml", PackageResources.martlet_svg),
    ]

    /// Browsers ask each time, and are told that nothing changed: another version of the program has other files.
    func response(to request: Request) -> Response {
        if request.headers[.ifNoneMatch] == tag {
            return Page.protected(Response(status: .notModified, headers: [.eTag: tag]))
        }
        return Page.protected(.bytes(bytes, type: type, headers: [.eTag: tag]))
    }
}
