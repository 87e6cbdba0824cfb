internal import Bytes
internal import Host
internal import Registry
package import SystemPackage
internal import Wire

/// Where a remote cache is: a directory, `http://` or `https://`, `s3://BUCKET/PREFIX`, `oci://REGISTRY/REPOSITORY`, or
/// `oci+http://` for a registry that is not encrypted.
package struct RemoteAddress: Sendable {
    private enum Place: Sendable {
        case directory(FilePath)
        case web(HTTPURL)
        case bucket(Bucket)
        case registry(Reference, isPlain: Bool)
    }

    /// A bucket, as its address says it.
    struct Bucket: Hashable, Sendable {
        var name: String
        var prefix: String
        var endpoint: String?
        var region: String?
        /// Whether the bucket is a part of the path; `nil` decides by the server.
        var isPath: Bool?
    }

    private let place: Place

    /// - Parameter directory: what relative paths are relative to.
    package init(_ text: String, in directory: FilePath) throws {
        let shown = URLCredentials.removed(from: String(text.prefix(300))).safeForTerminal
        func wrong(_ why: String) -> RemoteCacheError {
            RemoteCacheError(
                .configuration,
                "'\(shown)' is no remote cache: \(why); write a directory, http(s)://…, s3://BUCKET/PREFIX or oci://REGISTRY/NAME"
            )
        }
        guard !text.isEmpty else { throw wrong("it is empty") }
        guard let mark = text.firstRange(of: "://") else {
            place = .directory(directory.pushing(FilePath(text)).lexicallyNormalized())
            return
        }
        let rest = String(text[mark.upperBound...])
        switch text[..<mark.lowerBound] {
        case "file":
            guard rest.hasPrefix("/") else {
                throw wrong("a file address has an absolute path, as file:///share/cache")
            }
            place = .directory(FilePath(rest).lexicallyNormalized())
        case "http", "https":
            let url = try RemoteAddress.mapped { () throws(WireError) in try HTTPURL(text) }
            guard !url.target.contains("?") else { throw wrong("a web address has no query here") }
            place = .web(
                try RemoteAddress.mapped { () throws(WireError) in
                    try HTTPURL(url.text + (url.target.hasSuffix("/") ? "" : "/"))
                })
        case "s3": place = .bucket(try Bucket(rest, wrong))
        case "gs":
            // Google's storage takes Amazon's requests, with keys made for that.
            var bucket = try Bucket(rest, wrong)
            bucket.endpoint = bucket.endpoint ?? "https://storage.googleapis.com"
            bucket.region = bucket.region ?? "auto"
            place = .bucket(bucket)
        case "oci", "oci+http":
            do {
                place = .registry(try Reference(rest), isPlain: text.hasPrefix("oci+http:"))
            } catch {
                throw wrong(error.message)
            }
        default: throw wrong("its scheme is not known")
        }
    }

    /// Opens the place; nothing is asked yet.
    package func open(userAgent: String, environment: [String: String]) throws -> any RemoteStorage {
        guard case .registry(let reference, let isPlain) = place else {
            return Self.storage(try objects(userAgent: userAgent, environment: environment))
        }
        var settings = RegistrySettings(userAgent: userAgent, environment: environment)
        settings.wire.attempts = 3
        settings.allowsPlainHTTP = isPlain
        let client = RegistryClient(settings)
        return RegistryStorage(repository: client.repository(reference), client: client)
    }

    private static func storage(_ place: some ObjectPlace) -> any RemoteStorage { ObjectStorage(place: place) }

    /// Opens a place that keeps objects by names; nothing is asked yet.
    func objects(userAgent: String, environment: [String: String]) throws -> any ObjectPlace {
        var wire = WireSettings(userAgent: userAgent, environment: environment)
        wire.attempts = 3
        switch place {
        case .directory(let path): return DirectoryPlace(directory: path)
        case .web(let url):
            return WebPlace(
                url, shown: url.shown, client: HTTPClient(wire), authorization: Self.authorization(environment),
                hasCollections: true)
        case .bucket(let bucket):
            let url = try Self.mapped { () throws(WireError) in try bucket.url(environment) }
            let region = bucket.region ?? BucketCredentials.region(environment)
            let authorization = BucketCredentials.find(environment).map {
                WebAuthorization.bucket(BucketSigner(credentials: $0, region: region))
            }
            return WebPlace(
                url, shown: bucket.shown, client: HTTPClient(wire), authorization: authorization ?? .none,
                hasCollections: false)
        case .registry:
            throw RemoteCacheError(
                .configuration, "Leeway keeps no objects in a registry; write a directory, http(s)://… or s3://BUCKET")
        }
    }

    private static func authorization(_ environment: [String: String]) -> WebAuthorization {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let token = value("MARTLET_REMOTE_CACHE_TOKEN") { return .bearer(token) }
        if let user = value("MARTLET_REMOTE_CACHE_USER") {
            return .basic(user: user, password: value("MARTLET_REMOTE_CACHE_PASSWORD") ?? "")
        }
        return .none
    }

    private static func mapped<Value>(_ body: () throws(WireError) -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw RemoteCacheError(error)
        }
    }
}

extension RemoteAddress.Bucket {
    /// Reads `BUCKET/PREFIX?endpoint=URL&region=NAME&style=path`.
    init(_ text: String, _ wrong: (String) -> RemoteCacheError) throws {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(path[0])
        guard 3...63 ~= name.utf8.count, name.utf8.allSatisfy(Self.isInName) else {
            throw wrong("the name of the bucket has 3 to 63 lower-case letters, digits, - and .")
        }
        prefix = path.count > 1 ? String(path[1]) : ""
        while prefix.hasSuffix("/") { prefix.removeLast() }
        guard prefix.utf8.allSatisfy({ Self.isInName($0) || 0x41...0x5A ~= $0 || $0 == 0x5F || $0 == 0x2F }) else {
            throw wrong("a prefix has letters, digits, -, _, . and /")
        }
        guard parts.count > 1 else { return }
        for setting in parts[1].split(separator: "&") {
            let pair = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { throw wrong("a setting is written NAME=VALUE") }
            switch (pair[0], pair[1]) {
            case ("endpoint", let value): endpoint = String(value)
            case ("region", let value): region = String(value)
            case ("style", "path"): isPath = true
            case ("style", "virtual"): isPath = false
            default: throw wrong("\(pair[0]) is none of endpoint=URL, region=NAME and style=path|virtual")
            }
        }
    }

    private static func isInName(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x61...0x7A ~= byte || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    var shown: String { "s3://\(name)\(prefix.isEmpty ? "" : "/\(prefix)")" }

    /// The address of the objects, with a slash at its end.
    func url(_ environment: [String: String]) throws(WireError) -> HTTPURL {
        let end = prefix.isEmpty ? "" : "\(prefix)/"
        if let endpoint = endpoint ?? BucketCredentials.endpoint(environment) {
            let server = try HTTPURL(endpoint)
            // Other servers than Amazon's seldom have a name for each bucket.
            if isPath ?? true { return try server.appending("\(name)/\(end)") }
            let scheme = server.isSecure ? "https" : "http"
            let host = server.origin.dropFirst(scheme.count + 3)
            return try HTTPURL("\(scheme)://\(name).\(host)/\(end)")
        }
        let region = region ?? BucketCredentials.region(environment)
        // A certificate for one name more does not cover a bucket with a dot.
        if isPath ?? name.contains(".") { return try HTTPURL("https://s3.\(region).amazonaws.com/\(name)/\(end)") }
        return try HTTPURL("https://\(name).s3.\(region).amazonaws.com/\(end)")
    }
}
