import Bytes
import LoopbackServer
import Synchronization
import Testing

@testable import Registry

/// A registry for tests that does whatever a bad one might: it drops, truncates, throttles, lies and forgets.
final class HostileRegistry: Sendable {
    typealias Reply = LoopbackServer.Reply
    typealias Request = LoopbackServer.Request

    struct State {
        var blobs: [String: [UInt8]] = [:]
        var manifests: [String: (type: String, bytes: [UInt8])] = [:]
        var uploads: [String: [UInt8]] = [:]
        var requests: [Request] = []
        var nextUpload = 0
    }

    /// What it does to the n-th request, from 1; `nil` answers as it should.
    typealias Mischief = @Sendable (Request, Int) -> Mischance?

    enum Mischance {
        case answer(Reply)
        case drop
        /// Closes the connection after so many bytes of the true answer's body.
        case breakAfter(Int)
        /// Changes the true answer.
        case change(@Sendable (inout Reply) -> Void)
        /// Takes so many bytes of the body, and drops the connection.
        case takePart(Int)
    }

    let state = Mutex(State())
    let mischief: Mischief
    let keepsReferrers: Bool
    private let box = Mutex<LoopbackServer?>(nil)

    init(keepsReferrers: Bool = true, _ mischief: @escaping Mischief = { _, _ in nil }) async throws {
        self.mischief = mischief
        self.keepsReferrers = keepsReferrers
        let server = try await LoopbackServer { [unowned self] request in self.reply(request) }
        box.withLock { $0 = server }
    }

    var port: Int { box.withLock { $0?.port ?? 0 } }
    func close() async {
        let server = box.withLock { $0 }
        await server?.close()
    }

    func reference(_ rest: String = "team/app:t") throws -> Reference { try Reference("127.0.0.1:\(port)/\(rest)") }

    var requests: [Request] { state.withLock { $0.requests } }
    func count(_ method: String, _ part: String = "") -> Int {
        requests.count { $0.method == method && $0.target.contains(part) }
    }

    private func reply(_ request: Request) -> Reply? {
        let number = state.withLock { state in
            state.requests.append(request)
            return state.requests.count
        }
        switch mischief(request, number) {
        case .answer(let reply): return reply
        case .drop: return nil
        case .breakAfter(let count):
            var reply = honest(request)
            reply.breaksAfter = count
            return reply
        case .change(let change):
            var reply = honest(request)
            change(&reply)
            return reply
        case .takePart(let count):
            let part = Request(
                method: request.method, target: request.target, fields: request.fields,
                body: Array(request.body.prefix(count)))
            _ = honest(part)
            return nil
        case nil: return honest(request)
        }
    }

    /// What a good registry would say.
    private func honest(_ request: Request) -> Reply {
        state.withLock { state in
            let parts = request.target.split(separator: "?", maxSplits: 1)
            let path = String(parts.first ?? "").split(separator: "/").map(String.init)
            let query = parts.count > 1 ? String(parts[1]) : ""
            guard path.first == "v2" else { return Reply(404) }
            guard path.count > 3 else { return Reply(200) }
            let (kind, last) = (path[path.count - 2], path[path.count - 1])
            if kind == "manifests" { return manifests(&state, request, last) }
            if kind == "referrers" { return referrers(state, last) }
            if last == "uploads" { return begin(&state, query) }
            if kind == "uploads" { return upload(&state, request, last, query) }
            if kind == "blobs" { return blob(state, request, last) }
            if last == "list" { return Reply(200, #"{"name":"x","tags":["a","b"]}"#) }
            return Reply(404)
        }
    }

    private func manifests(_ state: inout State, _ request: Request, _ name: String) -> Reply {
        if request.method == "PUT" {
            let digest = "\(HashAlgorithm.sha256.digest(of: request.body))"
            state.manifests[name] = (request["content-type"] ?? "", request.body)
            state.manifests[digest] = (request["content-type"] ?? "", request.body)
            var fields = [("Docker-Content-Digest", digest)]
            let subject = (try? Manifest(parsing: request.body))?.subject
            if let subject, keepsReferrers { fields.append(("OCI-Subject", "\(subject.digest)")) }
            return Reply(201, "", fields: fields.map { (name: $0.0, value: $0.1) })
        }
        guard let manifest = state.manifests[name] else {
            return Reply(404, #"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#)
        }
        let digest = "\(HashAlgorithm.sha256.digest(of: manifest.bytes))"
        return Reply(
            200, bytes: manifest.bytes, fields: [("Content-Type", manifest.type), ("Docker-Content-Digest", digest)])
    }

    private func referrers(_ state: State, _ subject: String) -> Reply {
        guard keepsReferrers else { return Reply(404, "404 page not found") }
        var found: [Descriptor] = []
        for manifest in state.manifests.values {
            guard let read = try? Manifest(parsing: manifest.bytes),
                "\(read.subject?.digest.description ?? "")" == subject
            else { continue }
            found.append(read.referrer)
        }
        return Reply(
            200, bytes: ImageIndex(manifests: found.unique()).bytes,
            fields: [("Content-Type", MediaType.imageIndex.text)])
    }

    private func begin(_ state: inout State, _ query: String) -> Reply {
        let mounted = query.split(separator: "&").first { $0.hasPrefix("mount=") }?.dropFirst("mount=".count)
        if let mounted, state.blobs[String(mounted)] != nil { return Reply(201) }
        state.nextUpload += 1
        state.uploads["\(state.nextUpload)"] = []
        return Reply(202, "", fields: [("Location", "/v2/team/app/blobs/uploads/\(state.nextUpload)?state=1")])
    }

    private func upload(_ state: inout State, _ request: Request, _ name: String, _ query: String) -> Reply {
        guard var content = state.uploads[name] else {
            return Reply(404, #"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}"#)
        }
        let location = (name: "Location", value: "../uploads/\(name)?state=\(content.count + request.body.count)")
        switch request.method {
        case "GET":
            return Reply(204, "", fields: [location, ("Range", "0-\(max(0, content.count - 1))")])
        case "PATCH":
            let start = request["content-range"]?.split(separator: "-").first.flatMap { Int($0) } ?? content.count
            guard start == content.count else { return Reply(416, "", fields: [("Range", "0-\(content.count - 1)")]) }
            content += request.body
            state.uploads[name] = content
            return Reply(202, "", fields: [location, ("Range", "0-\(content.count - 1)")])
        default:
            content += request.body
            let digest = query.split(separator: "&").first { $0.hasPrefix("digest=") }?.dropFirst("digest=".count)
            let wanted = digest.map { String($0).split(separator: "%3A").joined(separator: ":") } ?? ""
            guard "\(HashAlgorithm.sha256.digest(of: content))" == wanted else {
                return Reply(400, #"{"errors":[{"code":"DIGEST_INVALID","message":"not what it says"}]}"#)
            }
            state.blobs[wanted] = content
            state.uploads[name] = nil
            return Reply(201)
        }
    }

    private func blob(_ state: State, _ request: Request, _ digest: String) -> Reply {
        guard let content = state.blobs[digest] else { return Reply(404, #"{"errors":[{"code":"BLOB_UNKNOWN"}]}"#) }
        guard let range = request["range"], range.hasPrefix("bytes=") else { return Reply(200, bytes: content) }
        let parts = range.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard let start = Int(parts[0]), start < content.count else { return Reply(416) }
        let end = min(Int(parts[1]) ?? content.count - 1, content.count - 1)
        return Reply(
            206, bytes: Array(content[start...end]),
            fields: [("Content-Range", "bytes \(start)-\(end)/\(content.count)")])
    }
}
