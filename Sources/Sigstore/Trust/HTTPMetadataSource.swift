internal import Bytes
package import TUF
package import Wire

/// A TUF repository behind an address.
package struct HTTPMetadataSource: MetadataSource {
    private let client: HTTPClient
    private let metadata: HTTPURL
    private let targets: HTTPURL

    /// Takes the addresses of metadata and of targets.
    package init(_ client: HTTPClient, metadata: HTTPURL, targets: HTTPURL) {
        self.client = client
        self.metadata = metadata
        self.targets = targets
    }

    package func metadata(_ name: String, limit: Int) async throws(TUFError) -> [UInt8]? {
        try await fetch(metadata, RepositoryPath.encoded(name), limit)
    }

    package func target(_ path: String, limit: Int) async throws(TUFError) -> [UInt8]? {
        try await fetch(targets, RepositoryPath.encoded(path, keepingSlashes: true), limit)
    }

    private func fetch(_ base: HTTPURL, _ path: String, _ limit: Int) async throws(TUFError) -> [UInt8]? {
        do {
            let answer = try await client.fetch(HTTPRequest(.get, try base.appending(path)), limit: limit)
            // Object stores say 403 of what is not there unless their content may be listed. Whoever could withhold
            // files by a false word could do so by cutting the wire; expiry bounds both.
            if [403, 404, 410].contains(answer.status) { return nil }
            return try answer.success()
        } catch {
            throw TUFError(error.code == .tooLarge ? .limit : .unreachable, error.message)
        }
    }
}
