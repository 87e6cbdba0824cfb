import Bytes
import Registry
import TestKit
import Testing
import Wire

@testable import Serve

/// A registry for one test, and the calls that tests make.
struct RegistryClient: Sendable {
    let server: RunningServer
    var repository = "team/app"

    /// Starts a registry whose settings are `members`.
    static func with(
        _ members: JSONObject = [:], in directory: TemporaryDirectory? = nil,
        _ body: @escaping @Sendable (RegistryClient) async throws -> Void
    ) async throws {
        try await RunningServer.with(
            [.registry], in: directory,
            settings: { $0.services["registry"] = FaceSettings(name: "registry", members) }
        ) { try await body(RegistryClient(server: $0)) }
    }

    func ask(
        _ method: Wire.HTTPRequest.Method = .get, _ path: String, fields: Wire.HTTPFields = [:], body: [UInt8]? = nil
    ) async throws -> HTTPAnswer {
        try await server.ask(
            method, path.hasPrefix("/v2/") ? path : "/v2/\(repository)/\(path)", fields: fields, body: body)
    }

    /// Begins an upload and gives its address.
    func begin(_ query: String = "") async throws -> String {
        let answer = try await ask(.post, "blobs/uploads/\(query)")
        #expect(answer.status == 202)
        return try #require(answer.fields["Location"])
    }

    /// Puts a blob by POST and PUT.
    @discardableResult
    func put(_ bytes: [UInt8], _ algorithm: HashAlgorithm = .sha256) async throws -> Descriptor {
        let descriptor = Descriptor(.layerGzip, of: bytes, algorithm)
        let place = try await begin()
        let answer = try await ask(.put, "\(place)?digest=\(descriptor.digest)", body: bytes)
        #expect(answer.status == 201, "\(answer.text)")
        return descriptor
    }

    /// Puts a manifest of one layer, whose content is `text`.
    @discardableResult
    func putImage(
        _ text: String, tag: String? = nil, subject: Descriptor? = nil, artifactType: MediaType? = nil,
        annotations: [String: String] = [:], fields: Wire.HTTPFields = [:]
    ) async throws -> ImageManifest {
        let layer = try await put(Array(text.utf8))
        try await put(Array("{}".utf8))
        let manifest = ImageManifest(
            config: .empty, layers: [layer], artifactType: artifactType ?? MediaType("application/x.test"),
            subject: subject, annotations: annotations)
        let answer = try await put(manifest, as: tag ?? "\(manifest.descriptor.digest)", fields: fields)
        #expect(answer.status == 201, "\(answer.text)")
        return manifest
    }

    func put(
        _ manifest: ImageManifest, as name: String, fields: Wire.HTTPFields = [:]
    ) async throws -> HTTPAnswer {
        var fields = fields
        fields["Content-Type"] = manifest.mediaType.text
        return try await ask(.put, "manifests/\(name)", fields: fields, body: manifest.bytes)
    }

    func json(_ path: String) async throws -> JSON { try JSON(parsing: try await ask(.get, path).bytes) }
}

extension HTTPAnswer {
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The first code of an answer in the distribution-spec's form of errors.
    var errorCode: String? { (try? JSON(parsing: bytes))?["errors"]?[0]?["code"]?.stringValue }
}
