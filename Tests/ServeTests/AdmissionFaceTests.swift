import Bytes
import Host
import SystemPackage
import TestKit
import Testing
import Wire

@testable import Serve

/// The webhooks over real HTTP.
@Suite struct AdmissionFaceTests {
    static let policy = """
        policy: v1
        name: signed
        images: ["ghcr.io/acme/**"]
        signers: {release: {issuer: "https://issuer.example", identity: me@example.org}}
        requires: [{predicate: slsaprovenance1}]
        """

    static func review(_ image: String, annotations: JSON = [:]) -> [UInt8] {
        let request: JSON = [
            "uid": "705ab4f5", "kind": ["group": "", "version": "v1", "kind": "Pod"],
            "resource": ["group": "", "version": "v1", "resource": "pods"], "operation": "CREATE",
            "userInfo": ["username": "jane", "groups": ["oncall"]],
            "object": [
                "metadata": ["name": "a", "annotations": annotations],
                "spec": ["containers": [["name": "c", "image": .string(image)]]],
            ],
        ]
        return JSON.object(["apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request]).bytes()
    }

    @Test("reviews are answered, and whoever breaks the glass leaves a record on the disk")
    func answers() async throws {
        let directory = try TemporaryDirectory()
        let folder = directory.path.appending("admission")
        try Files.createDirectories(folder, mode: 0o700)
        try Files.write(Array(Self.policy.utf8), to: folder.appending("policy.yaml"))
        try await RunningServer.with([.log, .admission], in: directory) { settings in
            settings.services["admission"] = FaceSettings(
                name: "admission", ["policies": ["policy.yaml"], "breakGlassGroups": ["oncall"]])
        } _: { server in
            let image = "ghcr.io/acme/app@sha256:" + String(repeating: "a", count: 64)
            func ask(_ path: String, _ body: [UInt8]) async throws -> JSON {
                let answer = try await server.ask(.post, path, fields: ["Content-Type": "application/json"], body: body)
                return try JSON(parsing: answer.bytes)
            }
            let denied = try await ask("/admission/validate", Self.review(image))
            #expect(denied["response"]?["allowed"]?.boolValue == false)
            #expect(denied["response"]?["uid"]?.stringValue == "705ab4f5")
            #expect(denied.text().contains("has an attestation"))
            let tag = try await ask("/admission/mutate", Self.review("ghcr.io/acme/app:v1"))
            #expect(tag.text().contains("tags are not resolved here"))
            let pinned = try await ask("/admission/mutate", Self.review(image))
            #expect(pinned["response"]?["allowed"]?.boolValue == true)
            let broken = try await ask(
                "/admission/validate",
                Self.review(image, annotations: ["policy.martlet.dev/break-glass": "incident 4711, shop is down"]))
            #expect(broken["response"]?["allowed"]?.boolValue == true)
            let record = try Files.readText(folder.appending("events.jsonl"), limit: 1 << 20)
            #expect(record.contains("incident 4711, shop is down") && record.hasSuffix("\n"))
            // Nobody can take it back: it is in the log, by the image's digest.
            let found = try await server.ask(
                .post, "/api/v1/index/retrieve", fields: ["Content-Type": "application/json"],
                body: JSON.object(["hash": .string("sha256:" + String(repeating: "a", count: 64))]).bytes())
            let names = try #require(try JSON(parsing: found.bytes).arrayValue)
            let name = try #require(names.first?.stringValue)
            let logged = try await server.ask(.get, "/api/v1/log/entries/\(name)")
            let entry = try #require(try JSON(parsing: logged.bytes)[name])
            let data = try #require(entry["attestation"]?["data"]?.stringValue)
            let statement = try Base64.decode(data)
            #expect(names.count == 1 && String(decoding: statement, as: UTF8.self).contains("shop is down"))
            let refused = try await server.ask(.post, "/admission/validate", body: Array("{}".utf8))
            #expect(refused.status == 400)
        }
    }
}
