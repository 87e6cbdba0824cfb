import Bytes
import Testing

@testable import Policy

/// Reviews and their answers.
@Suite struct AdmissionTests {
    typealias Fixtures = AdmissionFixtures
    let controller: AdmissionController
    let pool = EvidencePool([PolicyFixtures.provenance()])

    init() throws {
        var policy = try PolicyFixtures.read(PolicyFixtures.policy)
        policy.images = [try ImageGlob("ghcr.io/acme/**")]
        controller = try AdmissionController(policies: [policy])
    }

    func review(
        _ bytes: [UInt8], _ webhook: AdmissionController.Webhook = .validating,
        _ controller: AdmissionController? = nil,
        resolve: (ImageName) -> ImageResolution = { _ in .absent }
    ) throws -> AdmissionController.Outcome {
        (controller ?? self.controller).review(
            try AdmissionRequest(parsing: bytes), webhook, store: pool, at: PolicyFixtures.now, resolve: resolve)
    }

    @Test("every kind of workload is decided, and each image in it", arguments: AdmissionFixtures.kinds)
    func kinds(kind: Fixtures.Kind) throws {
        let good = try review(Fixtures.review(kind, Fixtures.object(kind, Fixtures.pod([Fixtures.image]))))
        #expect(good.isAllowed, "\(good.review.text())")
        #expect(good.review["response"]?["uid"]?.stringValue == "705ab4f5-6393-11e8-b7cc-42010a800002")
        #expect(good.review["apiVersion"]?.stringValue == "admission.k8s.io/v1")
        for place in 0..<4 {
            var images = Array(repeating: Fixtures.image, count: 4)
            images[place] = "ghcr.io/acme/app@sha256:" + String(repeating: "b", count: 64)
            let bad = try review(Fixtures.review(kind, Fixtures.object(kind, Fixtures.pod(images))))
            #expect(!bad.isAllowed, "image \(place)")
            let message = bad.review["response"]?["status"]?["message"]?.stringValue ?? ""
            #expect(message.contains("policy release: has provenance: expected"), "\(message)")
        }
    }

    @Test("tags are tied to digests, once", arguments: AdmissionFixtures.kinds)
    func pinned(kind: Fixtures.Kind) throws {
        let object = Fixtures.object(kind, Fixtures.pod([Fixtures.other, Fixtures.image]))
        let outcome = try review(Fixtures.review(kind, object), .mutating) { _ in .digest(Fixtures.digest) }
        #expect(outcome.isAllowed)
        #expect(outcome.review["response"]?["patchType"]?.stringValue == "JSONPatch")
        let text = try #require(outcome.review["response"]?["patch"]?.stringValue)
        let patch = try JSON(parsing: try Base64.decode(text, alphabet: .standard))
        let root = "/" + kind.place.joined(separator: "/")
        let paths = [
            "\(root)/containers/0/image", "\(root)/ephemeralContainers/0/image", "\(root)/volumes/1/image/reference",
        ]
        #expect(patch.arrayValue?.compactMap { $0["path"]?.stringValue } == paths)
        #expect(patch[0]?["value"]?.stringValue == "\(Fixtures.other)@\(Fixtures.digest)")
        let again = Fixtures.object(kind, Fixtures.pod(["\(Fixtures.other)@\(Fixtures.digest)"]))
        #expect(try review(Fixtures.review(kind, again), .mutating).review["response"]?["patch"] == nil)
    }

    @Test("a tag that can't be resolved is refused, and says whether anybody could be asked")
    func unresolved() throws {
        let bytes = Fixtures.review(
            Fixtures.kinds[0], Fixtures.object(Fixtures.kinds[0], Fixtures.pod([Fixtures.other])))
        let absent = try review(bytes, .mutating)
        #expect(absent.review.text().contains("the registry has no such image"))
        let unreachable = try review(bytes, .mutating) { _ in .unreachable("timed out") }
        #expect(!unreachable.isAllowed && unreachable.review.text().contains("timed out"))
        // The validating webhook asks nobody.
        #expect(try review(bytes).review.text().contains("is named by a tag"))
    }

    @Test("what changes no image is let through without a look")
    func noOperation() throws {
        let pod = Fixtures.kinds[0]
        let bad = Fixtures.object(pod, Fixtures.pod([Fixtures.other]))
        #expect(try review(Fixtures.review(pod, bad, operation: "UPDATE", old: bad)).isAllowed)
        #expect(try review(Fixtures.review(pod, bad, operation: "DELETE", old: bad)).isAllowed)
        #expect(try review(Fixtures.review(pod, bad, operation: "UPDATE", subresource: "status")).isAllowed)
        #expect(
            try review(
                Fixtures.review(Fixtures.kinds[4], ["spec": ["replicas": 2]], operation: "UPDATE", subresource: "scale")
            ).isAllowed)
        let going = Fixtures.object(
            pod, Fixtures.pod([Fixtures.other]), metadata: ["name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"])
        #expect(
            try review(
                Fixtures.review(
                    pod, going, operation: "UPDATE", old: Fixtures.object(pod, Fixtures.pod([Fixtures.image])))
            ).isAllowed)
        // An ephemeral container is a new image.
        let old = Fixtures.object(pod, Fixtures.pod([Fixtures.image]))
        let debug = Fixtures.object(pod, Fixtures.pod([Fixtures.image, Fixtures.image, Fixtures.other]))
        #expect(
            !(try review(Fixtures.review(pod, debug, operation: "UPDATE", old: old, subresource: "ephemeralcontainers"))
                .isAllowed))
    }

    @Test("images that no policy is about are refused unless somebody says otherwise")
    func unmatched() throws {
        let pod = Fixtures.kinds[0]
        let bytes = Fixtures.review(pod, Fixtures.object(pod, Fixtures.pod(["quay.io/x/y@\(Fixtures.digest)"])))
        #expect(!(try review(bytes).isAllowed))
        var lenient = controller
        lenient.unmatched = .warn
        let outcome = try review(bytes, .validating, lenient)
        #expect(outcome.isAllowed)
        #expect(outcome.review["response"]?["warnings"]?.arrayValue?.count == 1)
    }

    @Test("evidence that can't be reached is not taken for none")
    func unreachable() throws {
        struct Broken: EvidenceStore {
            func evidence(about subject: PolicySubject) -> EvidenceAnswer { .unreachable("the disk is gone") }
        }
        let pod = Fixtures.kinds[0]
        let request = try AdmissionRequest(
            parsing: Fixtures.review(pod, Fixtures.object(pod, Fixtures.pod([Fixtures.image]))))
        let outcome = controller.review(request, .validating, store: Broken(), at: PolicyFixtures.now)
        #expect(!outcome.isAllowed)
        #expect(outcome.review.text().contains("the disk is gone"))
    }

    @Test("a policy that warns lets in, with warnings that the API server shows")
    func warnings() throws {
        var policy = controller.policies[0]
        policy.isEnforced = false
        let pod = Fixtures.kinds[0]
        var containers: [JSON] = []
        for index in 0..<200 {
            containers.append([
                "name": "c", "image": .string("ghcr.io/acme/\(String(repeating: "x", count: 150))-\(index)"),
            ])
        }
        let outcome = try review(
            Fixtures.review(pod, ["spec": ["containers": .array(containers)]]), .validating,
            AdmissionController(policies: [policy]))
        #expect(outcome.isAllowed)
        let warnings = outcome.review["response"]?["warnings"]?.arrayValue?.compactMap(\.stringValue) ?? []
        #expect(!warnings.isEmpty && warnings.allSatisfy { $0.count <= 120 })
        #expect(warnings.reduce(0) { $0 + $1.utf8.count } <= 4096)
        #expect(outcome.events.map(\.kind) == [.warned])
    }

    @Test("the glass is broken by who may, with a reason, and that is recorded")
    func breakGlass() throws {
        let pod = Fixtures.kinds[0]
        func bytes(_ reason: String, groups: [String] = ["oncall"], isDryRun: Bool = false) -> [UInt8] {
            let metadata: JSON = ["name": "a", "annotations": ["policy.martlet.dev/break-glass": .string(reason)]]
            return Fixtures.review(
                pod, Fixtures.object(pod, Fixtures.pod([Fixtures.other]), metadata: metadata), isDryRun: isDryRun,
                groups: groups)
        }
        #expect(!(try review(bytes("incident 4711: shop is down")).isAllowed))
        var breakable = controller
        breakable.breakGlass = .init(groups: ["oncall"])
        let outcome = try review(bytes("incident 4711: shop is down"), .validating, breakable)
        #expect(outcome.isAllowed)
        #expect(outcome.events.map(\.kind) == [.brokeGlass])
        #expect(outcome.events.first?.reason == "incident 4711: shop is down")
        #expect(outcome.events.first?.user == "jane@example.org")
        #expect(outcome.review["response"]?["auditAnnotations"]?["verdict"]?.stringValue == "broke-glass")
        #expect(!(try review(bytes("because"), .validating, breakable).isAllowed))
        #expect(!(try review(bytes("incident 4711: shop is down", groups: ["dev"]), .validating, breakable).isAllowed))
        #expect(try review(bytes("incident 4711: shop is down", isDryRun: true), .validating, breakable).events.isEmpty)
    }

    @Test("policies are about the resources and labels that they name")
    func resources() throws {
        var policy = controller.policies[0]
        policy.resources = [
            .init(group: "apps", version: "v1", resource: "deployments", labels: ["tier": "web"], expressions: [])
        ]
        var controller = try AdmissionController(policies: [policy])
        controller.unmatched = .allow
        let bad = Fixtures.pod(["ghcr.io/acme/x@sha256:" + String(repeating: "b", count: 64)])
        #expect(
            !(try review(
                Fixtures.review(Fixtures.kinds[4], Fixtures.object(Fixtures.kinds[4], bad)), .validating, controller
            ).isAllowed))
        #expect(
            try review(
                Fixtures.review(Fixtures.kinds[5], Fixtures.object(Fixtures.kinds[5], bad)), .validating, controller
            ).isAllowed)
    }

    @Test("an object that hides its images is refused")
    func malformed() throws {
        let pod = Fixtures.kinds[0]
        let hidden: [JSON] = [
            ["spec": ["containers": ["image": "x"]]], ["spec": ["containers": [["name": "a"]]]], ["spec": "x"], [:],
            .null,
            ["spec": ["containers": [["image": 5]]]], ["spec": ["volumes": [["image": [:]]]]],
            ["spec": ["containers": [["image": ""]]]],
        ]
        for object in hidden { #expect(!(try review(Fixtures.review(pod, object)).isAllowed), "\(object.text())") }
        let unknown = Fixtures.Kind(
            group: "example.org", version: "v1", kind: "Thing", resource: "things", place: ["spec"])
        #expect(
            !(try review(Fixtures.review(unknown, Fixtures.object(unknown, Fixtures.pod([Fixtures.image])))).isAllowed))
        for text in ["", "{}", "[]", #"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}"#] {
            #expect(throws: PolicyError.self) { try AdmissionRequest(parsing: Array(text.utf8)) }
        }
    }
}
