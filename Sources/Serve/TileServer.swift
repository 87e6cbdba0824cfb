package import Ledger
internal import TileLog
package import Wire

/// A log in tiles (C2SP tlog-tiles) on a web server.
package struct TileServer: TileSource {
    private let url: String
    private let transport: any HTTPTransport

    /// - Parameter url: what the paths of tlog-tiles are below.
    package init(url: String, transport: any HTTPTransport) {
        self.url = url.hasSuffix("/") ? url : url + "/"
        self.transport = transport
    }

    package func read(_ resource: TileResource, limit: Int) async throws -> [UInt8]? {
        let request = HTTPRequest(.get, try HTTPURL(url + resource.path))
        let answer = try await transport.fetch(request, limit: limit)
        switch answer.status {
        case 200: return answer.bytes
        case 404, 410: return nil
        default: throw WireError(.unreachable, "\(answer.url.shown) answers \(answer.status); try again later")
        }
    }
}
