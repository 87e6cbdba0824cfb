internal import Bytes
internal import Host
package import SystemPackage
package import Wire

/// Where releases are: a folder, or an address that takes files by PUT. Each version is a folder in it.
package enum ReleasePlace: Sendable {
    case folder(FilePath)
    /// The client, the address, and the value of the field `Authorization`; `nil` to send none.
    case web(HTTPClient, HTTPURL, authorization: String?)

    static let lockName = "release.lock"
    /// What says that a release is complete: it is published last.
    package static let statementName = "release.sigstore.json"
    private static let statementLimit = 16 << 20

    /// What is there of a version.
    enum State {
        case absent
        /// The signed statement of a release that is complete.
        case released([UInt8])
    }

    /// Where a version is, for people.
    package func shown(_ version: String) -> String {
        switch self {
        case .folder(let folder): folder.appending(version).string
        case .web(_, let url, _): "\(url)/\(version)"
        }
    }

    /// Whether a version is there. Only a definite "no" means that it is not.
    func state(_ version: String) async throws -> State {
        switch self {
        case .folder(let folder):
            let path = folder.appending(version)
            guard try Files.exists(path) else { return .absent }
            guard try Files.exists(path.appending(Self.statementName)) else {
                throw ReleaseError(
                    .exists,
                    "\(path) is there and is no release of martlet; remove it, or choose another version or place")
            }
            return .released(try Files.read(path.appending(Self.statementName), limit: Self.statementLimit))
        case .web(let client, let url, let authorization):
            let file = try url.appending("\(version)/\(Self.statementName)")
            let answer = try await client.fetch(
                Self.request(.get, file, authorization), limit: Self.statementLimit, deadline: nil)
            switch answer.status {
            case 200: return .released(answer.bytes)
            case 404, 410: return .absent
            default:
                throw ReleaseError(
                    .unreachable, "\(file) was answered with \(answer.status); nobody knows whether it is released")
            }
        }
    }

    /// Runs `body` while nobody else releases into the folder.
    func locked<Result>(_ body: () async throws -> Result) async throws -> Result {
        guard case .folder(let folder) = self else { return try await body() }
        try Files.createDirectories(folder)
        guard let token = try FileLock(folder.appending(".\(Self.lockName)")).tryLock() else {
            throw ReleaseError(.busy, "somebody else releases into \(folder); try again when they are done")
        }
        let result: Result
        do {
            result = try await body()
        } catch {
            token.unlock()
            throw error
        }
        token.unlock()
        return result
    }

    /// A folder for what is to be published; in the same file system as a folder of releases, so that one rename
    /// publishes it. Those of releases that were killed are removed.
    func stage(_ version: String, temporary: FilePath) throws -> FilePath {
        guard case .folder(let folder) = self else {
            return try Files.temporaryDirectory(in: temporary, prefix: "martlet-release-")
        }
        let prefix = ".\(version).partial-"
        for name in try Files.list(folder) where name.hasPrefix(prefix) {
            try Files.removeTree(folder.appending(name))
        }
        return try Files.temporaryDirectory(in: folder, prefix: prefix)
    }

    /// Publishes the files of `stage`: a folder in one go, over the web the statement of the release at the end.
    func publish(_ stage: FilePath, as version: String) async throws {
        let names = try Files.list(stage).filter { $0 != Self.statementName }.sorted(by: Files.isOrderedByBytes)
        switch self {
        case .folder(let folder):
            for name in names + [Self.statementName] { try Files.synchronize(stage.appending(name)) }
            try Files.setMode(stage, 0o755)
            guard try Files.renameIfAbsent(stage, to: folder.appending(version)) else {
                throw ReleaseError(.exists, "\(folder.appending(version)) has appeared meanwhile; look who made it")
            }
            try Files.synchronize(folder)
        case .web(let client, let url, let authorization):
            for name in names + [Self.statementName] {
                try await Self.put(
                    stage.appending(name), to: url.appending("\(version)/\(name)"), client, authorization)
            }
        }
    }

    private static func put(
        _ file: FilePath, to url: HTTPURL, _ client: HTTPClient, _ authorization: String?
    ) async throws {
        guard let size = try Files.status(file)?.size else { throw ReleaseError(.refused, "\(file) has disappeared") }
        var request = request(.put, url, authorization)
        request.fields["Content-Type"] = "application/octet-stream"
        // What is sent must not be led elsewhere.
        request.staysAtOrigin = true
        request.body = .stream(length: size) {
            let parts = FileParts(file)
            return AsyncThrowingStream { try await parts.next() }
        }
        let answer = try await client.fetch(request, limit: 1 << 20, deadline: .seconds(3600))
        guard (200..<300).contains(answer.status) else {
            let hint =
                answer.status == 401 || answer.status == 403 ? "; MARTLET_RELEASE_AUTHORIZATION says who you are" : ""
            throw ReleaseError(.refused, "\(url) was answered with \(answer.status)\(hint)")
        }
    }

    private static func request(
        _ method: HTTPRequest.Method, _ url: HTTPURL, _ authorization: String?
    ) -> HTTPRequest {
        var request = HTTPRequest(method, url)
        if let authorization { request.fields["Authorization"] = authorization }
        return request
    }
}

/// A file in pieces, read when somebody wants the next.
private actor FileParts {
    private let lane = BlockingLane(name: "martlet upload")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe lane.asUnownedSerialExecutor() }

    private let path: FilePath
    private var reader: ByteReader?

    init(_ path: FilePath) { self.path = path }

    func next() throws -> [UInt8]? {
        let open = try reader ?? ByteReader(try OpenFile(reading: path))
        reader = open
        return try open.next(limit: 1 << 20).map { Array($0) }
    }
}
