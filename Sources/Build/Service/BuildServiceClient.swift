internal import Attest
internal import Bytes
package import Git
internal import Host
package import SystemPackage
package import Wire
internal import Workspace

/// Has packages built by a build service (docs/formats/build-service.md).
package struct BuildServiceClient: Sendable {
    /// How a client says who it is.
    package enum Credential: Sendable {
        case token(String)
        case user(String, password: [UInt8])

        fileprivate var field: String {
            switch self {
            case .token(let text): "Bearer \(text)"
            case .user(let name, let password): "Basic \(Base64.encode(Array("\(name):".utf8) + password))"
            }
        }
    }

    /// How a build ended.
    package struct Outcome: Sendable {
        package var id: String
        package var succeeded: Bool
        /// Why it did not succeed.
        package var message: String?
        /// The digest of the saved archive.
        package var artifact: String?

        /// For programs.
        package var json: String {
            var object: JSONObject = ["id": .string(id), "succeeded": .bool(succeeded)]
            object["message"] = succeeded ? nil : message.map { .string($0) }
            object["artifact"] = artifact.map { .string($0) }
            return JSON.object(object).text(indented: true) + "\n"
        }
    }

    private let base: HTTPURL
    private let client: HTTPClient
    private let credential: Credential

    private static let answerLimit = 4 << 20
    /// How long an answer about the log may wait, in seconds.
    private static let wait = 15

    /// - Throws: `BuildError` where the service is reached over a connection that others can read.
    package init(_ address: String, client: HTTPClient, credential: Credential) throws {
        base = try HTTPURL(address.hasSuffix("/") ? String(address.dropLast()) : address)
        guard base.isConfidential else {
            throw BuildError(.configuration, "\(base.shown) is not encrypted, and no token or password is sent there")
        }
        self.client = client
        self.credential = credential
    }

    /// Has the service build, and hands on its log. Where the task is cancelled, so is the build.
    /// - Parameters:
    ///   - pack: the sources, where the request says that they are uploaded.
    ///   - save: where the archive goes, and its bundle beside it.
    package func build(
        _ request: BuildRequest, pack: [UInt8]?, save: FilePath?, log: @Sendable ([UInt8]) -> Void
    ) async throws -> Outcome {
        let build = try await create(request)
        do {
            if let pack {
                try await check(
                    fetch(.put, build.path + "/source", build.access, body: .bytes(pack), deadline: .seconds(1800)))
            }
            try await follow(build, log)
            let json = try await self.json(fetch(.get, build.path, build.access))
            var outcome = Outcome(id: build.id, succeeded: json["state"]?.stringValue == "succeeded")
            outcome.message = json["message"]?.stringValue ?? json["state"]?.stringValue
            outcome.artifact = json["artifact"]?.stringValue
            if outcome.succeeded, let save { try await download(build, outcome, to: save) }
            return outcome
        } catch {
            if Task.isCancelled { await cancel(build) }
            throw error
        }
    }

    private struct Build: Sendable {
        var id: String
        var access: String
        var path: String { "builds/\(id)" }
    }

    private func create(_ request: BuildRequest) async throws -> Build {
        var call = HTTPRequest(
            .post, try base.appending("builds"),
            fields: ["Authorization": credential.field, "Content-Type": "application/json"],
            body: .bytes(request.json.bytes()))
        call.staysAtOrigin = true
        let json = try json(try await client.fetch(call, limit: Self.answerLimit))
        guard let id = json["id"]?.stringValue, let access = json["access"]?.stringValue,
            (id + access).utf8.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x7A ~= $0 }), !id.isEmpty
        else { throw BuildError(.unavailable, "\(base.shown) does not answer as a build service does") }
        return Build(id: id, access: access)
    }

    /// Hands on the log until the build has ended.
    private func follow(_ build: Build, _ log: @Sendable ([UInt8]) -> Void) async throws {
        var offset = 0
        while true {
            let answer = try await fetch(.get, "\(build.path)/log?offset=\(offset)&wait=\(Self.wait)", build.access)
            try check(answer)
            // Words of somebody else's, for a terminal.
            let shown = answer.bytes.filter { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A || $0 == 0x09 }
            if !shown.isEmpty { log(shown) }
            offset += answer.bytes.count
            let state = answer.fields["Martlet-Build-State"] ?? ""
            if answer.bytes.isEmpty, !["waiting", "queued", "running"].contains(state) { return }
        }
    }

    private func cancel(_ build: Build) async {
        // A task of its own, for this one's is cancelled and could ask for nothing more.
        _ = await Task { try? await fetch(.delete, build.path, build.access) }.value
    }

    // MARK: Results

    private func download(_ build: Build, _ outcome: Outcome, to file: FilePath) async throws {
        let bundle = try await fetch(.get, "\(build.path)/\(BuildJob.artifact).sigstore.json", build.access)
        let content = try check(bundle)
        var request = HTTPRequest(
            .get, try base.appending("\(build.path)/\(BuildJob.artifact)"),
            fields: ["Authorization": "Bearer \(build.access)"])
        request.staysAtOrigin = true
        let reply = try await client.send(request, deadline: .seconds(3600))
        guard reply.status == 200 else { throw BuildError(.unavailable, "\(reply.url.shown) answers \(reply.status)") }
        let temporary = Files.temporaryName(beside: file)
        do {
            try Files.write([], to: temporary)
            var hasher = SHA256Hasher()
            let output = try OpenFile(appending: temporary)
            for try await piece in reply.body {
                hasher.update(piece)
                try output.write(piece)
            }
            let digest = hasher.finalize()
            guard digest.description == outcome.artifact else {
                throw BuildError(.changed, "the archive that came is \(digest), not \(outcome.artifact ?? "any")")
            }
            try Files.write(content, to: FilePath(file.string + ".sigstore.json"))
            try Files.rename(temporary, to: file)
        } catch {
            try? Files.remove(temporary)
            throw error
        }
    }

    // MARK: Calls

    private func fetch(
        _ method: HTTPRequest.Method, _ path: String, _ access: String, body: HTTPRequest.Body? = nil,
        deadline: Duration? = nil
    ) async throws -> HTTPAnswer {
        var request = HTTPRequest(
            method, try base.appending(path), fields: ["Authorization": "Bearer \(access)"], body: body)
        request.staysAtOrigin = true
        return try await client.fetch(request, limit: 32 << 20, deadline: deadline)
    }

    private func json(_ answer: HTTPAnswer) throws -> JSON {
        guard let json = try? JSON(parsing: try check(answer)) else {
            throw BuildError(.unavailable, "\(answer.url.shown) does not answer with JSON")
        }
        return json
    }

    /// The content of a success; else what the service says.
    @discardableResult
    private func check(_ answer: HTTPAnswer) throws -> [UInt8] {
        if answer.isSuccess { return answer.bytes }
        let said = (try? JSON(parsing: answer.bytes))?["message"]?.stringValue?.safeForTerminal ?? "nothing more"
        let isRefusal = (400..<500).contains(answer.status) && answer.status != 429
        throw BuildError(
            isRefusal ? .refused : .unavailable, "the build service answers \(answer.status): \(said)")
    }
}

extension GitRepository {
    /// The request for a package of this repository as its HEAD has it.
    package func buildRequest(
        _ target: String, pack: [UInt8]?
    ) throws -> BuildRequest {
        guard let head else { throw GitError(.noCommit, "the repository at \(root) has no commit yet") }
        guard let name = PackageName(target) else {
            throw BuildError(.configuration, "'\(target)' is no full name of a package, such as component:package")
        }
        let source: BuildRequest.Source
        if let pack {
            source = .upload(Digest.of(pack))
        } else if let origin {
            source = .repository(origin, ref: ref)
        } else {
            throw BuildError(
                .configuration, "the repository has no remote 'origin' that the service could fetch from; give --upload"
            )
        }
        return BuildRequest(source, commit: head.id, target: name, directory: directory)
    }
}
