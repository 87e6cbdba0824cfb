package import Attest
internal import Bytes
package import SystemPackage

/// What a build service tells the process that does one build.
package struct BuildJob: Sendable {
    package var request: BuildRequest
    /// A directory of the build's own, for sources, stores and results; empty but for a pack.
    package var directory: FilePath
    /// What the client sent, where the request says that it sends something.
    package var pack: FilePath?
    package var service: ProvenanceFacts.Service
    /// Where tools are looked for.
    package var searchPath: String
    package var jobs: Int
    /// Seconds that a step may take which sets no limit itself.
    package var timeLimit: Int
    package var packLimit: Int
    /// Whether fetch steps may reach what this machine reaches.
    package var mayFetch: Bool

    package init(
        request: BuildRequest, directory: FilePath, pack: FilePath?, service: ProvenanceFacts.Service,
        searchPath: String, jobs: Int, timeLimit: Int, packLimit: Int, mayFetch: Bool
    ) {
        self.request = request
        self.directory = directory
        self.pack = pack
        self.service = service
        self.searchPath = searchPath
        self.jobs = jobs
        self.timeLimit = timeLimit
        self.packLimit = packLimit
        self.mayFetch = mayFetch
    }

    /// The names of the results in the job's directory.
    package static let artifact = "artifact.tar.gz"

    package var bytes: [UInt8] {
        var object: JSONObject = [
            "request": request.json, "directory": .string(directory.string), "builder": .string(service.builderID),
            "invocation": .string(service.invocationID), "requester": .string(service.requester),
            "searchPath": .string(searchPath), "jobs": .integer(jobs), "timeLimit": .integer(timeLimit),
            "packLimit": .integer(packLimit), "mayFetch": .bool(mayFetch),
        ]
        object["pack"] = pack.map { .string($0.string) }
        return JSON.object(object).bytes()
    }

    init?(_ bytes: [UInt8]) {
        guard let json = try? JSON(parsing: bytes), let request = json["request"].flatMap({ try? BuildRequest($0) }),
            let directory = json["directory"]?.stringValue, let builder = json["builder"]?.stringValue,
            let invocation = json["invocation"]?.stringValue, let requester = json["requester"]?.stringValue,
            let searchPath = json["searchPath"]?.stringValue, let jobs = json["jobs"]?.intValue,
            let timeLimit = json["timeLimit"]?.intValue, let packLimit = json["packLimit"]?.intValue,
            let mayFetch = json["mayFetch"]?.boolValue
        else { return nil }
        self.init(
            request: request, directory: FilePath(directory),
            pack: json["pack"]?.stringValue.map { FilePath($0) },
            service: .init(
                builderID: builder, request: request.json, invocationID: invocation, requester: requester),
            searchPath: searchPath, jobs: jobs, timeLimit: timeLimit, packLimit: packLimit, mayFetch: mayFetch)
    }
}
