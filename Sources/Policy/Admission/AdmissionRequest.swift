package import Bytes

/// What the API server asks an admission webhook (`admission.k8s.io/v1`, AdmissionReview).
package struct AdmissionRequest: Sendable {
    package enum Operation: String, Sendable {
        case create = "CREATE"
        case update = "UPDATE"
        case delete = "DELETE"
        case connect = "CONNECT"
    }

    package var uid: String
    package var group: String
    package var version: String
    /// The plural name, such as `deployments`.
    package var resource: String
    package var subresource: String
    package var kind: String
    package var name: String
    package var namespace: String
    package var operation: Operation
    package var userName: String
    package var userGroups: [String]
    package var object: JSON
    package var oldObject: JSON
    package var isDryRun: Bool

    /// The most bytes of a review; the API server sends at most 3 MiB and that twice.
    package static let greatestLength = 8 << 20

    /// Reads an AdmissionReview with a request.
    package init(parsing bytes: [UInt8]) throws(PolicyError) {
        let review: JSON
        do {
            review = try JSON(parsing: bytes, limits: JSONLimits(byteCount: Self.greatestLength, depth: 128))
        } catch {
            throw PolicyError("the review is not JSON: \(error)")
        }
        guard review["apiVersion"]?.stringValue == Self.apiVersion, review["kind"]?.stringValue == Self.kind else {
            throw PolicyError(
                "the body is no AdmissionReview of \(Self.apiVersion); list that version in admissionReviewVersions")
        }
        guard let request = review["request"], request.objectValue != nil else {
            throw PolicyError("the review has no request")
        }
        func text(_ value: JSON?, _ key: String) -> String { value?[key]?.stringValue ?? "" }
        uid = text(request, "uid")
        guard !uid.isEmpty, uid.utf8.count <= 128 else { throw PolicyError("the request has no uid") }
        let word = text(request, "operation")
        guard let operation = Operation(rawValue: word) else {
            throw PolicyError("the operation \(word.prefix(40).debugDescription) is not known")
        }
        self.operation = operation
        // What somebody asked for, before the API server made another version of it.
        let resource = request["resource"]
        group = text(resource, "group")
        version = text(resource, "version")
        self.resource = text(resource, "resource")
        guard !self.resource.isEmpty else { throw PolicyError("the request names no resource") }
        subresource = text(request, "subResource")
        kind = text(request["kind"], "kind")
        name = text(request, "name")
        namespace = text(request, "namespace")
        userName = text(request["userInfo"], "username")
        userGroups = (request["userInfo"]?["groups"]?.arrayValue ?? []).compactMap(\.stringValue)
        object = request["object"] ?? .null
        oldObject = request["oldObject"] ?? .null
        isDryRun = request["dryRun"]?.boolValue ?? false
    }

    static let apiVersion = "admission.k8s.io/v1"
    static let kind = "AdmissionReview"

    /// The name of the object for people; one whose name is yet to be made has only the beginning of it.
    package var title: String {
        let name = self.name.isEmpty ? object["metadata"]?["generateName"]?.stringValue ?? "" : self.name
        return "\(kind.isEmpty ? resource : kind) \(namespace.isEmpty ? "" : namespace + "/")\(name)".safeForTerminal
    }

    /// The labels of the object.
    var labels: [String: String] {
        var out: [String: String] = [:]
        for member in object["metadata"]?["labels"]?.objectValue ?? [:] { out[member.key] = member.value.stringValue }
        return out
    }
}
