import Bytes
import Testing

@testable import Policy

/// Reviews as an API server of Kubernetes 1.31 and later sends them, for each kind of workload.
enum AdmissionFixtures {
    static let digest = PolicyFixtures.subject.digests[0]
    static let image = "ghcr.io/acme/app:v1@" + digest
    static let other = "ghcr.io/acme/other:v1"

    struct Kind: Sendable, CustomTestStringConvertible {
        let group: String
        let version: String
        let kind: String
        let resource: String
        /// The path of the pod's specification.
        let place: [String]
        var testDescription: String { kind }
    }

    static let kinds = [
        Kind(group: "", version: "v1", kind: "Pod", resource: "pods", place: ["spec"]),
        Kind(group: "", version: "v1", kind: "PodTemplate", resource: "podtemplates", place: ["template", "spec"]),
        Kind(
            group: "", version: "v1", kind: "ReplicationController", resource: "replicationcontrollers",
            place: ["spec", "template", "spec"]),
        Kind(
            group: "apps", version: "v1", kind: "ReplicaSet", resource: "replicasets",
            place: ["spec", "template", "spec"]),
        Kind(
            group: "apps", version: "v1", kind: "Deployment", resource: "deployments",
            place: ["spec", "template", "spec"]),
        Kind(
            group: "apps", version: "v1", kind: "StatefulSet", resource: "statefulsets",
            place: ["spec", "template", "spec"]),
        Kind(
            group: "apps", version: "v1", kind: "DaemonSet", resource: "daemonsets",
            place: ["spec", "template", "spec"]),
        Kind(group: "batch", version: "v1", kind: "Job", resource: "jobs", place: ["spec", "template", "spec"]),
        Kind(
            group: "batch", version: "v1", kind: "CronJob", resource: "cronjobs",
            place: ["spec", "jobTemplate", "spec", "template", "spec"]),
    ]

    /// A pod with a container of each kind and a volume from an image.
    static func pod(_ images: [String]) -> JSON {
        func image(_ index: Int) -> JSON { .string(images.indices.contains(index) ? images[index] : images[0]) }
        return [
            "serviceAccountName": "default", "terminationGracePeriodSeconds": 30,
            "initContainers": [
                ["name": "init", "image": image(1), "resources": [:], "imagePullPolicy": "IfNotPresent"]
            ],
            "containers": [
                [
                    "name": "main", "image": image(0), "ports": [["containerPort": 8080, "protocol": "TCP"]],
                    "env": [["name": "A", "value": "b"]], "volumeMounts": [["name": "model", "mountPath": "/model"]],
                ]
            ],
            "ephemeralContainers": [["name": "debug", "image": image(2), "targetContainerName": "main"]],
            "volumes": [
                ["name": "token", "emptyDir": [:]],
                ["name": "model", "image": ["reference": image(3), "pullPolicy": "IfNotPresent"]],
            ],
        ]
    }

    static func object(
        _ kind: Kind, _ pod: JSON, metadata: JSON = ["name": "app", "namespace": "shop", "labels": ["tier": "web"]]
    ) -> JSON {
        var value = pod
        for name in kind.place.reversed() {
            var inner: JSONObject = [name: value]
            if name == "template" { inner["metadata"] = ["labels": ["app": "app"]] }
            value = .object(inner)
        }
        var object: JSONObject = [
            "apiVersion": .string(kind.group.isEmpty ? kind.version : "\(kind.group)/\(kind.version)"),
            "kind": .string(kind.kind),
            "metadata": metadata,
        ]
        for member in value.objectValue ?? [:] { object[member.key] = member.value }
        object["status"] = [:]
        return .object(object)
    }

    static func review(
        _ kind: Kind, _ object: JSON, operation: String = "CREATE", old: JSON = .null, subresource: String? = nil,
        isDryRun: Bool = false, groups: [String] = ["system:authenticated"]
    ) -> [UInt8] {
        let gvk: JSON = ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)]
        let gvr: JSON = [
            "group": .string(kind.group), "version": .string(kind.version), "resource": .string(kind.resource),
        ]
        var request: JSONObject = [
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "kind": gvk, "resource": gvr, "requestKind": gvk,
            "requestResource": gvr, "name": "app", "namespace": "shop", "operation": .string(operation),
            "userInfo": [
                "username": "jane@example.org", "uid": "014fbff9a07c", "groups": .array(groups.map(JSON.string)),
                "extra": ["example.org/k": ["v"]],
            ],
            "object": operation == "DELETE" ? .null : object, "oldObject": old,
            "options": ["apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"], "dryRun": .bool(isDryRun),
        ]
        if let subresource { request["subResource"] = .string(subresource) }
        return JSON.object([
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": .object(request),
        ]).bytes()
    }
}
