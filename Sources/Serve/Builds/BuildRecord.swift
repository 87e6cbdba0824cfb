internal import Build
internal import Bytes

/// One build of the service, as it is kept on disk and told to its client.
struct BuildRecord: Hashable, Sendable {
    /// Where a build stands.
    enum State: String, Sendable {
        /// The client is to send its sources.
        case waiting
        case queued
        case running
        case succeeded
        case failed
        case cancelled
        /// The server ended while the build ran.
        case interrupted

        var isFinal: Bool { self != .waiting && self != .queued && self != .running }
    }

    /// A name that nobody guesses.
    let id: String
    let request: BuildRequest
    /// Who asked: the issuer and the name that it gave.
    let requester: String
    /// The digest of the secret that lets its client read and cancel it.
    let access: Digest
    var state: State
    var created: Timestamp
    var started: Timestamp?
    var finished: Timestamp?
    /// Why it did not succeed.
    var message: String?
    /// The saved archive, with its provenance inside.
    var artifact: Digest?

    private static let format = "martlet-build-1"

    init(id: String, request: BuildRequest, requester: String, access: Digest, created: Timestamp) {
        self.id = id
        self.request = request
        self.requester = requester
        self.access = access
        self.created = created
        if case .upload = request.source { state = .waiting } else { state = .queued }
    }

    /// What the client is told.
    var json: JSON {
        var object: JSONObject = [
            "id": .string(id), "state": .string(state.rawValue), "request": request.json,
            "requester": .string(requester), "created": .string(created.description),
        ]
        object["started"] = started.map { .string($0.description) }
        object["finished"] = finished.map { .string($0.description) }
        object["message"] = message.map { .string($0) }
        object["artifact"] = artifact.map { .string($0.description) }
        return .object(object)
    }

    /// The file's content.
    var bytes: [UInt8] {
        var object = json.objectValue ?? JSONObject()
        object["format"] = .string(Self.format)
        object["access"] = .string(access.hex)
        return JSON.object(object).bytes(indented: true) + [0x0A]
    }

    /// Reads the file; `nil` where it is none of this format.
    init?(parsing bytes: [UInt8]) {
        guard let json = try? JSON(parsing: bytes), json["format"]?.stringValue == Self.format,
            let id = json["id"]?.stringValue, Self.isID(id),
            let request = json["request"].flatMap({ try? BuildRequest($0) }),
            let requester = json["requester"]?.stringValue,
            let access = json["access"]?.stringValue.flatMap({ Digest(hex: $0) }),
            let state = json["state"]?.stringValue.flatMap({ State(rawValue: $0) }),
            let created = json["created"]?.stringValue.flatMap({ Timestamp($0) })
        else { return nil }
        self.init(id: id, request: request, requester: requester, access: access, created: created)
        self.state = state
        started = json["started"]?.stringValue.flatMap { Timestamp($0) }
        finished = json["finished"]?.stringValue.flatMap { Timestamp($0) }
        message = json["message"]?.stringValue
        artifact = json["artifact"]?.stringValue.flatMap {
            $0.hasPrefix("sha256:") ? Digest(hex: $0.dropFirst(7)) : nil
        }
    }

    /// Whether a text can be the name of a build; no other becomes a path.
    static func isID(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }
    }
}
